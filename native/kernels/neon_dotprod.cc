// ARMv8.2 NEON with the dot product instructions: Raspberry Pi 5 (Cortex-A76).
#include "kernels/lanes_neon.h"
#include "kernels/rows_neon.h"
#include "kernels/super_blocks.h"

namespace {

struct DotProduct {
  static HEARTH_INLINE int32x4_t add(int32x4_t acc, Quants w, int8x16_t x_lo, int8x16_t x_hi) {
    return vdotq_s32(vdotq_s32(acc, w.lo, x_lo), w.hi, x_hi);
  }
};

template <class B, int kRows>
using Sums = RunningSums<B, kRows, DotProduct>;

// 16-bit scales widened, since mla takes 32-bit numbers from one lane.
template <size_t kSub>
struct SuperScales {
  int32x4_t four[kSub == 32 ? 2 : 4];

  HEARTH_INLINE explicit SuperScales(const int16x8_t scales[2]) {
    for (size_t i = 0; i < (kSub == 32 ? 1 : 2); ++i) {
      four[2 * i] = vmovl_s16(vget_low_s16(scales[i]));
      four[2 * i + 1] = vmovl_high_s16(scales[i]);
    }
  }
  template <size_t j>
  HEARTH_INLINE int32x4_t add(int32x4_t acc, int8x16_t w, int8x16_t x) const {
    return vmlaq_laneq_s32(acc, vdotq_s32(vdupq_n_s32(0), w, x), four[j / 4], j % 4);
  }
  template <class B, size_t j>
  HEARTH_INLINE int32x4_t add(int32x4_t acc, int8x16_t w0, int8x16_t w1, int8x16_t x0, int8x16_t x1) const {
    return vmlaq_laneq_s32(acc, vdotq_s32(vdotq_s32(vdupq_n_s32(0), w0, x0), w1, x1), four[j / 4], j % 4);
  }
};

// In the panel, four weights of rows 0..3 stand together, then the same four of rows 4..7: sdot takes four activations
// from one lane against them, and leaves the sum of a row in each lane. st4 does that transposition.
HEARTH_INLINE void store_quants(const Quants q[8], uint8_t* out) {
  const auto interleave = [out](const int8x16_t& r0, const int8x16_t& r1, const int8x16_t& r2, const int8x16_t& r3,
                                size_t at) {
    const int32x4x4_t rows = {vreinterpretq_s32_s8(r0), vreinterpretq_s32_s8(r1), vreinterpretq_s32_s8(r2),
                              vreinterpretq_s32_s8(r3)};
    vst4q_s32((int32_t*)(out + at), rows);
  };
  interleave(q[0].lo, q[1].lo, q[2].lo, q[3].lo, 0);
  interleave(q[0].hi, q[1].hi, q[2].hi, q[3].hi, 64);
  interleave(q[4].lo, q[5].lo, q[6].lo, q[7].lo, 128);
  interleave(q[4].hi, q[5].hi, q[6].hi, q[7].hi, 192);
}

}  // namespace

#include "kernels/attention.h"
#include "kernels/gemm_neon.h"
#include "kernels/sets.h"

namespace {

constexpr size_t kTileCols = 8;

// Weights 16 * half .. of four rows times those of a column.
HEARTH_INLINE int32x4_t dot_half(int32x4_t sum, Quants w01, Quants w23, int8x16_t x) {
  sum = vdotq_laneq_s32(sum, w01.lo, x, 0);
  sum = vdotq_laneq_s32(sum, w01.hi, x, 1);
  sum = vdotq_laneq_s32(sum, w23.lo, x, 2);
  return vdotq_laneq_s32(sum, w23.hi, x, 3);
}

// acc[c] += rows 4 * quad .. 4 * quad + 3 times column c. A block needs 8 registers of weights and 8 of sums: with all
// eight rows they would not suffice.
template <class B>
HEARTH_INLINE void multiply_quad(const Panel<B, kPanelRows>& panel, size_t quad, const ColumnTile<B, kTileCols>& x,
                                 size_t n_blocks, float32x4_t acc[kTileCols]) {
  const uint8_t* next_w = panel.q[0] + 128 * quad;
  const uint8_t* next_x = (const uint8_t*)x.q[0][0];
  for (size_t i = 0; i < n_blocks; ++i) {
    Quants w[4];
    for (size_t j = 0; j < 4; ++j) w[j] = take32(next_w);
    next_w += 128;  // past the other quad
    const float32x4_t d_w = vld1q_f32(panel.d[i] + 4 * quad);
    const float32x4_t m_w = vld1q_f32(panel.m[kHasMinimum<B> ? i : 0] + 4 * quad);
    const float32x4_t d_x[2] = {vld1q_f32(x.d[i]), vld1q_f32(x.d[i] + 4)};
    const int32x4_t sum_x[2] = {vld1q_s32(x.sum[i]), vld1q_s32(x.sum[i] + 4)};
    for (size_t c = 0; c < kTileCols; ++c) {
      const Quants column = take32(next_x);
      int32x4_t sum = dot_half(vdupq_n_s32(0), w[0], w[1], column.lo);
      sum = dot_half(sum, w[2], w[3], column.hi);
      acc[c] = scale_sum<B>(acc[c], sum, d_w, m_w, d_x[c / 4][c % 4], sum_x[c / 4][c % 4]);
    }
  }
}

// The same for super-blocks: the products of each sub-block are scaled as integers.
template <class B>
requires Super<B> HEARTH_INLINE void multiply_quad(const Panel<B, kPanelRows>& panel, size_t quad,
                                                   const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                                                   float32x4_t acc[kTileCols]) {
  for (size_t i = 0; i < n_blocks; ++i) {
    const uint8_t* next_w = panel.q[i] + 128 * quad;
    int32x4_t total[kTileCols];
    for (size_t c = 0; c < kTileCols; ++c) total[c] = vdupq_n_s32(0);
    for (size_t j = 0; j < HEARTH_SUPER_BLOCK / HEARTH_BLOCK; ++j) {
      Quants w[4];
      for (size_t k = 0; k < 4; ++k) w[k] = take32(next_w);
      next_w += 128;  // past the other quad
      constexpr size_t kScales = HEARTH_BLOCK / kSubBlock<B>;
      const int32x4_t first = vld1q_s32(panel.scale[i][kScales * j] + 4 * quad);
      const int32x4_t second = vld1q_s32(panel.scale[i][kScales * j + kScales - 1] + 4 * quad);
      for (size_t c = 0; c < kTileCols; ++c) {
        const int8x16_t lo = vld1q_s8(x.q[i][c] + HEARTH_BLOCK * j), hi = vld1q_s8(x.q[i][c] + HEARTH_BLOCK * j + 16);
        int32x4_t sum = dot_half(vdupq_n_s32(0), w[0], w[1], lo);
        if constexpr (kScales == 2) {
          total[c] = vmlaq_s32(total[c], sum, first);
          sum = vdupq_n_s32(0);
        }
        total[c] = vmlaq_s32(total[c], dot_half(sum, w[2], w[3], hi), second);
      }
    }
    for (size_t c = 0; c < kTileCols; ++c) {
      acc[c] = scale_super<B>(acc[c], total[c], panel, i, quad, x.d[i][c], x.sum[i][c]);
    }
  }
}

template <class B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows]) {
  for (size_t quad = 0; quad < 2; ++quad) {
    float32x4_t acc[kTileCols];
    for (size_t c = 0; c < kTileCols; ++c) acc[c] = vld1q_f32(y[c] + 4 * quad);
    multiply_quad<B>(panel, quad, x, n_blocks, acc);
    for (size_t c = 0; c < kTileCols; ++c) vst1q_f32(y[c] + 4 * quad, acc[c]);
  }
}

}  // namespace

#include "kernels/gemm.h"

namespace {

constexpr HearthKernels table() {
  HearthKernels t = {};
  t.name = "neon_dotprod";
  set_float_kernels(&t);
  set_matmul_quantized(&t);
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__neon_dotprod = table();
