// Quantized weights times int8 activations on ARM, written once over the integer sums that neon.cc and neon_dotprod.cc
// define before they include it:
//
//   Sums<B, kRows>  the integer sums of kRows rows against one column:
//     add<r>(quants, x_lo, x_hi)     adds a block of row r
//     take<lane>(sum_of_x, sums)     the exact sums since the last call, sums[i] holding rows 4 * i .. 4 * i + 3;
//                                    sum_of_x[lane] is the block's activations added up
//
// Eight rows go together, so that one conversion and one fma serve four of them: about 9 instructions for a block of 32
// weights with the dot product, about 11 without.
#pragma once

#include <arm_neon.h>
#include <stddef.h>

#include "kernels/kernels.h"
#include "kernels/rows_neon.h"

namespace {

// kRows rows against kCols columns, one block after the other.
template <class B, int kRows, int kCols>
struct Tile {
  static constexpr int kQuads = kRows / 4;

  const uint8_t* row[kRows];  // where each row begins, and after its first block what take_headed reads next
  const int8_t* q[kCols];
  Sums<B, kRows> sums[kCols];
  float32x4_t y[kCols][kQuads];

  HEARTH_INLINE Tile(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c0) {
    // Or the compiler would keep kRows pointers more for the next group, and there are not enough registers.
    __asm__("" : "+r"(w));
    for (int r = 0; r < kRows; ++r) row[r] = w + (size_t)r * stride;
    for (int c = 0; c < kCols; ++c) {
      q[c] = x->q + (c0 + c) * x->n;
      for (int i = 0; i < kQuads; ++i) y[c][i] = vdupq_n_f32(0);
    }
  }

  // d_x and sum_x hold the columns' block in lane kLane.
  template <int kLane, bool kFirst = false>
  HEARTH_INLINE void block(const float32x4_t d_x[kCols], const int32x4_t sum_x[kCols]) {
    int8x16_t x_lo[kCols], x_hi[kCols];
    for (int c = 0; c < kCols; ++c) {
      x_lo[c] = vld1q_s8(q[c]);
      x_hi[c] = vld1q_s8(q[c] + 16);
      q[c] += HEARTH_BLOCK;
    }
    float32x4_t d_w[kQuads], m_w[kQuads];
    quad<0, kFirst>(x_lo, x_hi, d_w[0], m_w[0]);
    if constexpr (kRows == 8) quad<4, kFirst>(x_lo, x_hi, d_w[1], m_w[1]);
    for (int c = 0; c < kCols; ++c) {
      int32x4_t isum[kQuads];
      sums[c].template take<kLane>(sum_x[c], isum);
      for (int i = 0; i < kQuads; ++i) {
        const float32x4_t scale = vmulq_laneq_f32(d_w[i], d_x[c], kLane);
        y[c][i] = vfmaq_f32(y[c][i], vcvtq_f32_s32(isum[i]), scale);
        if constexpr (kHasMinimum<B>) {
          const float32x4_t minimum = vmulq_laneq_f32(m_w[i], d_x[c], kLane);
          y[c][i] = vfmaq_laneq_f32(y[c][i], minimum, vcvtq_f32_s32(sum_x[c]), kLane);
        }
      }
    }
  }

 private:
  // Rows r .. r + 3.
  template <int r, bool kFirst>
  HEARTH_INLINE void quad(const int8x16_t x_lo[kCols], const int8x16_t x_hi[kCols], float32x4_t& d_w,
                          float32x4_t& m_w) {
    const uint32x4_t first = two_rows<r, kFirst>(x_lo, x_hi);
    scales_of<B>(first, two_rows<r + 2, kFirst>(x_lo, x_hi), d_w, m_w);
  }

  template <int r, bool kFirst>
  HEARTH_INLINE uint32x4_t two_rows(const int8x16_t x_lo[kCols], const int8x16_t x_hi[kCols]) {
    const uint8x16_t head = one_row<r, kFirst>(x_lo, x_hi);
    return pair_heads(head, one_row<r + 1, kFirst>(x_lo, x_hi));
  }

  template <int r, bool kFirst>
  HEARTH_INLINE uint8x16_t one_row(const int8x16_t x_lo[kCols], const int8x16_t x_hi[kCols]) {
    const HeadedBlock block = kFirst ? take_first<B>(row[r]) : take_headed<B>(row[r]);
    const Quants quants = quants_of<B>(block);
    for (int c = 0; c < kCols; ++c) sums[c].template add<r>(quants, x_lo[c], x_hi[c]);
    return block.head;
  }
};

// The next block of every row and column; the columns' scales and sums are `stride` apart.
template <bool kFirst, class B, int kRows, int kCols>
HEARTH_INLINE void next_block(Tile<B, kRows, kCols>& tile, const float* d, const int32_t* sum, size_t stride) {
  float32x4_t d_x[kCols];
  int32x4_t sum_x[kCols];
  for (size_t c = 0; c < kCols; ++c) {
    d_x[c] = vld1q_dup_f32(d + c * stride);
    sum_x[c] = vld1q_dup_s32(sum + c * stride);
  }
  tile.template block<0, kFirst>(d_x, sum_x);
}

// Without a measurement the next group is fetched, however large.
constexpr HearthReading kReadings[] = {{false, 0}, {false, 16384}, {true, 256}, {true, 512}, {true, 1024}};

// One column against `groups` groups of kRows rows each, the case of decoding. With kStreams the rows of a group stand
// `groups` rows apart, and each is fetched `ahead` bytes before it is needed. Else they lie one after the other, and
// what comes `ahead` bytes later, at least the next group, is fetched in that order.
template <class B, int kRows, bool kStreams>
void multiply_column(const uint8_t* w, size_t row_bytes, size_t groups, const HearthColumns* x, float* y,
                     size_t ahead) {
  const size_t n_blocks = x->n / HEARTH_BLOCK;
  const size_t stride = kStreams ? groups * row_bytes : row_bytes;
  const size_t step = kStreams ? row_bytes : kRows * row_bytes;
  if (!kStreams && ahead < step) ahead = step;
  for (const uint8_t* end = w + groups * step; w != end; w += step, y += kStreams ? 1 : kRows) {
    const uint8_t* next_group = w + ahead;
    Tile<B, kRows, 1> tile(w, stride, x, 0);
    const float* d = x->d;
    const int32_t* sum = x->sum;
    next_block<true>(tile, d++, sum++, 0);
#pragma GCC unroll 1  // its copies would need registers for more pointers
    for (size_t left = (n_blocks - 1) % 4; left != 0; --left) next_block<false>(tile, d++, sum++, 0);
    for (size_t left = (n_blocks - 1) / 4; left != 0; --left) {  // the scales of four activation blocks fill a register
      if constexpr (kStreams) {
        for (int r = 0; r < kRows; ++r) fetch_lines(tile.row[r] + ahead, 4 * sizeof(B));
      } else {
        fetch_lines(next_group, 4 * kRows * sizeof(B));
        next_group += 4 * kRows * sizeof(B);
      }
      const float32x4_t d_x[1] = {vld1q_f32(d)};
      const int32x4_t sum_x[1] = {vld1q_s32(sum)};
      d += 4;
      sum += 4;
      tile.template block<0>(d_x, sum_x);
      tile.template block<1>(d_x, sum_x);
      tile.template block<2>(d_x, sum_x);
      tile.template block<3>(d_x, sum_x);
    }
    if constexpr (kStreams) {
      for (int r = 0; r < kRows; ++r) y[(size_t)r * groups] = tile.y[0][r / 4][r % 4];
    } else {
      for (int i4 = 0; i4 < kRows / 4; ++i4) vst1q_f32(y + 4 * i4, tile.y[0][i4]);
    }
  }
}

// Columns c0 .. c0 + kCols - 1 against four rows.
template <class B, int kCols>
void multiply_columns(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c0, float32x4_t y[kCols]) {
  const size_t n_blocks = x->n / HEARTH_BLOCK;
  Tile<B, 4, kCols> tile(w, stride, x, c0);
  const float* d = x->d + c0 * n_blocks;
  const int32_t* sum = x->sum + c0 * n_blocks;
  next_block<true>(tile, d, sum, n_blocks);
  for (size_t i = 1; i < n_blocks; ++i) next_block<false>(tile, d + i, sum + i, n_blocks);
  for (int c = 0; c < kCols; ++c) y[c] = tile.y[c][0];
}

// Four rows against all columns; store(c, y) takes the results of column c. The rows stay in the L1 cache meanwhile.
template <class B, class Store>
void multiply_group(const uint8_t* w, size_t stride, const HearthColumns* x, Store store) {
  float32x4_t y[2];
  size_t c = 0;
  for (; c + 2 <= x->cols; c += 2) {  // four would need more registers than there are
    multiply_columns<B, 2>(w, stride, x, c, y);
    store(c, y[0]);
    store(c + 1, y[1]);
  }
  if (c < x->cols) {
    multiply_columns<B, 1>(w, stride, x, c, y);
    store(c, y[0]);
  }
}

template <class B>
void matmul_direct(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                   HearthReading reading) {
  const uint8_t* first = (const uint8_t*)w;
  size_t r = 0;
  if (x->cols == 1) {
    const auto multiply_rows = reading.streams ? multiply_column<B, 8, true> : multiply_column<B, 8, false>;
    multiply_rows(first, row_bytes, rows / 8, x, y, reading.ahead);
    r = rows / 8 * 8;
  }
  if (rows < 4) {
    // With a stride of 0 every lane computes the one row.
    for (; r < rows; ++r) {
      multiply_group<B>(first + r * row_bytes, 0, x,
                        [=](size_t c, float32x4_t result) { y[c * y_stride + r] = vgetq_lane_f32(result, 0); });
    }
  }
  for (; r < rows; r += 4) {
    const size_t start = r + 4 <= rows ? r : rows - 4;  // the last group may repeat rows of the one before
    multiply_group<B>(first + start * row_bytes, row_bytes, x,
                      [=](size_t c, float32x4_t result) { vst1q_f32(y + c * y_stride + start, result); });
  }
}

}  // namespace
