// Reading blocks of weight rows into NEON registers: each function takes what is next in a row, moves its pointer on.
//
// In assembler where the pointer moves with the load: compilers spend an instruction more on each, a tenth of all.
// Volatile, so that rows stay in order: compilers would load all of them ahead, for which there are too few registers.
#pragma once

#include <arm_neon.h>

#include "kernels/codebooks.h"
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

HEARTH_INLINE int8x16x4_t take64(const uint8_t*& p) {
  typedef const uint8_t Bytes[64];
  int8x16x4_t bytes;
  __asm__ volatile("ld1 {%S0.16b - %V0.16b}, [%1], #64" : "=w"(bytes), "+r"(p) : "m"(*(Bytes*)p));
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

// The values that nibbles stand for, where those are no numbers.
template <class B>
constexpr const int8_t* kValues = NULL;
template <>
constexpr const int8_t* kValues<block_iq4_nl> = kIq4Values;
template <>
constexpr const int8_t* kValues<block_mxfp4> = kMxfp4Values;

template <class B>
HEARTH_INLINE Quants values_of(Quants nibbles) {
  if constexpr (kValues<B> == NULL) return nibbles;
  const int8x16_t values = vld1q_s8(kValues<B>);
  return {vqtbl1q_s8(values, vreinterpretq_u8_s8(nibbles.lo)), vqtbl1q_s8(values, vreinterpretq_u8_s8(nibbles.hi))};
}

template <class B>
HEARTH_INLINE Quants take_quants(const uint8_t*& p) {
  return values_of<B>(take_nibbles(p));
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

// A block in two or three registers: what is before its quants, scales included, ends the first one.
template <class B>
constexpr size_t kHead = offsetof(B, qs);

struct HeadedBlock {
  uint8x16_t head;
  uint8x16_t q[2];  // the second one of Q8_0
};

// `p` is 16 bytes before the block's quants, within the row from its second block on.
template <class B>
HEARTH_INLINE HeadedBlock take_headed(const uint8_t*& p) {
  HeadedBlock block;
  if constexpr (sizeof(B) - kHead<B> == 32) {
    typedef const uint8_t Bytes[48];
    uint8x16x3_t v;
    __asm__ volatile("ld1 {%S0.16b - %U0.16b}, [%1], %2" : "=w"(v), "+r"(p) : "r"(sizeof(B)), "m"(*(Bytes*)p));
    block.head = v.val[0];
    block.q[0] = v.val[1];
    block.q[1] = v.val[2];
  } else {
    typedef const uint8_t Bytes[32];
    uint8x16x2_t v;
    __asm__ volatile("ld1 {%S0.16b - %T0.16b}, [%1], %2" : "=w"(v), "+r"(p) : "r"(sizeof(B)), "m"(*(Bytes*)p));
    block.head = block.q[1] = v.val[0];
    block.q[0] = v.val[1];
  }
  return block;
}

// Loads the first block of a row, before which nothing may be read: `p` is at its beginning, and then where
// take_headed wants it.
template <class B>
HEARTH_INLINE HeadedBlock take_first(const uint8_t*& p) {
  HeadedBlock block;
  typedef const uint8_t Bytes[kHead<B>];
  if constexpr (kHead<B> == 1) {
    __asm__ volatile("ld1 {%0.b}[15], [%1], #1" : "=w"(block.head), "+r"(p) : "m"(*(Bytes*)p));
  } else if constexpr (kHead<B> == 2) {
    __asm__ volatile("ld1 {%0.h}[7], [%1], #2" : "=w"(block.head), "+r"(p) : "m"(*(Bytes*)p));
  } else if constexpr (kHead<B> == 4) {
    __asm__ volatile("ld1 {%0.s}[3], [%1], #4" : "=w"(block.head), "+r"(p) : "m"(*(Bytes*)p));
  } else if constexpr (kHead<B> == 6) {
    __asm__ volatile("ld1 {%0.h}[5], [%1], #2\n\tld1 {%0.s}[3], [%1], #4"
                     : "=&w"(block.head), "+r"(p)
                     : "m"(*(Bytes*)p));
  } else {
    __asm__ volatile("ld1 {%0.d}[1], [%1], #8" : "=w"(block.head), "+r"(p) : "m"(*(Bytes*)p));
  }
  block.q[0] = block.q[1] = vld1q_u8(p);
  if constexpr (sizeof(B) - kHead<B> == 32) block.q[1] = vld1q_u8(p + 16);
  p += sizeof(B) - 16;
  return block;
}

// The last four 16-bit numbers of two heads, in turn. Volatile: at once, so that the registers of the blocks are free.
HEARTH_INLINE uint32x4_t pair_heads(uint8x16_t a, uint8x16_t b) {
  uint32x4_t pairs;
  __asm__ volatile("zip2 %0.8h, %1.8h, %2.8h" : "=w"(pairs) : "w"(a), "w"(b));
  return pairs;
}

// half_of_e8m0() of scalar.h for four lanes.
HEARTH_INLINE float32x4_t half_of_e8m0(uint32x4_t e) {
  const uint32x4_t subnormal = vshlq_u32(vdupq_n_u32(0x00200000), vreinterpretq_s32_u32(e));
  const uint32x4_t normal = vshlq_n_u32(vsubq_u32(e, vdupq_n_u32(1)), 23);
  return vreinterpretq_f32_u32(vbslq_u32(vcltq_u32(e, vdupq_n_u32(2)), subnormal, normal));
}

// The scales d and minimums m of four blocks, whose heads are given in pairs.
template <class B>
HEARTH_INLINE void scales_of(uint32x4_t a, uint32x4_t b, float32x4_t& d, float32x4_t& m) {
  if constexpr (kHead<B> == 1) {
    d = half_of_e8m0(vshrq_n_u32(vmovl_high_u16(vreinterpretq_u16_u32(vzip2q_u32(a, b))), 8));
  } else if constexpr (kHead<B> == 2) {
    d = vcvt_high_f32_f16(vreinterpretq_f16_u32(vzip2q_u32(a, b)));
  } else if constexpr (kHead<B> == 4) {
    const float16x8_t both = vreinterpretq_f16_u32(vzip2q_u32(a, b));
    d = vcvt_f32_f16(vget_low_f16(both));
    m = vcvt_high_f32_f16(both);
  } else if constexpr (kHead<B> == 6) {
    d = vcvt_high_f32_f16(vreinterpretq_f16_u32(vzip1q_u32(a, b)));
  } else {
    const float16x8_t both = vreinterpretq_f16_u32(vzip1q_u32(a, b));
    d = vcvt_f32_f16(vget_low_f16(both));
    m = vcvt_high_f32_f16(both);
  }
}

// nibbles + 16 where the bit of the mask that ends the head is set, for the weights 16 * half and on. A set bit makes
// -1.
template <int half>
HEARTH_INLINE int8x16_t with_fifth_bits(int8x16_t nibbles, uint8x16_t head) {
  const uint8x16_t byte_of_weight = vcombine_u8(vdup_n_u8(12 + 2 * half), vdup_n_u8(13 + 2 * half));
  const uint8x16_t bit_of_weight = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
  const uint8x16_t set = vtstq_u8(vqtbl1q_u8(head, byte_of_weight), bit_of_weight);
  __asm__("mls %0.16b, %1.16b, %2.16b" : "+w"(nibbles) : "w"(set), "w"(vdupq_n_u8(16)));
  return nibbles;
}

template <class B>
HEARTH_INLINE Quants quants_of(const HeadedBlock& block) {
  if constexpr (sizeof(B) - kHead<B> == 32) {
    return {vreinterpretq_s8_u8(block.q[0]), vreinterpretq_s8_u8(block.q[1])};
  }
  Quants q = {vreinterpretq_s8_u8(vandq_u8(block.q[0], vdupq_n_u8(15))),
              vreinterpretq_s8_u8(vshrq_n_u8(block.q[0], 4))};
  if constexpr (kHead<B> >= 6) {
    q = {with_fifth_bits<0>(q.lo, block.head), with_fifth_bits<1>(q.hi, block.head)};
  }
  return values_of<B>(q);
}

// sums - bias * sum_x[kLane]. In assembler, since compilers know multiplications by constants too well: they turn one
// instruction into a shift, a copy and a subtraction.
template <int kLane>
HEARTH_INLINE int32x4_t subtract_bias(int32x4_t sums, int bias, int32x4_t sum_x) {
  __asm__("mls %0.4s, %1.4s, %2.s[%3]" : "+w"(sums) : "w"(vdupq_n_s32(bias)), "w"(sum_x), "i"(kLane));
  return sums;
}
// subtract_bias() modulo 2^16: the low half of a 32-bit lane is the 16-bit lane of twice its number.
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
