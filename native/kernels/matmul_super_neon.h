// Weights in super-blocks times int8 activations on ARM for few columns, along the row, in integers throughout. Written
// once over what neon.cc and neon_dotprod.cc define before they include it:
//
//   SuperScales<kSub>(scales)                  the scales of a super-block, eight or sixteen of 16 bits
//     add<j>(acc, w, x)                        acc + products * scale of sub-block j, in four lanes, for 16 weights
//     add<j>(acc, w0, w1, x0, x1)              the same for 32
//   kLargest: the instruction sets decide by it how many products 16 bits have room for.
#pragma once

#include <arm_neon.h>
#include <stddef.h>

#include "kernels/matmul_blocks_neon.h"
#include "kernels/super_blocks.h"

namespace {

HEARTH_INLINE uint8x16_t load16(const uint8_t* p) { return vld1q_u8(p); }

HEARTH_INLINE int8x16_t low_nibbles(uint8x16_t b) { return vreinterpretq_s8_u8(vandq_u8(b, vdupq_n_u8(15))); }
HEARTH_INLINE int8x16_t high_nibbles(uint8x16_t b) { return vreinterpretq_s8_u8(vshrq_n_u8(b, 4)); }

// The sums of activations that belong to the sub-blocks, eight or sixteen.
template <size_t kSub>
struct SubSums {
  int16x8_t eight[2];

  HEARTH_INLINE void load(const int16_t* sums) {
    eight[0] = vld1q_s16(sums);
    eight[1] = vld1q_s16(sums + 8);
    if constexpr (kSub == 32) eight[0] = vpaddq_s16(eight[0], eight[1]);
  }
  // Times `factors`, in four lanes that are still to be added up.
  HEARTH_INLINE int32x4_t times(const int16x8_t* factors) const {
    const auto multiply = [](int32x4_t acc, int16x8_t a, int16x8_t b) {
      return vmlal_high_s16(vmlal_s16(acc, vget_low_s16(a), vget_low_s16(b)), a, b);
    };
    const int32x4_t first = multiply(vdupq_n_s32(0), factors[0], eight[0]);
    return kSub == 32 ? first : multiply(first, factors[1], eight[1]);
  }
};

// One super-block of a row. The plain way: decoded by super_blocks.h. The others say where the scales are: kScaleAt.
template <class B>
struct SuperRow {
  static constexpr int kRaised = 0;
  SuperBlock block;

  HEARTH_INLINE explicit SuperRow(const uint8_t* p) { super_block_at<B>(p, 0, &block); }
  // Weights 64 * k .. 64 * k + 63.
  template <size_t k>
  HEARTH_INLINE void part(int8x16_t& w0, int8x16_t& w1, int8x16_t& w2, int8x16_t& w3) const {
    const int8_t* q = block.q + 64 * k;
    w0 = vld1q_s8(q);
    w1 = vld1q_s8(q + 16);
    w2 = vld1q_s8(q + 32);
    w3 = vld1q_s8(q + 48);
  }
  HEARTH_INLINE void scales(int16x8_t out[2]) const { load(block.scale, out); }
  HEARTH_INLINE void mins(int16x8_t out[2]) const { load(block.min, out); }

 private:
  HEARTH_INLINE static void load(const int16_t* p, int16x8_t out[2]) {
    out[0] = vld1q_s16(p);
    out[1] = vld1q_s16(p + 8);
    if constexpr (kSubBlock<B> == 32) out[0] = vuzp1q_s16(out[0], out[1]);
  }
};

// Puts the scale of a row's super-block, and that of its minimums behind it where there is one, into lane r.
template <bool kPair, int r>
HEARTH_INLINE void take_halves(const uint8_t* p, uint32x4_t& halves) {
  typedef const uint8_t Bytes[kPair ? 4 : 2];
  if constexpr (kPair) {
    __asm__("ld1 {%0.s}[%2], [%1]" : "+w"(halves) : "r"(p), "i"(r), "m"(*(Bytes*)p));
  } else {
    __asm__("ld1 {%0.h}[%2], [%1]" : "+w"(halves) : "r"(p), "i"(2 * r), "m"(*(Bytes*)p));
  }
}
HEARTH_INLINE float32x4_t low_halves(uint32x4_t x) { return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(x))); }
HEARTH_INLINE float32x4_t high_halves(uint32x4_t x) { return vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(x, 16))); }

// The eight scales and eight minimums of Q4_K and Q5_K.
struct SixBits {
  uint8x16_t bytes;  // scales 0..7, minimums 0..7

  HEARTH_INLINE explicit SixBits(const uint8_t* p) {  // reads 16 bytes
    const uint8x16_t all = vld1q_u8(p);
    const int32x4_t shifts = {0, -4, 0, 0};
    const uint32x4_t upper = vshlq_u32(vdupq_laneq_u32(vreinterpretq_u32_u8(all), 2), shifts);
    const uint8x16_t nibbles = vandq_u8(vreinterpretq_u8_u32(upper), vdupq_n_u8(15));
    const uint8x16_t bits = vandq_u8(vshrq_n_u8(all, 2), vdupq_n_u8(0x30));
    bytes = vreinterpretq_u8_u32(
        vzip1q_u32(vreinterpretq_u32_u8(vandq_u8(all, vdupq_n_u8(63))), vreinterpretq_u32_u8(vorrq_u8(nibbles, bits))));
  }
  HEARTH_INLINE int16x8_t scales() const { return vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))); }
  HEARTH_INLINE int16x8_t mins() const { return vreinterpretq_s16_u16(vmovl_high_u8(bytes)); }
};

template <>
struct SuperRow<block_q4_k> {
  static constexpr int kRaised = 0;
  static constexpr size_t kScaleAt = offsetof(block_q4_k, d);
  const uint8_t* p;
  SixBits six;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block), six(block + offsetof(block_q4_k, scales)) {}
  template <size_t k>
  HEARTH_INLINE void part(int8x16_t& w0, int8x16_t& w1, int8x16_t& w2, int8x16_t& w3) const {
    const uint8x16_t a = load16(p + offsetof(block_q4_k, qs) + 32 * k);
    const uint8x16_t b = load16(p + offsetof(block_q4_k, qs) + 32 * k + 16);
    w0 = low_nibbles(a);
    w1 = low_nibbles(b);
    w2 = high_nibbles(a);
    w3 = high_nibbles(b);
  }
  HEARTH_INLINE void scales(int16x8_t out[2]) const { out[0] = six.scales(); }
  HEARTH_INLINE void mins(int16x8_t out[2]) const { out[0] = six.mins(); }
};

template <>
struct SuperRow<block_q5_k> {
  static constexpr int kRaised = 0;
  static constexpr size_t kScaleAt = offsetof(block_q5_k, d);
  const uint8_t* p;
  SixBits six;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block), six(block + offsetof(block_q5_k, scales)) {}
  template <size_t k>
  HEARTH_INLINE void part(int8x16_t& w0, int8x16_t& w1, int8x16_t& w2, int8x16_t& w3) const {
    const uint8_t* qs = p + offsetof(block_q5_k, qs) + 32 * k;
    const uint8x16_t a = load16(qs), b = load16(qs + 16);
    const uint8_t* qh = p + offsetof(block_q5_k, qh);
    const uint8x16_t ha = load16(qh), hb = load16(qh + 16);
    w0 = with_bit<2 * k>(low_nibbles(a), ha);
    w1 = with_bit<2 * k>(low_nibbles(b), hb);
    w2 = with_bit<2 * k + 1>(high_nibbles(a), ha);
    w3 = with_bit<2 * k + 1>(high_nibbles(b), hb);
  }
  HEARTH_INLINE void scales(int16x8_t out[2]) const { out[0] = six.scales(); }
  HEARTH_INLINE void mins(int16x8_t out[2]) const { out[0] = six.mins(); }

 private:
  // A set bit makes a mask of -1, and less 16 times that is 16.
  template <size_t kBit>
  static HEARTH_INLINE int8x16_t with_bit(int8x16_t nibbles, uint8x16_t qh) {
    const uint8x16_t set = vtstq_u8(qh, vdupq_n_u8(1 << kBit));
    return vmlsq_s8(nibbles, vreinterpretq_s8_u8(set), vdupq_n_s8(16));
  }
};

template <>
struct SuperRow<block_q6_k> {
  static constexpr int kRaised = 32;
  static constexpr size_t kScaleAt = offsetof(block_q6_k, d);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  template <size_t k>
  HEARTH_INLINE void part(int8x16_t& w0, int8x16_t& w1, int8x16_t& w2, int8x16_t& w3) const {
    const uint8_t* ql = p + k / 2 * 64;
    const uint8_t* qh = p + offsetof(block_q6_k, qh) + k / 2 * 32;
    const uint8x16_t h0 = load16(qh), h1 = load16(qh + 16);
    w0 = join<k % 2>(load16(ql), bits<k % 2 * 4>(h0));
    w1 = join<k % 2>(load16(ql + 16), bits<k % 2 * 4>(h1));
    w2 = join<k % 2>(load16(ql + 32), bits<k % 2 * 4 + 2>(h0));
    w3 = join<k % 2>(load16(ql + 48), bits<k % 2 * 4 + 2>(h1));
  }
  HEARTH_INLINE void scales(int16x8_t out[2]) const {
    const int8x16_t all = vld1q_s8((const int8_t*)p + offsetof(block_q6_k, scales));
    out[0] = vmovl_s8(vget_low_s8(all));
    out[1] = vmovl_high_s8(all);
  }

 private:
  // The two bits from kFrom on, moved to bits 4 and 5; others may be set beside them.
  template <int kFrom>
  static HEARTH_INLINE uint8x16_t bits(uint8x16_t h) {
    if constexpr (kFrom < 4) return vshlq_n_u8(h, 4 - kFrom);
    if constexpr (kFrom == 4) return h;
    return vshrq_n_u8(h, kFrom == 6 ? 2 : 1);
  }
  template <size_t kHigh>
  static HEARTH_INLINE int8x16_t join(uint8x16_t l, uint8x16_t h) {
    const uint8x16_t nibbles = kHigh ? vshrq_n_u8(l, 4) : vandq_u8(l, vdupq_n_u8(15));
    return vreinterpretq_s8_u8(vorrq_u8(nibbles, vandq_u8(h, vdupq_n_u8(0x30))));
  }
};

constexpr size_t kSuperRows = 4;

// Adds weights 64 * k .. 64 * k + 63 of a row times what comes next in each column.
template <class B, size_t kCols, size_t k>
HEARTH_INLINE void add_part(const SuperRow<B>& row, const SuperScales<kSubBlock<B>>& scales, const uint8_t* q[kCols],
                            int32x4_t acc[kCols]) {
  int8x16_t w0, w1, w2, w3;
  row.template part<k>(w0, w1, w2, w3);
  for (size_t c = 0; c < kCols; ++c) {
    const int8x16x4_t x = take64(q[c]);
    int32x4_t sum = acc[c];
    if constexpr (kSubBlock<B> == 32) {
      sum = scales.template add<B, 2 * k>(sum, w0, w1, x.val[0], x.val[1]);
      sum = scales.template add<B, 2 * k + 1>(sum, w2, w3, x.val[2], x.val[3]);
    } else {
      sum = scales.template add<4 * k>(sum, w0, x.val[0]);
      sum = scales.template add<4 * k + 1>(sum, w1, x.val[1]);
      sum = scales.template add<4 * k + 2>(sum, w2, x.val[2]);
      sum = scales.template add<4 * k + 3>(sum, w3, x.val[3]);
    }
    __asm__ volatile("" : "+w"(sum));  // now, or the compiler runs out of registers for what it puts off
    acc[c] = sum;
  }
}

// acc[c] of one row's super-block for kCols columns, in four lanes that are still to be added up.
template <class B, size_t kCols>
HEARTH_INLINE void super_sums(const SuperRow<B>& row, const int8_t* const x[kCols],
                              const SubSums<kSubBlock<B>> sums[kCols], int32x4_t acc[kCols], int32x4_t mins[kCols]) {
  int16x8_t scales16[2];
  row.scales(scales16);
  const SuperScales<kSubBlock<B>> scales(scales16);
  const uint8_t* q[kCols];
  for (size_t c = 0; c < kCols; ++c) {
    q[c] = (const uint8_t*)x[c];
    acc[c] = vdupq_n_s32(0);
  }
  add_part<B, kCols, 0>(row, scales, q, acc);
  add_part<B, kCols, 1>(row, scales, q, acc);
  add_part<B, kCols, 2>(row, scales, q, acc);
  add_part<B, kCols, 3>(row, scales, q, acc);
  for (size_t c = 0; c < kCols; ++c) {
    if constexpr (kHasMinimum<B>) {
      int16x8_t mins16[2];
      row.mins(mins16);
      mins[c] = sums[c].times(mins16);
    }
    if constexpr (SuperRow<B>::kRaised != 0) {
      acc[c] = vmlsq_n_s32(acc[c], sums[c].times(scales16), SuperRow<B>::kRaised);
    }
  }
}

// The scales of the four rows that a tile works on, one a lane.
struct RowScales {
  uint32x4_t halves;
  float32x4_t d, dmin;
};

// The sums of row r and its scales.
template <class B, size_t kCols, int r>
HEARTH_INLINE void super_row(const uint8_t* w, const int8_t* const x[kCols], const SubSums<kSubBlock<B>> sums[kCols],
                             int32x4_t acc[kCols], int32x4_t mins[kCols], RowScales& scales) {
  const SuperRow<B> row(w);
  super_sums<B, kCols>(row, x, sums, acc, mins);
  if constexpr (requires { SuperRow<B>::kScaleAt; }) {
    take_halves<kHasMinimum<B>, r>(w + SuperRow<B>::kScaleAt, scales.halves);
  } else {
    scales.d = vsetq_lane_f32(row.block.d, scales.d, r);
    if constexpr (kHasMinimum<B>) scales.dmin = vsetq_lane_f32(row.block.dmin, scales.dmin, r);
  }
}

// y[c] of four rows for kCols columns from column c0 on.
template <class B, size_t kCols, bool kStreams>
inline void super_tile(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c0, size_t ahead,
                       float32x4_t y[kCols]) {
  const size_t n_blocks = x->n / HEARTH_SUPER_BLOCK;
  const uint8_t* next_group = w + ahead;  // where rows lie one after the other
  for (size_t c = 0; c < kCols; ++c) y[c] = vdupq_n_f32(0);
  for (size_t i = 0; i < n_blocks; ++i, w += sizeof(B)) {
    if constexpr (kStreams) {
      for (size_t r = 0; r < kSuperRows; ++r) fetch_lines(w + r * stride + ahead, sizeof(B));
    } else {
      fetch_lines(next_group, kSuperRows * sizeof(B));
      next_group += kSuperRows * sizeof(B);
    }
    const int8_t* q[kCols];
    SubSums<kSubBlock<B>> sums[kCols];
    for (size_t c = 0; c < kCols; ++c) {
      q[c] = x->super_q + (c0 + c) * x->n + i * HEARTH_SUPER_BLOCK;
      sums[c].load(x->super_sum + ((c0 + c) * n_blocks + i) * kSubBlocks);
    }
    int32x4_t acc[kSuperRows][kCols], mins[kSuperRows][kCols];
    RowScales scales = {vdupq_n_u32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    super_row<B, kCols, 0>(w, q, sums, acc[0], mins[0], scales);
    super_row<B, kCols, 1>(w + stride, q, sums, acc[1], mins[1], scales);
    super_row<B, kCols, 2>(w + 2 * stride, q, sums, acc[2], mins[2], scales);
    super_row<B, kCols, 3>(w + 3 * stride, q, sums, acc[3], mins[3], scales);
    if constexpr (requires { SuperRow<B>::kScaleAt; }) {
      scales.d = low_halves(scales.halves);
      if constexpr (kHasMinimum<B>) scales.dmin = high_halves(scales.halves);
    }
    for (size_t c = 0; c < kCols; ++c) {
      const float d_x = x->super_d[(c0 + c) * n_blocks + i];
      const int32x4_t folded[4] = {acc[0][c], acc[1][c], acc[2][c], acc[3][c]};
      y[c] = vfmaq_f32(y[c], vcvtq_f32_s32(fold_rows(folded)), vmulq_n_f32(scales.d, d_x));
      if constexpr (kHasMinimum<B>) {
        const int32x4_t folded_mins[4] = {mins[0][c], mins[1][c], mins[2][c], mins[3][c]};
        const int32x4_t minimum = vnegq_s32(fold_rows(folded_mins));
        y[c] = vfmaq_f32(y[c], vcvtq_f32_s32(minimum), vmulq_n_f32(scales.dmin, d_x));
      }
    }
  }
}

template <class B, bool kStreams, class Store>
inline void super_group(const uint8_t* w, size_t stride, const HearthColumns* x, size_t ahead, Store store) {
  size_t c = 0;
  for (; c + 2 <= x->cols; c += 2) {
    float32x4_t y[2];
    super_tile<B, 2, kStreams>(w, stride, x, c, ahead, y);
    store(c, y[0]);
    store(c + 1, y[1]);
  }
  if (c < x->cols) {
    float32x4_t y[1];
    super_tile<B, 1, kStreams>(w, stride, x, c, ahead, y);
    store(c, y[0]);
  }
}

// Rows in groups of kSuperRows, as multiply_column has them.
template <class B, bool kStreams>
void matmul_super_rows(const uint8_t* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y,
                       size_t y_stride, size_t ahead) {
  const size_t groups = rows / kSuperRows;
  if (!kStreams && ahead < kSuperRows * row_bytes) ahead = kSuperRows * row_bytes;
  for (size_t g = 0; g < groups; ++g) {
    if constexpr (kStreams) {
      super_group<B, true>(w + g * row_bytes, groups * row_bytes, x, ahead, [=](size_t c, float32x4_t result) {
        for (size_t r = 0; r < kSuperRows; ++r) y[c * y_stride + g + r * groups] = result[r];
      });
    } else {
      const size_t start = g * kSuperRows;
      super_group<B, false>(w + start * row_bytes, row_bytes, x, ahead,
                            [=](size_t c, float32x4_t result) { vst1q_f32(y + c * y_stride + start, result); });
    }
  }
}

template <class B>
void matmul_super_direct(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y,
                         size_t y_stride, HearthReading reading) {
  const uint8_t* first = (const uint8_t*)w;
  if (rows < kSuperRows) {
    for (size_t r = 0; r < rows; ++r) {  // with a stride of 0 every lane computes the one row
      super_group<B, false>(first + r * row_bytes, 0, x, 0,
                            [=](size_t c, float32x4_t result) { y[c * y_stride + r] = vgetq_lane_f32(result, 0); });
    }
    return;
  }
  const auto multiply_rows = reading.streams ? matmul_super_rows<B, true> : matmul_super_rows<B, false>;
  multiply_rows(first, row_bytes, rows, x, y, y_stride, reading.ahead);
  if (rows % kSuperRows == 0) return;
  const size_t start = rows - kSuperRows;  // repeats rows of the group before
  super_group<B, false>(first + start * row_bytes, row_bytes, x, 0,
                        [=](size_t c, float32x4_t result) { vst1q_f32(y + c * y_stride + start, result); });
}

}  // namespace
