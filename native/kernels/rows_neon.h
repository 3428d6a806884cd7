// Reading blocks of weight rows into NEON registers: each function takes what is next in a row, moves its pointer on.
//
// In assembler where the pointer moves with the load: compilers spend an instruction more on each, a tenth of all.
// Volatile, so that rows stay in order: compilers would load all of them ahead, for which there are too few registers.
#pragma once

#include <arm_neon.h>

#include "kernels/scalar.h"

namespace {

// A block's quants: weights 0..15 and 16..31, raised by kBias<B> so that they are not negative (but for Q8_0).
struct Quants {
  int8x16_t lo, hi;
};

template <class B>
constexpr int kBias = 0;
template <>
constexpr int kBias<block_q4_0> = 8;
template <>
constexpr int kBias<block_q5_0> = 16;

// Lane 0 starts a new vector, so that it does not wait for the last one.
template <int kLane>
HEARTH_INLINE void take_half(const uint8_t*& p, float16x8_t& halves) {
  typedef const uint8_t Bytes[2];
  if constexpr (kLane == 0) {
    __asm__ volatile("ldr %h0, [%1], #2" : "=w"(halves), "+r"(p) : "m"(*(Bytes*)p));
  } else {
    __asm__ volatile("ld1 {%0.h}[%3], [%1], #2" : "+w"(halves), "+r"(p) : "m"(*(Bytes*)p), "i"(kLane));
  }
}

HEARTH_INLINE uint8x16_t take16(const uint8_t*& p) {
  typedef const uint8_t Bytes[16];
  uint8x16_t bytes;
  __asm__ volatile("ldr %q0, [%1], #16" : "=w"(bytes), "+r"(p) : "m"(*(Bytes*)p));
  return bytes;
}

HEARTH_INLINE Quants take32(const uint8_t*& p) {
  typedef const uint8_t Bytes[32];
  Quants q;
  __asm__ volatile("ldp %q0, %q1, [%2], #32" : "=w"(q.lo), "=w"(q.hi), "+r"(p) : "m"(*(Bytes*)p));
  return q;
}

HEARTH_INLINE Quants take_nibbles(const uint8_t*& p) {
  const uint8x16_t bytes = take16(p);
  return {vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15))), vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4))};
}

// 16 where bit i of the mask is set, for the weights i of 0..15 or of 16..31.
HEARTH_INLINE int8x16_t fifth_bits(uint32_t mask, int half) {
  const uint8x16_t byte_of_weight = vcombine_u8(vdup_n_u8((uint8_t)(2 * half)), vdup_n_u8((uint8_t)(2 * half + 1)));
  const uint8x16_t bit_of_weight = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
  const uint8x16_t bytes = vqtbl1q_u8(vreinterpretq_u8_u32(vdupq_n_u32(mask)), byte_of_weight);
  return vreinterpretq_s8_u8(vandq_u8(vtstq_u8(bytes, bit_of_weight), vdupq_n_u8(16)));
}

HEARTH_INLINE Quants take_fives(const uint8_t*& p) {
  uint32_t mask;
  memcpy(&mask, p, sizeof mask);
  p += sizeof mask;
  const Quants q = take_nibbles(p);
  return {vorrq_s8(q.lo, fifth_bits(mask, 0)), vorrq_s8(q.hi, fifth_bits(mask, 1))};
}

template <class B>
HEARTH_INLINE Quants take_quants(const uint8_t*& p) {
  return take_nibbles(p);
}
template <>
HEARTH_INLINE Quants take_quants<block_q5_0>(const uint8_t*& p) {
  return take_fives(p);
}
template <>
HEARTH_INLINE Quants take_quants<block_q5_1>(const uint8_t*& p) {
  return take_fives(p);
}
template <>
HEARTH_INLINE Quants take_quants<block_q8_0>(const uint8_t*& p) {
  return take32(p);
}

// sums - bias * sum_x[kLane]. In assembler, since compilers know multiplications by constants too well: they turn one
// instruction into a shift, a copy and a subtraction.
template <int kLane>
HEARTH_INLINE int32x4_t subtract_bias(int32x4_t sums, int bias, int32x4_t sum_x) {
  __asm__("mls %0.4s, %1.4s, %2.s[%3]" : "+w"(sums) : "w"(vdupq_n_s32(bias)), "w"(sum_x), "i"(kLane));
  return sums;
}
// The same modulo 2^16: the low half of a 32-bit lane is the 16-bit lane of twice its number.
template <int kLane>
HEARTH_INLINE int16x8_t subtract_bias(int16x8_t sums, int bias, int32x4_t sum_x) {
  __asm__("mls %0.8h, %1.8h, %2.h[%3]" : "+w"(sums) : "w"(vdupq_n_s16((int16_t)bias)), "x"(sum_x), "i"(2 * kLane));
  return sums;
}

// The sums of rows 0..3 in lanes 0..3.
HEARTH_INLINE int32x4_t fold_rows(const int32x4_t rows[4]) {
  return vpaddq_s32(vpaddq_s32(rows[0], rows[1]), vpaddq_s32(rows[2], rows[3]));
}

// Sums in 32-bit lanes that run on through the row: the difference of two totals is the block's sum, exactly, even when
// the totals wrap around. That saves clearing kRows accumulators for each block.
// Add::add(acc, quants, x_lo, x_hi) adds a block of one row to its four lanes.
template <class B, int kRows, class Add>
struct RunningSums {
  int32x4_t acc[kRows];
  int32x4_t before[kRows / 4];

  RunningSums() {
    for (int r = 0; r < kRows; ++r) acc[r] = vdupq_n_s32(0);
    for (int i = 0; i < kRows / 4; ++i) before[i] = vdupq_n_s32(0);
  }
  template <int r>
  HEARTH_INLINE void add(Quants w, int8x16_t x_lo, int8x16_t x_hi) {
    acc[r] = Add::add(acc[r], w, x_lo, x_hi);
  }
  template <int kLane>
  HEARTH_INLINE void take(int32x4_t sum_x, int32x4_t* sums) {
    for (int i = 0; i < kRows / 4; ++i) {
      const int32x4_t total = fold_rows(acc + 4 * i);
      sums[i] = vreinterpretq_s32_u32(vsubq_u32(vreinterpretq_u32_s32(total), vreinterpretq_u32_s32(before[i])));
      before[i] = total;
      if constexpr (kBias<B> != 0) sums[i] = subtract_bias<kLane>(sums[i], kBias<B>, sum_x);
    }
  }
};

}  // namespace
