// The two kinds of numbers a model works with: weights in the mapped file, and activations in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/blocks.h"

namespace hearth {

// A weight matrix [rows, cols] in its file layout: row r multiplies with an activation of `cols` elements.
struct Matrix {
  const uint8_t* data = nullptr;  // mapped file's
  HearthType type = HEARTH_TYPE_F32;
  size_t rows = 0;
  size_t cols = 0;
  size_t row_bytes = 0;

  explicit operator bool() const { return data != nullptr; }
  // Rows first .. first + n - 1.
  Matrix slice(size_t first, size_t n) const { return {data + first * row_bytes, type, n, cols, row_bytes}; }
};

// y = weight * x + bias
struct Linear {
  Matrix weight;
  const float* bias = nullptr;  // [weight.rows], mapped file's; null: none

  // Outputs first .. first + n - 1: one of several matrices that the file stores as one.
  Linear slice(size_t first, size_t n) const { return {weight.slice(first, n), bias ? bias + first : nullptr}; }
};

// The gain of an RMSNorm and what keeps its divisor from zero.
struct RmsNorm {
  std::span<const float> weight;  // mapped file's; empty: the architecture has no norm here
  float eps = 0;
};

// Activations [rows, cols] (a row a token), row-major, owned by the pass.
struct Tensor {
  float* data = nullptr;
  size_t rows = 0;
  size_t cols = 0;

  float* row(size_t r) const { return data + r * cols; }
};

}  // namespace hearth
