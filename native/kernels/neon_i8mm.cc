// ARMv8.6 NEON with matrix products of 8-bit integers: Cortex-A78C, X2, A510, Neoverse N2 and later.
#include "kernels/dotprod_neon.h"

namespace {

// In the panel, eight weights of a row are followed by the same eight of the next one, for rows 0 and 1, then 2 and 3,
// and so on: smmla multiplies such a pair of rows with a pair of columns.
HEARTH_INLINE void store_quants(const Quants q[8], uint8_t* out) {
  const auto interleave = [](int8x16_t a, int8x16_t b, uint8_t* to) {
    const int64x2_t p = vreinterpretq_s64_s8(a), q2 = vreinterpretq_s64_s8(b);
    vst1q_s8((int8_t*)to, vreinterpretq_s8_s64(vzip1q_s64(p, q2)));
    vst1q_s8((int8_t*)to + 16, vreinterpretq_s8_s64(vzip2q_s64(p, q2)));
  };
  for (size_t r = 0; r < 8; r += 2) {
    interleave(q[r].lo, q[r + 1].lo, out + 32 * r);
    interleave(q[r].hi, q[r + 1].hi, out + 32 * r + 32);
  }
}

// Two columns of a tile stand together like two rows of the panel.
constexpr size_t kColumnPiece = 8;

}  // namespace

#include "kernels/attention.h"
#include "kernels/gemm_neon.h"
#include "kernels/sets.h"

namespace {

constexpr size_t kTileCols = 8;

// Adds 32 weights of two rows times those of two columns: row 0 with columns 0 and 1, then row 1.
HEARTH_INLINE int32x4_t multiply_pair(int32x4_t sum, const int8x16x4_t& w, const int8x16x4_t& x) {
  for (size_t k = 0; k < 4; ++k) sum = vmmlaq_s32(sum, w.val[k], x.val[k]);
  return sum;
}

// Four rows against two columns: their sums, rows in lanes, from those of two pairs of rows.
struct ColumnPair {
  int32x4_t left, right;

  HEARTH_INLINE ColumnPair(int32x4_t rows01, int32x4_t rows23)
      : left(vuzp1q_s32(rows01, rows23)), right(vuzp2q_s32(rows01, rows23)) {}
};

// acc[c] += rows 4 * quad .. 4 * quad + 3 times column c.
template <class B>
HEARTH_INLINE void multiply_quad(const Panel<B, kPanelRows>& panel, size_t quad, const ColumnTile<B, kTileCols>& x,
                                 size_t n_blocks, float32x4_t acc[kTileCols], UpcomingRows& upcoming) {
  const uint8_t* next_w = panel.q[0] + 128 * quad;
  const uint8_t* next_x = (const uint8_t*)x.q[0][0];
  for (size_t i = 0; i < n_blocks; ++i) {
    upcoming.fetch();
    const int8x16x4_t w01 = take64(next_w), w23 = take64(next_w);
    next_w += 128;  // past the other quad
    const float32x4_t d_w = vld1q_f32(panel.d[i] + 4 * quad);
    const float32x4_t m_w = vld1q_f32(panel.m[kHasMinimum<B> ? i : 0] + 4 * quad);
#pragma GCC unroll 4
    for (size_t c = 0; c < kTileCols; c += 2) {
      const int8x16x4_t columns = take64(next_x);
      const int32x4_t none = vdupq_n_s32(0);
      const ColumnPair sums(multiply_pair(none, w01, columns), multiply_pair(none, w23, columns));
      acc[c] = scale_sum<B>(acc[c], sums.left, d_w, m_w, x.d[i][c], x.sum[i][c]);
      acc[c + 1] = scale_sum<B>(acc[c + 1], sums.right, d_w, m_w, x.d[i][c + 1], x.sum[i][c + 1]);
    }
  }
}

// A sub-block's scales of four rows, as factors of its sums: [row 0, row 0, row 1, row 1] and those of rows 2 and 3.
struct PairScales {
  int32x4_t rows01, rows23;

  HEARTH_INLINE explicit PairScales(const int32_t* four) {
    const int32x4_t scales = vld1q_s32(four);
    rows01 = vzip1q_s32(scales, scales);
    rows23 = vzip2q_s32(scales, scales);
  }
};

// Super-blocks: the products of each sub-block are scaled as integers.
template <class B>
requires Super<B> HEARTH_INLINE void multiply_quad(const Panel<B, kPanelRows>& panel, size_t quad,
                                                   const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                                                   float32x4_t acc[kTileCols], UpcomingRows& upcoming) {
  constexpr size_t kScales = HEARTH_BLOCK / kSubBlock<B>;
  for (size_t i = 0; i < n_blocks; ++i) {
    const uint8_t* next_w = panel.q[i] + 128 * quad;
    int32x4_t rows01[kTileCols / 2], rows23[kTileCols / 2];
    for (size_t p = 0; p < kTileCols / 2; ++p) rows01[p] = rows23[p] = vdupq_n_s32(0);
    for (size_t j = 0; j < HEARTH_SUPER_BLOCK / HEARTH_BLOCK; ++j) {
      upcoming.fetch();
      const int8x16x4_t w01 = take64(next_w), w23 = take64(next_w);
      next_w += 128;  // past the other quad
      const PairScales first(panel.scale[i][kScales * j] + 4 * quad);
      const PairScales second(panel.scale[i][kScales * j + kScales - 1] + 4 * quad);
#pragma GCC unroll 4
      for (size_t p = 0; p < kTileCols / 2; ++p) {
        const uint8_t* next_x = (const uint8_t*)x.q[i][2 * p] + 2 * HEARTH_BLOCK * j;
        const int8x16x4_t columns = take64(next_x);
        const auto add = [&](int32x4_t total, const int8x16x4_t& w, int32x4_t scale0, int32x4_t scale1) {
          int32x4_t sum = vmmlaq_s32(vdupq_n_s32(0), w.val[0], columns.val[0]);
          sum = vmmlaq_s32(sum, w.val[1], columns.val[1]);
          if constexpr (kScales == 2) {
            total = vmlaq_s32(total, sum, scale0);
            sum = vdupq_n_s32(0);
          }
          sum = vmmlaq_s32(sum, w.val[2], columns.val[2]);
          return vmlaq_s32(total, vmmlaq_s32(sum, w.val[3], columns.val[3]), scale1);
        };
        rows01[p] = add(rows01[p], w01, first.rows01, second.rows01);
        rows23[p] = add(rows23[p], w23, first.rows23, second.rows23);
      }
    }
    for (size_t p = 0; p < kTileCols / 2; ++p) {
      const ColumnPair totals(rows01[p], rows23[p]);
      const size_t c = 2 * p;
      acc[c] = scale_super<B>(acc[c], totals.left, panel, i, quad, x.d[i][c], x.sum[i][c]);
      acc[c + 1] = scale_super<B>(acc[c + 1], totals.right, panel, i, quad, x.d[i][c + 1], x.sum[i][c + 1]);
    }
  }
}

template <class B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows], UpcomingRows& upcoming) {
  for (size_t quad = 0; quad < 2; ++quad) {
    float32x4_t acc[kTileCols];
    for (size_t c = 0; c < kTileCols; ++c) acc[c] = vld1q_f32(y[c] + 4 * quad);
    multiply_quad<B>(panel, quad, x, n_blocks, acc, upcoming);
    for (size_t c = 0; c < kTileCols; ++c) vst1q_f32(y[c] + 4 * quad, acc[c]);
  }
}

}  // namespace

#include "kernels/gemm.h"

namespace {

constexpr HearthKernels table() {
  HearthKernels t = {};
  t.name = "neon_i8mm";
  set_float_kernels(&t);
  set_matmul_quantized(&t);
  set_type<block_iq4_nl>(&t, HEARTH_TYPE_IQ4_NL);
  set_type<block_mxfp4>(&t, HEARTH_TYPE_MXFP4);
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__neon_i8mm = table();
