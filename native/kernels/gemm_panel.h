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

// A panel of super-blocks, whose quants may be raised by kPanelRaise<B> to be unsigned. `offset` is what is to be
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

// Fetches the rows that are packed next into the cache, a few lines at a time between the multiplications: memory would
// rest while panels are multiplied, and the arithmetic while rows are packed.
class UpcomingRows {
 public:
  // `bytes` of each of `rows` rows, eight of which go together, in at most `steps` calls of fetch().
  UpcomingRows(const uint8_t* first, size_t stride, size_t rows, size_t bytes, size_t steps)
      : rows_(first), stride_(stride), rows_left_(rows), bytes_(bytes) {
    const size_t lines = (bytes + kCacheLine - 1) / kCacheLine, parts = steps / rows > 0 ? steps / rows : 1;
    part_bytes_ = (lines + parts - 1) / parts * kCacheLine;
  }

  HEARTH_INLINE void fetch() {
    if (rows_left_ == 0) return;
    const uint8_t* part = rows_ + row_ * stride_ + at_;
    for (size_t i = 0; i < part_bytes_; i += kCacheLine) __builtin_prefetch(part + i, 0, 2);  // into L2
    if (++row_ < 8) return;
    row_ = 0;
    at_ += part_bytes_;
    if (at_ < bytes_) return;
    at_ = 0;
    rows_ += 8 * stride_;
    rows_left_ -= 8;
  }

 private:
  const uint8_t* rows_;
  size_t stride_, rows_left_, bytes_, part_bytes_, row_ = 0, at_ = 0;
};

// Puts column c of a tile in place: `size` bytes. Columns stand in pairs, kPiece bytes of each in turn; a piece as
// large as the column leaves them one after the other.
template <size_t kPiece, size_t size>
inline void place_column(int8_t (*q)[size], size_t c, const int8_t* from) {
  if constexpr (kPiece >= size) {
    memcpy(q[c], from, size);
  } else {
    for (size_t k = 0; k < size / kPiece; ++k) {
      memcpy(q[c & ~(size_t)1] + (2 * k + (c & 1)) * kPiece, from + k * kPiece, kPiece);
    }
  }
}

// kCols columns' activations for a chunk of the rows, beside each other. set<kFactor, kPiece>(x, from, b0, n_blocks)
// copies blocks b0 .. b0 + n_blocks - 1 of the columns from `from` on; column 0 stands in where there is no such
// column. `sum` holds their sums times kFactor.
template <class B, size_t kCols>
struct ColumnTile;

template <class B, size_t kCols>
requires Super<B>
struct ColumnTile<B, kCols> {
  static constexpr size_t kBlocks = kChunk * HEARTH_BLOCK / HEARTH_SUPER_BLOCK;
  static constexpr size_t kSubs = HEARTH_SUPER_BLOCK / kSubBlock<B>;

  alignas(64) int8_t q[kBlocks][kCols][HEARTH_SUPER_BLOCK];
  alignas(64) int16_t sum[kBlocks][kCols][kSubs];
  float d[kBlocks][kCols];

  template <int kFactor, size_t kPiece>
  void set(const HearthColumns* x, size_t from, size_t b0, size_t n_blocks) {
    const size_t row_blocks = x->n / HEARTH_SUPER_BLOCK;
    for (size_t c = 0; c < kCols; ++c) {
      const size_t at = (from + c < x->cols ? from + c : 0) * row_blocks + b0;
      for (size_t i = 0; i < n_blocks; ++i) {
        place_column<kPiece>(q[i], c, x->super_q + (at + i) * HEARTH_SUPER_BLOCK);
        d[i][c] = x->super_d[at + i];
        if constexpr (kFactor != 0) set_sums(x->super_sum + (at + i) * kSubBlocks, sum[i][c]);
      }
    }
  }

 private:
  static void set_sums(const int16_t* sums, int16_t out[kSubs]) {
    for (size_t j = 0; j < kSubs; ++j) {
      out[j] = kSubs == kSubBlocks ? sums[j] : (int16_t)(sums[2 * j] + sums[2 * j + 1]);
    }
  }
};

}  // namespace
