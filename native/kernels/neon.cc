// ARMv8.0 NEON, without dot product or half-precision arithmetic: Raspberry Pi 3 and 4 (Cortex-A53, A72).
#include "kernels/lanes_neon.h"
#include "kernels/rows_neon.h"
#include "kernels/super_blocks.h"

namespace {

// Four products a 16-bit lane: they fit for weights of at most 31, since 4 * 31 * 127 = 15748.
HEARTH_INLINE int16x8_t multiply_narrow(Quants w, int8x16_t x_lo, int8x16_t x_hi) {
  int16x8_t sum = vmull_s8(vget_low_s8(w.lo), vget_low_s8(x_lo));
  sum = vmlal_high_s8(sum, w.lo, x_lo);
  sum = vmlal_s8(sum, vget_low_s8(w.hi), vget_low_s8(x_hi));
  return vmlal_high_s8(sum, w.hi, x_hi);
}

struct MultiplyNarrow {
  static HEARTH_INLINE int32x4_t add(int32x4_t acc, Quants w, int8x16_t x_lo, int8x16_t x_hi) {
    return vpadalq_s16(acc, multiply_narrow(w, x_lo, x_hi));
  }
};

// Two products of 8-bit weights, 2 * 128 * 127 = 32512, fit a 16-bit lane; more do not.
struct MultiplyWide {
  static HEARTH_INLINE int32x4_t add(int32x4_t acc, Quants w, int8x16_t x_lo, int8x16_t x_hi) {
    acc = vpadalq_s16(acc, vmlal_high_s8(vmull_s8(vget_low_s8(w.lo), vget_low_s8(x_lo)), w.lo, x_lo));
    return vpadalq_s16(acc, vmlal_high_s8(vmull_s8(vget_low_s8(w.hi), vget_low_s8(x_hi)), w.hi, x_hi));
  }
};

template <class B>
struct Multiply : MultiplyNarrow {};
template <>
struct Multiply<block_q8_0> : MultiplyWide {};
template <>
struct Multiply<block_iq4_nl> : MultiplyWide {};

template <class B, int kRows>
struct Sums : RunningSums<B, kRows, Multiply<B>> {};

// Q4_0 in 16 bits throughout: a block's sum of (q - 8) * x is within 32 * 8 * 127 = 32512, so it is known when it is
// known modulo 2^16. The running totals and 8 * sum(x) may wrap around: addition and subtraction modulo 2^16 do not
// mind.
template <int kRows>
struct Sums<block_q4_0, kRows> {
  int16x8_t acc[kRows];
  int16x8_t before;

  Sums() : before(vdupq_n_s16(0)) {
    for (int r = 0; r < kRows; ++r) acc[r] = vdupq_n_s16(0);
  }
  template <int r>
  HEARTH_INLINE void add(Quants w, int8x16_t x_lo, int8x16_t x_hi) {
    acc[r] = vmlal_s8(acc[r], vget_low_s8(w.lo), vget_low_s8(x_lo));
    acc[r] = vmlal_high_s8(acc[r], w.lo, x_lo);
    acc[r] = vmlal_s8(acc[r], vget_low_s8(w.hi), vget_low_s8(x_hi));
    acc[r] = vmlal_high_s8(acc[r], w.hi, x_hi);
  }
  template <int kLane>
  HEARTH_INLINE void take(int32x4_t sum_x, int32x4_t* sums) {
    const int16x8_t low = vpaddq_s16(vpaddq_s16(acc[0], acc[1]), vpaddq_s16(acc[2], acc[3]));
    int16x8_t high = low;
    if constexpr (kRows == 8) high = vpaddq_s16(vpaddq_s16(acc[4], acc[5]), vpaddq_s16(acc[6], acc[7]));
    const int16x8_t total = vpaddq_s16(low, high);
    const int16x8_t difference =
        vreinterpretq_s16_u16(vsubq_u16(vreinterpretq_u16_s16(total), vreinterpretq_u16_s16(before)));
    const int16x8_t sum = subtract_bias<kLane>(difference, kBias<block_q4_0>, sum_x);
    before = total;
    sums[0] = vmovl_s16(vget_low_s16(sum));
    if constexpr (kRows == 8) sums[1] = vmovl_high_s16(sum);
  }
};

// Scales of 16 bits, which smlal takes from one lane. Two products of quants up to 127 fit 16 bits, 2 * 127 * 127 =
// 32258, and four of those up to 63.
template <size_t kSub>
struct SuperScales {
  int16x8_t eight[2];

  HEARTH_INLINE explicit SuperScales(const int16x8_t scales[2]) : eight{scales[0], scales[kSub == 32 ? 0 : 1]} {}
  template <size_t j>
  HEARTH_INLINE int32x4_t add(int32x4_t acc, int8x16_t w, int8x16_t x) const {
    return scale<j>(acc, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x));
  }
  template <class B, size_t j>
  HEARTH_INLINE int32x4_t add(int32x4_t acc, int8x16_t w0, int8x16_t w1, int8x16_t x0, int8x16_t x1) const {
    if constexpr (kLargest<B> <= 63) return scale<j>(acc, multiply_narrow({w0, w1}, x0, x1));
    return add<j>(add<j>(acc, w0, x0), w1, x1);
  }

 private:
  template <size_t j>
  HEARTH_INLINE int32x4_t scale(int32x4_t acc, int16x8_t products) const {
    acc = vmlal_laneq_s16(acc, vget_low_s16(products), eight[j / 8], j % 8);
    return vmlal_high_laneq_s16(acc, products, eight[j / 8], j % 8);
  }
};

// In the panel, a block's 32 weights of row 0 are followed by those of row 1, and so on.
HEARTH_INLINE void store_quants(const Quants q[8], uint8_t* out) {
  for (size_t r = 0; r < 8; ++r) {
    vst1q_s8((int8_t*)out + 32 * r, q[r].lo);
    vst1q_s8((int8_t*)out + 32 * r + 16, q[r].hi);
  }
}

}  // namespace

#include "kernels/attention.h"
#include "kernels/gemm_neon.h"
#include "kernels/sets.h"

namespace {

constexpr size_t kTileCols = 1;
constexpr size_t kColumnPiece = HEARTH_SUPER_BLOCK;

HEARTH_INLINE Quants row_of(const uint8_t* block, size_t r) {
  const int8_t* q = (const int8_t*)block + 32 * r;
  return {vld1q_s8(q), vld1q_s8(q + 16)};
}

// Whether 16 bits hold half of a block's products: 16 * 16 * 127 = 32512 for weights from -16 to 15.
template <class B>
constexpr bool kNarrow = true;
template <>
constexpr bool kNarrow<block_q5_1> = false;
template <>
constexpr bool kNarrow<block_q8_0> = false;
template <>
constexpr bool kNarrow<block_iq4_nl> = false;

// Half a row's sum in each of two lanes, for rows 0..3.
HEARTH_INLINE int16x8_t narrow_sums(const uint8_t* block, Quants x) {
  int16x8_t row[4];
  for (size_t r = 0; r < 4; ++r) row[r] = multiply_narrow(row_of(block, r), x.lo, x.hi);
  return vpaddq_s16(vpaddq_s16(row[0], row[1]), vpaddq_s16(row[2], row[3]));
}

HEARTH_INLINE Quants column_of(const int8_t* x) { return {vld1q_s8(x), vld1q_s8(x + 16)}; }

// The sums of four rows' packed block against a column's.
template <class B>
HEARTH_INLINE int32x4_t multiply_block(const uint8_t* block, Quants x) {
  if constexpr (kNarrow<B>) {
    return vpaddlq_s16(narrow_sums(block, x));
  } else {
    int32x4_t row[4];
    for (size_t r = 0; r < 4; ++r) row[r] = Multiply<B>::add(vdupq_n_s32(0), row_of(block, r), x.lo, x.hi);
    return fold_rows(row);
  }
}

template <class B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows], UpcomingRows& upcoming) {
  float32x4_t acc[2] = {vld1q_f32(y[0]), vld1q_f32(y[0] + 4)};
  for (size_t i = 0; i < n_blocks; ++i) {
    upcoming.fetch();
    const Quants column = column_of(x.q[i][0]);
    const size_t im = kHasMinimum<B> ? i : 0;
    for (size_t quad = 0; quad < 2; ++quad) {
      const int32x4_t sum = multiply_block<B>(panel.q[i] + 128 * quad, column);
      acc[quad] = scale_sum<B>(acc[quad], sum, vld1q_f32(panel.d[i] + 4 * quad), vld1q_f32(panel.m[im] + 4 * quad),
                               x.d[i][0], x.sum[i][0]);
    }
  }
  vst1q_f32(y[0], acc[0]);
  vst1q_f32(y[0] + 4, acc[1]);
}

// Whether 16 bits hold the products of half a sub-block of 32: 16 * 16 * 127 = 32512.
template <class B>
constexpr bool kNarrowSub = kSubBlock<B> == 32 && kLargest<B> <= 31;
template <>
constexpr bool kNarrowSub<block_q5_k> = false;

// The sums of four rows' packed sub-block against a column's.
template <class B>
HEARTH_INLINE int32x4_t multiply_sub_block(const uint8_t* block, size_t half, Quants x) {
  if constexpr (kNarrowSub<B>) return vpaddlq_s16(narrow_sums(block, x));
  int32x4_t row[4];
  for (size_t r = 0; r < 4; ++r) {
    const Quants w = row_of(block, r);
    const auto pair = [](int8x16_t a, int8x16_t b) {
      return vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b);
    };
    if constexpr (kSubBlock<B> == 16) {
      row[r] = vpaddlq_s16(half == 0 ? pair(w.lo, x.lo) : pair(w.hi, x.hi));
    } else {
      row[r] = vpadalq_s16(vpaddlq_s16(pair(w.lo, x.lo)), pair(w.hi, x.hi));
    }
  }
  return fold_rows(row);
}

template <class B>
requires Super<B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows], UpcomingRows& upcoming) {
  constexpr size_t kScales = HEARTH_BLOCK / kSubBlock<B>;
  for (size_t quad = 0; quad < 2; ++quad) {
    float32x4_t acc = vld1q_f32(y[0] + 4 * quad);
    for (size_t i = 0; i < n_blocks; ++i) {
      int32x4_t total = vdupq_n_s32(0);
      for (size_t j = 0; j < HEARTH_SUPER_BLOCK / HEARTH_BLOCK; ++j) {
        upcoming.fetch();
        const uint8_t* block = panel.q[i] + j * HEARTH_BLOCK * kPanelRows + 128 * quad;
        const Quants column = column_of(x.q[i][0] + j * HEARTH_BLOCK);
        for (size_t half = 0; half < kScales; ++half) {
          const int32x4_t scale = vld1q_s32(panel.scale[i][kScales * j + half] + 4 * quad);
          total = vmlaq_s32(total, multiply_sub_block<B>(block, half, column), scale);
        }
      }
      acc = scale_super<B>(acc, total, panel, i, quad, x.d[i][0], x.sum[i][0]);
    }
    vst1q_f32(y[0] + 4 * quad, acc);
  }
}

}  // namespace

#include "kernels/gemm.h"

namespace {

constexpr HearthKernels table() {
  HearthKernels t = {};
  t.name = "neon";
  set_float_kernels(&t);
  set_matmul_quantized(&t);
  set_type<block_iq4_nl>(&t, HEARTH_TYPE_IQ4_NL);
  set_type<block_mxfp4>(&t, HEARTH_TYPE_MXFP4);
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__neon = table();
