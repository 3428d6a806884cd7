// The buffers of the packed matrix product: on the stack of the thread that multiplies, never larger than an L2 cache.
#pragma once

#include "kernels/scalar.h"

namespace {

// Blocks of a row unpacked at a time: 16 rows of them are 16 KB, and 8 columns 8 KB, so that both stay in an L1 cache.
constexpr size_t kChunk = 32;

// kRows weight rows. The order of the quants within a block is the micro-kernel's.
template <class B, size_t kRows>
struct Panel {
  alignas(64) uint8_t q[kChunk][kRows * HEARTH_BLOCK];
  alignas(64) float d[kChunk][kRows];
  alignas(64) float m[kHasMinimum<B> ? kChunk : 1][kRows];
};

template <size_t kCols>
struct ColumnTile {
  alignas(64) int8_t q[kChunk][kCols][HEARTH_BLOCK];
  float d[kChunk][kCols];
  int32_t sum[kChunk][kCols];

  // Fills column c from blocks that are `q_step` quants and `step` scales apart.
  void set(size_t c, size_t n_blocks, const int8_t* from, size_t q_step, const float* scales, const int32_t* sums,
           size_t step) {
    for (size_t i = 0; i < n_blocks; ++i) {
      memcpy(q[i][c], from + i * q_step, HEARTH_BLOCK);
      d[i][c] = scales[i * step];
      sum[i][c] = sums[i * step];
    }
  }
};

}  // namespace
