// ARMv8.2 NEON with the dot product instructions: Raspberry Pi 5 (Cortex-A76).
#include "kernels/dotprod_neon.h"

namespace {

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

// The columns of a tile stand one after the other.
constexpr size_t kColumnPiece = HEARTH_SUPER_BLOCK;

}  // namespace

#include "kernels/attention.h"
#include "kernels/gemm_neon.h"
#include "kernels/sets.h"

namespace {

constexpr size_t kTileCols = 8;

// The sums of four rows' block, whose weights 0..15 are in `lo`, for the next four columns. In assembler for loads of
// four registers at once. The sums' zeros are loaded, too: it is the vector units that everything waits for.
HEARTH_INLINE void dot_columns(const int8x16x4_t& lo, const int8x16x4_t& hi, const uint8_t*& x, int32x4_t sums[4]) {
#define HEARTH_DOT2(c0, c1, x0, x1, part, list, w)     \
  "sdot %" c0 ".4s, %" list w ".16b, v" x0 ".4b[" part \
  "]\n\t"                                              \
  "sdot %" c1 ".4s, %" list w ".16b, v" x1 ".4b[" part "]\n\t"
#define HEARTH_DOT8(c0, c1, x0, x1, w)     \
  HEARTH_DOT2(c0, c1, x0, x1, "0", "S", w) \
  HEARTH_DOT2(c0, c1, x0, x1, "1", "T", w) \
  HEARTH_DOT2(c0, c1, x0, x1, "2", "U", w) HEARTH_DOT2(c0, c1, x0, x1, "3", "V", w)
  typedef const uint8_t Bytes[4 * HEARTH_BLOCK];
  register int32x4_t s0 __asm__("v20"), s1 __asm__("v21"), s2 __asm__("v22"), s3 __asm__("v23");
  __asm__ volatile(
      "ld1 {v20.4s - v23.4s}, [%[zeros]]\n\t"
      "ld1 {v24.16b - v27.16b}, [%[x]], #64\n\t"  // two columns
      HEARTH_DOT8("0", "1", "24", "26", "[lo]")
          HEARTH_DOT8("0", "1", "25", "27", "[hi]") "ld1 {v24.16b - v27.16b}, [%[x]], #64\n\t" HEARTH_DOT8(
              "2", "3", "24", "26", "[lo]") HEARTH_DOT8("2", "3", "25", "27", "[hi]")
      : "=&w"(s0), "=&w"(s1), "=&w"(s2), "=&w"(s3), [x] "+r"(x)
      : [lo] "w"(lo), [hi] "w"(hi), [zeros] "r"(kZeros), "m"(*(Bytes*)x)
      : "v24", "v25", "v26", "v27");
#undef HEARTH_DOT8
#undef HEARTH_DOT2
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

// Four columns against four rows, whose sums are acc.
template <class B>
HEARTH_INLINE void multiply_columns(const int8x16x4_t& lo, const int8x16x4_t& hi, const uint8_t*& x, float32x4_t d_w,
                                    float32x4_t m_w, const float* d_x, const int32_t* sum_x, float32x4_t acc[4]) {
  int32x4_t sums[4];
  dot_columns(lo, hi, x, sums);
  const float32x4_t d = vld1q_f32(d_x);
  const int32x4_t sum = vld1q_s32(sum_x);
  for (size_t c = 0; c < 4; ++c) acc[c] = scale_sum<B>(acc[c], sums[c], d_w, m_w, d[c], sum[c]);
}

// acc[c] += rows 4 * quad .. 4 * quad + 3 times column c. A block needs 8 registers of weights and 8 of sums: with all
// eight rows they would not suffice.
template <class B>
HEARTH_INLINE void multiply_quad(const Panel<B, kPanelRows>& panel, size_t quad, const ColumnTile<B, kTileCols>& x,
                                 size_t n_blocks, float32x4_t left[4], float32x4_t right[4], UpcomingRows& upcoming) {
  const uint8_t* next_w = panel.q[0] + 128 * quad;
  const uint8_t* next_x = (const uint8_t*)x.q[0][0];
  for (size_t i = 0; i < n_blocks; ++i) {
    upcoming.fetch();
    const int8x16x4_t lo = take64(next_w), hi = take64(next_w);
    next_w += 128;  // past the other quad
    const float32x4_t d_w = vld1q_f32(panel.d[i] + 4 * quad);
    const float32x4_t m_w = vld1q_f32(panel.m[kHasMinimum<B> ? i : 0] + 4 * quad);
    multiply_columns<B>(lo, hi, next_x, d_w, m_w, x.d[i], x.sum[i], left);
    multiply_columns<B>(lo, hi, next_x, d_w, m_w, x.d[i] + 4, x.sum[i] + 4, right);
  }
}

// Weights 16 * half .. of four rows times those of a column.
HEARTH_INLINE int32x4_t dot_half(int32x4_t sum, Quants w01, Quants w23, int8x16_t x) {
  sum = vdotq_laneq_s32(sum, w01.lo, x, 0);
  sum = vdotq_laneq_s32(sum, w01.hi, x, 1);
  sum = vdotq_laneq_s32(sum, w23.lo, x, 2);
  return vdotq_laneq_s32(sum, w23.hi, x, 3);
}

// Super-blocks: the products of each sub-block are scaled as integers.
template <class B>
requires Super<B> HEARTH_INLINE void multiply_quad(const Panel<B, kPanelRows>& panel, size_t quad,
                                                   const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                                                   float32x4_t left[4], float32x4_t right[4], UpcomingRows& upcoming) {
  for (size_t i = 0; i < n_blocks; ++i) {
    const uint8_t* next_w = panel.q[i] + 128 * quad;
    int32x4_t total[kTileCols];
    for (size_t c = 0; c < kTileCols; ++c) total[c] = vdupq_n_s32(0);
    for (size_t j = 0; j < HEARTH_SUPER_BLOCK / HEARTH_BLOCK; ++j) {
      upcoming.fetch();
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
    for (size_t c = 0; c < 4; ++c) {
      left[c] = scale_super<B>(left[c], total[c], panel, i, quad, x.d[i][c], x.sum[i][c]);
      right[c] = scale_super<B>(right[c], total[c + 4], panel, i, quad, x.d[i][c + 4], x.sum[i][c + 4]);
    }
  }
}

template <class B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows], UpcomingRows& upcoming) {
  for (size_t quad = 0; quad < 2; ++quad) {
    float32x4_t left[4], right[4];
    for (size_t c = 0; c < 4; ++c) {
      left[c] = vld1q_f32(y[c] + 4 * quad);
      right[c] = vld1q_f32(y[c + 4] + 4 * quad);
    }
    multiply_quad<B>(panel, quad, x, n_blocks, left, right, upcoming);
    for (size_t c = 0; c < 4; ++c) {
      vst1q_f32(y[c] + 4 * quad, left[c]);
      vst1q_f32(y[c + 4] + 4 * quad, right[c]);
    }
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
  set_type<block_iq4_nl>(&t, HEARTH_TYPE_IQ4_NL);
  set_type<block_mxfp4>(&t, HEARTH_TYPE_MXFP4);
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__neon_dotprod = table();
