// The buffers of the packed matrix product: on the stack of the thread that multiplies, never larger than an L2 cache.
#pragma once

#include "kernels/kernels.h"
#include "kernels/super_blocks.h"

namespace {

// Blocks of a row unpacked at a time: 16 rows of them are 16 KB, and 8 columns 8 KB, so that both stay in an L1 cache.
constexpr size_t kChunk = 32;

// The types in super-blocks; the others are in blocks of 32.
template <class B>
concept Super = requires(const B& b, SuperBlock* out) {
  decode(b, out);
};

template <class B>
constexpr size_t kBlockOf = Super<B> ? HEARTH_SUPER_BLOCK : HEARTH_BLOCK;

// kRows weight rows. The order of the quants within a block is the micro-kernel's.
template <class B, size_t kRows>
struct Panel {
  alignas(64) uint8_t q[kChunk][kRows * HEARTH_BLOCK];
  alignas(64) float d[kChunk][kRows];
  alignas(64) float m[kHasMinimum<B> ? kChunk : 1][kRows];
};

// The same of super-blocks, whose quants may be raised by kPanelRaise<B> to be unsigned. `offset` is what is to be
// added for each sub-block's sum of activations: a minimum, or what was raised.
template <class B, size_t kRows>
requires Super<B>
struct Panel<B, kRows> {
  static constexpr size_t kBlocks = kChunk * HEARTH_BLOCK / HEARTH_SUPER_BLOCK;
  static constexpr size_t kSubs = HEARTH_SUPER_BLOCK / kSubBlock<B>;

  alignas(64) uint8_t q[kBlocks][kRows * HEARTH_SUPER_BLOCK];
  alignas(64) int32_t scale[kBlocks][kSubs][kRows];
  alignas(64) int16_t offset[kBlocks][kSubs * kRows];
  alignas(64) float d[kBlocks][kRows];
  alignas(64) float dmin[kHasMinimum<B> ? kBlocks : 1][kRows];
};

template <class B, size_t kCols>
struct ColumnTile {
  alignas(64) int8_t q[kChunk][kCols][HEARTH_BLOCK];
  float d[kChunk][kCols];
  int32_t sum[kChunk][kCols];

  // Copies blocks b0.. of column `from` of x, or zeros when there is no such column.
  void set(size_t c, const HearthColumns* x, size_t from, size_t b0, size_t n_blocks) {
    const size_t at = from * (x->n / HEARTH_BLOCK) + b0;
    for (size_t i = 0; i < n_blocks; ++i) {
      if (from < x->cols) {
        memcpy(q[i][c], x->q + (at + i) * HEARTH_BLOCK, HEARTH_BLOCK);
      } else {
        memset(q[i][c], 0, HEARTH_BLOCK);
      }
      d[i][c] = from < x->cols ? x->d[at + i] : 0.0f;
      sum[i][c] = from < x->cols ? x->sum[at + i] : 0;
    }
  }
};

template <class B, size_t kCols>
requires Super<B>
struct ColumnTile<B, kCols> {
  static constexpr size_t kBlocks = kChunk * HEARTH_BLOCK / HEARTH_SUPER_BLOCK;
  static constexpr size_t kSubs = HEARTH_SUPER_BLOCK / kSubBlock<B>;

  alignas(64) int8_t q[kBlocks][kCols][HEARTH_SUPER_BLOCK];
  alignas(64) int16_t sum[kBlocks][kCols][kSubs];
  float d[kBlocks][kCols];

  void set(size_t c, const HearthColumns* x, size_t from, size_t b0, size_t n_blocks) {
    const size_t at = from * (x->n / HEARTH_SUPER_BLOCK) + b0;
    for (size_t i = 0; i < n_blocks; ++i) {
      if (from >= x->cols) {
        memset(q[i][c], 0, sizeof q[i][c]);
        memset(sum[i][c], 0, sizeof sum[i][c]);
        d[i][c] = 0.0f;
        continue;
      }
      memcpy(q[i][c], x->super_q + (at + i) * HEARTH_SUPER_BLOCK, HEARTH_SUPER_BLOCK);
      d[i][c] = x->super_d[at + i];
      const int16_t* sums = x->super_sum + (at + i) * kSubBlocks;
      for (size_t j = 0; j < kSubs; ++j) {
        sum[i][c][j] = kSubs == kSubBlocks ? sums[j] : (int16_t)(sums[2 * j] + sums[2 * j + 1]);
      }
    }
  }
};

}  // namespace
