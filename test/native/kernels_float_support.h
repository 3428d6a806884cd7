// Tests of kernels on floats share sizes around the vectors', and the comparison of every set with ref, bit for bit.
#pragma once

#include <doctest/doctest.h>

#include "kernels_support.h"

namespace hearth {

inline const std::vector<size_t>& odd_sizes() {
  static const std::vector<size_t> sizes = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 64, 100, 288};
  return sizes;
}

inline void fill(GuardedBuffer<float>& buffer, Random& random, float scale = 1.0f) {
  for (float& x : buffer) x = random.normal() * scale;
}

// Runs `compute(kernels, buffer)` with ref and with every other set on copies of `input` and compares the buffers.
template <class Compute>
void expect_like_ref(const GuardedBuffer<float>& input, Compute compute) {
  GuardedBuffer<float> expected(input.size()), actual(input.size());
  std::memcpy(expected.data(), input.data(), input.size() * sizeof(float));
  compute(ref_kernels(), expected.data());
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    CAPTURE(input.size());
    std::memcpy(actual.data(), input.data(), input.size() * sizeof(float));
    compute(*kernels, actual.data());
    CHECK(same_bits(expected.data(), actual.data(), input.size()));
  }
}

}  // namespace hearth
