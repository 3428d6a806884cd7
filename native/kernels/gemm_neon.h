// Packing of eight rows for the packed matrix product on ARM. The quants become signed (q - 8 for Q4_0), so that no
// bias is left to take away; Q4_1 and Q5_1 have none.
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/matmul_blocks_neon.h"
#include "kernels/matmul_super_neon.h"

namespace {

constexpr size_t kPanelRows = 8;
constexpr size_t kGroupRows = 96;
template <class B>
constexpr size_t kGemmColumns = 8;
template <class B>
constexpr int kSumFactor = kHasMinimum<B> ? 1 : 0;

// Block after block, and column after column in each.
template <class B, size_t kCols>
requires(!Super<B>) struct ColumnTile<B, kCols> {
  alignas(64) int8_t q[kChunk][kCols][HEARTH_BLOCK];
  float d[kChunk][kCols];
  int32_t sum[kChunk][kCols];

  template <int kFactor, size_t kPiece>
  void set(const HearthColumns* x, size_t from, size_t b0, size_t n_blocks) {
    const size_t row_blocks = x->n / HEARTH_BLOCK;
    const int8_t* from_q[kCols];
    size_t at[kCols];  // the next block of each column
    for (size_t c = 0; c < kCols; ++c) {
      at[c] = (from + c < x->cols ? from + c : 0) * row_blocks + b0;
      from_q[c] = x->q + at[c] * HEARTH_BLOCK;
    }
    for (size_t i = 0; i < n_blocks; ++i) {
      for (size_t c = 0; c < kCols; ++c) place_column<kPiece>(q[i], c, from_q[c] + i * HEARTH_BLOCK);
      for (size_t c = 0; c < kCols; ++c) d[i][c] = x->d[at[c] + i];
      if constexpr (kFactor != 0) {
        for (size_t c = 0; c < kCols; ++c) sum[i][c] = kFactor * x->sum[at[c] + i];
      }
    }
  }
};

template <class B>
HEARTH_INLINE Quants without_bias(Quants q) {
  if constexpr (kBias<B> == 0) return q;
  const int8x16_t bias = vdupq_n_s8(kBias<B>);
  return {vsubq_s8(q.lo, bias), vsubq_s8(q.hi, bias)};
}

// Takes a block of row r: its scales go to the panel, its quants to `out`.
template <class B, int r>
HEARTH_INLINE void unpack_row(const uint8_t* rows[kPanelRows], float16x8_t& d, float16x8_t& m, Quants out[kPanelRows]) {
  if constexpr (kHead<B> == 1) {
    ++rows[r];
  } else {
    take_half<r>(rows[r], d);
  }
  if constexpr (kHasMinimum<B>) take_half<r>(rows[r], m);
  out[r] = without_bias<B>(take_quants<B>(rows[r]));
}

HEARTH_INLINE void store_scales(float16x8_t halves, float* out) {
  vst1q_f32(out, vcvt_f32_f16(vget_low_f16(halves)));
  vst1q_f32(out + 4, vcvt_high_f32_f16(halves));
}

template <class B>
inline void pack(const uint8_t* w, size_t stride, size_t n_blocks, Panel<B, kPanelRows>* panel) {
  const uint8_t* rows[kPanelRows];
  for (size_t r = 0; r < kPanelRows; ++r) rows[r] = w + r * stride;
  for (size_t i = 0; i < n_blocks; ++i) {
    float16x8_t d, m;
    Quants quants[kPanelRows];
    if constexpr (kHead<B> == 1) {
      for (size_t r = 0; r < kPanelRows; ++r) panel->d[i][r] = half_of_e8m0(*rows[r]);
    }
    unpack_row<B, 0>(rows, d, m, quants);
    unpack_row<B, 1>(rows, d, m, quants);
    unpack_row<B, 2>(rows, d, m, quants);
    unpack_row<B, 3>(rows, d, m, quants);
    unpack_row<B, 4>(rows, d, m, quants);
    unpack_row<B, 5>(rows, d, m, quants);
    unpack_row<B, 6>(rows, d, m, quants);
    unpack_row<B, 7>(rows, d, m, quants);
    if constexpr (kHead<B> != 1) store_scales(d, panel->d[i]);
    if constexpr (kHasMinimum<B>) store_scales(m, panel->m[i]);
    store_quants(quants, panel->q[i]);
  }
}

// acc + scales and minimums of four rows, for one column.
template <class B>
HEARTH_INLINE float32x4_t scale_sum(float32x4_t acc, int32x4_t sum, float32x4_t d_w, float32x4_t m_w, float d_x,
                                    int32_t sum_x) {
  acc = vfmaq_f32(acc, vcvtq_f32_s32(sum), vmulq_n_f32(d_w, d_x));
  if constexpr (kHasMinimum<B>) acc = vfmaq_n_f32(acc, vmulq_n_f32(m_w, d_x), (float)sum_x);
  return acc;
}

// Signed quants and scales need nothing added but minimums. The minimums of a sub-block stand by rows.
constexpr size_t offset_index(size_t j, size_t r) { return j * kPanelRows + r; }

template <class B>
inline void unpack_super(const uint8_t* block, SuperBlock* row) {
  super_block_at<B>(block, 0, row);
}

template <class B>
inline void pack_scales(const SuperBlock rows[kPanelRows], int32_t (*scales)[kPanelRows], int16_t* offsets) {
  for (size_t j = 0; j < HEARTH_SUPER_BLOCK / kSubBlock<B>; ++j) {
    for (size_t r = 0; r < kPanelRows; ++r) {
      const size_t of_16 = j * kSubBlock<B> / 16;
      scales[j][r] = rows[r].scale[of_16];
      if constexpr (kHasMinimum<B>) offsets[offset_index(j, r)] = (int16_t)-rows[r].min[of_16];
    }
  }
}

template <class B>
inline void pack_quants(const SuperBlock rows[kPanelRows], uint8_t* out) {
  for (size_t at = 0; at < HEARTH_SUPER_BLOCK; at += HEARTH_BLOCK) {
    Quants quants[kPanelRows];
    for (size_t r = 0; r < kPanelRows; ++r) quants[r] = {vld1q_s8(rows[r].q + at), vld1q_s8(rows[r].q + at + 16)};
    store_quants(quants, out + at * kPanelRows);
  }
}

// acc + scales and minimums of four rows' super-block for one column, whose sums of sub-blocks are given.
template <class B>
HEARTH_INLINE float32x4_t scale_super(float32x4_t acc, int32x4_t total, const Panel<B, kPanelRows>& panel, size_t i,
                                      size_t quad, float d_x, const int16_t* sums) {
  constexpr size_t kSubs = Panel<B, kPanelRows>::kSubs;
  acc = vfmaq_f32(acc, vcvtq_f32_s32(total), vmulq_n_f32(vld1q_f32(panel.d[i] + 4 * quad), d_x));
  if constexpr (kHasMinimum<B>) {
    int32x4_t offset = vdupq_n_s32(0);
    for (size_t j = 0; j < kSubs; ++j) {
      offset = vmlal_n_s16(offset, vld1_s16(panel.offset[i] + offset_index(j, 4 * quad)), sums[j]);
    }
    acc = vfmaq_f32(acc, vcvtq_f32_s32(offset), vmulq_n_f32(vld1q_f32(panel.dmin[i] + 4 * quad), d_x));
  }
  return acc;
}

}  // namespace
