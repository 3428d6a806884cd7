// The decoding of one super-block of each type with 256 weights a block, the definition that every kernel set shares.
// In an anonymous namespace and free of C++ headers, like scalar.h.
#pragma once

#include "kernels/codebooks.h"
#include "kernels/scalar.h"

namespace {

enum { kSubBlocks = HEARTH_SUPER_BLOCK / 16 };

// Weight i is d * scale[i / 16] * q[i] - dmin * min[i / 16]. |scale * q| sums to less than 2^31 / 127 over a block.
struct SuperBlock {
  float d, dmin;
  int16_t scale[kSubBlocks], min[kSubBlocks];
  int8_t q[HEARTH_SUPER_BLOCK];
};

// The loops over 32 weights are such that compilers vectorize them.

// 256 weights of two bits in Q2_K's order: four weights 32 apart share a byte.
inline void take_two_bits(const uint8_t* qs, int8_t* q) {
  for (int k = 0; k < 8; ++k) {
    for (int l = 0; l < 32; ++l) q[32 * k + l] = (int8_t)(qs[k / 4 * 32 + l] >> k % 4 * 2 & 3);
  }
}
// 256 nibbles in Q4_K's order: weights 32 apart share a byte.
inline void take_nibbles(const uint8_t* qs, int8_t* q) {
  for (int k = 0; k < 8; ++k) {
    for (int l = 0; l < 32; ++l) q[32 * k + l] = (int8_t)(qs[k / 2 * 32 + l] >> k % 2 * 4 & 15);
  }
}
// q[32 * k + l] += `value` where bit k of qh[l] is set, less `bias`.
inline void add_high_bits(const uint8_t qh[32], int value, int bias, int8_t* q) {
  for (int k = 0; k < 8; ++k) {
    for (int l = 0; l < 32; ++l) q[32 * k + l] = (int8_t)(q[32 * k + l] + (qh[l] >> k & 1) * value - bias);
  }
}

inline void decode(const block_q2_k& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  out->dmin = f32_of_f16(b.dmin);
  for (int j = 0; j < kSubBlocks; ++j) {
    out->scale[j] = b.scales[j] & 15;
    out->min[j] = b.scales[j] >> 4;
  }
  take_two_bits(b.qs, out->q);
}

inline void decode(const block_q3_k& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  for (int j = 0; j < kSubBlocks; ++j) {
    const int low = b.scales[j % 8] >> j / 8 * 4 & 15, high = b.scales[8 + j % 4] >> j / 4 * 2 & 3;
    out->scale[j] = (int16_t)((low | high << 4) - 32);
  }
  take_two_bits(b.qs, out->q);
  add_high_bits(b.hmask, 4, 4, out->q);
}

// The scales and minimums of Q4_K and Q5_K, each for two times 16 weights.
inline void decode_six_bits(const uint8_t scales[12], SuperBlock* out) {
  for (int j = 0; j < kSubBlocks; ++j) {
    const int k = j / 2 % 4;
    const int upper = j / 2 / 4;
    out->scale[j] = (int16_t)(upper ? (scales[8 + k] & 15) | scales[k] >> 6 << 4 : scales[k] & 63);
    out->min[j] = (int16_t)(upper ? scales[8 + k] >> 4 | scales[4 + k] >> 6 << 4 : scales[4 + k] & 63);
  }
}

inline void decode(const block_q4_k& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  out->dmin = f32_of_f16(b.dmin);
  decode_six_bits(b.scales, out);
  take_nibbles(b.qs, out->q);
}

inline void decode(const block_q5_k& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  out->dmin = f32_of_f16(b.dmin);
  decode_six_bits(b.scales, out);
  take_nibbles(b.qs, out->q);
  add_high_bits(b.qh, 16, 0, out->q);
}

inline void decode(const block_q6_k& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = b.scales[j];
  int8_t high[HEARTH_SUPER_BLOCK];
  take_two_bits(b.qh, high);
  for (int k = 0; k < 8; ++k) {
    for (int l = 0; l < 32; ++l) {
      const int low = b.ql[k / 4 * 64 + k % 2 * 32 + l] >> k / 2 % 2 * 4 & 15;
      out->q[32 * k + l] = (int8_t)((low | high[32 * k + l] << 4) - 32);
    }
  }
}

inline void decode(const block_iq4_xs& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  for (int j = 0; j < kSubBlocks; ++j) {
    const int k = j / 2, low = b.scales_l[k / 2] >> k % 2 * 4 & 15, high = b.scales_h >> 2 * k & 3;
    out->scale[j] = (int16_t)((low | high << 4) - 32);
  }
  for (int i = 0; i < HEARTH_SUPER_BLOCK; ++i) {
    out->q[i] = kIq4Values[b.qs[i / 32 * 16 + i % 16] >> i / 16 % 2 * 4 & 15];
  }
}

// Bit 7 makes the number of set bits even.
inline uint8_t even_signs(uint32_t seven_bits) {
  const uint32_t bits = seven_bits & 127;
  return (uint8_t)(bits | (uint32_t)__builtin_parity(bits) << 7);
}

// `n` values of a codebook's entry, those negated whose sign is set.
inline void copy_signed(uint64_t entry, uint8_t signs, int n, int8_t* q) {
  for (int i = 0; i < n; ++i) {
    const int8_t value = (int8_t)(entry >> 8 * i);
    q[i] = signs >> i & 1 ? (int8_t)-value : value;
  }
}

inline uint32_t load_u32(const void* p) {
  uint32_t x;
  memcpy(&x, p, sizeof x);
  return x;
}

inline void decode(const block_iq2_xxs& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d) * 0.125f;
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 8; ++g) {  // groups of eight weights
    const uint8_t* part = (const uint8_t*)b.qs + g / 4 * 8;
    const uint32_t signs = load_u32(part + 4);
    out->scale[g / 2] = (int16_t)(2 * (signs >> 28) + 1);
    copy_signed(hearth_codebooks.iq2_xxs[part[g % 4]], even_signs(signs >> 7 * (g % 4)), 8, out->q + 8 * g);
  }
}

inline int16_t odd_scale(const uint8_t* nibbles, int j) {
  return (int16_t)(2 * (nibbles[j / 2] >> j % 2 * 4 & 15) + 1);
}

inline void decode(const block_iq2_xs& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d) * 0.125f;
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = odd_scale(b.scales, j);
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 8; ++g) {
    const uint16_t bits = b.qs[g];
    copy_signed(hearth_codebooks.iq2_xs[bits & 511], even_signs(bits >> 9), 8, out->q + 8 * g);
  }
}

inline void decode(const block_iq2_s& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d) * 0.125f;
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = odd_scale(b.scales, j);
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 8; ++g) {
    const int index = b.qs[g] | (b.qh[g / 4] >> g % 4 * 2 & 3) << 8;
    copy_signed(hearth_codebooks.iq2_s[index], b.signs[g], 8, out->q + 8 * g);
  }
}

inline void decode(const block_iq3_xxs& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d) * 0.25f;
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 8; ++g) {
    const uint32_t bits = load_u32(b.scales_signs + g / 4 * 4);
    const uint8_t signs = even_signs(bits >> 7 * (g % 4));
    out->scale[g / 2] = (int16_t)(2 * (bits >> 28) + 1);
    copy_signed(hearth_codebooks.iq3_xxs[b.qs[2 * g]], signs, 4, out->q + 8 * g);
    copy_signed(hearth_codebooks.iq3_xxs[b.qs[2 * g + 1]], (uint8_t)(signs >> 4), 4, out->q + 8 * g + 4);
  }
}

inline void decode(const block_iq3_s& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = odd_scale(b.scales, j / 2);
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 4; ++g) {  // groups of four weights
    const int index = b.qs[g] | (b.qh[g / 8] >> g % 8 & 1) << 8;
    copy_signed(hearth_codebooks.iq3_s[index], (uint8_t)(b.signs[g / 2] >> g % 2 * 4), 4, out->q + 4 * g);
  }
}

// Eight values of IQ1's codebook, raised or lowered by an eighth of its unit.
inline void copy_shifted(int index, int shift, int8_t* q) {
  const uint64_t entry = hearth_codebooks.iq1[index];
  for (int i = 0; i < 8; ++i) q[i] = (int8_t)((int8_t)(entry >> 8 * i) + shift);
}

inline void decode(const block_iq1_s& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d) * 0.125f;
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 8; ++g) {
    const int qh = b.qh[g / 4];
    out->scale[g / 2] = (int16_t)(2 * (qh >> 12 & 7) + 1);
    copy_shifted(b.qs[g] | (qh >> g % 4 * 3 & 7) << 8, qh & 0x8000 ? -1 : 1, out->q + 8 * g);
  }
}

inline void decode(const block_iq1_m& b, SuperBlock* out) {
  uint16_t parts[4];
  memcpy(parts, b.scales, sizeof parts);
  out->d =
      f32_of_f16((uint16_t)(parts[0] >> 12 | (parts[1] >> 12) << 4 | (parts[2] >> 12) << 8 | (parts[3] >> 12) << 12)) *
      0.125f;
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = (int16_t)(2 * (parts[j / 4] >> j % 4 * 3 & 7) + 1);
  for (int g = 0; g < HEARTH_SUPER_BLOCK / 8; ++g) {
    const int qh = b.qh[g / 2] >> g % 2 * 4;
    copy_shifted(b.qs[g] | (qh & 7) << 8, qh & 8 ? -1 : 1, out->q + 8 * g);
  }
}

// The digit of 3^(4 - n), less 1.
inline int8_t ternary_digit(uint8_t byte, int n) {
  constexpr uint8_t kPowers[] = {1, 3, 9, 27, 81};
  return (int8_t)(((uint8_t)(byte * kPowers[n]) * 3 >> 8) - 1);
}

inline void decode(const block_tq1_0& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = 1;
  for (int n = 0; n < 5; ++n) {
    for (int l = 0; l < 32; ++l) out->q[32 * n + l] = ternary_digit(b.qs[l], n);
    for (int l = 0; l < 16; ++l) out->q[160 + 16 * n + l] = ternary_digit(b.qs[32 + l], n);
  }
  for (int i = 0; i < 16; ++i) out->q[240 + i] = ternary_digit(b.qh[i % 4], i / 4);
}

inline void decode(const block_tq2_0& b, SuperBlock* out) {
  out->d = f32_of_f16(b.d);
  for (int j = 0; j < kSubBlocks; ++j) out->scale[j] = 1;
  take_two_bits(b.qs, out->q);
  for (int i = 0; i < HEARTH_SUPER_BLOCK; ++i) --out->q[i];
}

// Weights that share an integer scale: 32 or 16.
template <class B>
constexpr size_t kSubBlock = 16;
template <>
constexpr size_t kSubBlock<block_q4_k> = 32;
template <>
constexpr size_t kSubBlock<block_q5_k> = 32;
template <>
constexpr size_t kSubBlock<block_iq4_xs> = 32;
template <>
constexpr size_t kSubBlock<block_iq3_s> = 32;
template <>
constexpr size_t kSubBlock<block_iq3_xxs> = 32;
template <>
constexpr size_t kSubBlock<block_iq2_xxs> = 32;
template <>
constexpr size_t kSubBlock<block_iq1_s> = 32;
template <>
constexpr size_t kSubBlock<block_tq1_0> = 32;
template <>
constexpr size_t kSubBlock<block_tq2_0> = 32;

// The bias that makes every quant of the type an unsigned number, below twice as much, where that is less than 128.
template <class B>
constexpr int kRaise = 128;
template <>
constexpr int kRaise<block_q2_k> = 0;
template <>
constexpr int kRaise<block_q3_k> = 4;
template <>
constexpr int kRaise<block_q4_k> = 0;
template <>
constexpr int kRaise<block_q5_k> = 0;
template <>
constexpr int kRaise<block_q6_k> = 32;
template <>
constexpr int kRaise<block_iq3_s> = 16;
template <>
constexpr int kRaise<block_iq1_s> = 16;
template <>
constexpr int kRaise<block_iq1_m> = 16;
template <>
constexpr int kRaise<block_tq1_0> = 1;
template <>
constexpr int kRaise<block_tq2_0> = 1;

// The largest quant once raised: decides how many products a 16-bit sum has room for.
template <class B>
constexpr int kLargest = kRaise<B> == 0     ? 31
                         : kRaise<B> == 128 ? 255
                         : kRaise<B> == 1   ? 3
                                            : 2 * kRaise<B> - 1;
template <>
constexpr int kLargest<block_q4_k> = 15;

template <>
constexpr bool kHasMinimum<block_q2_k> = true;
template <>
constexpr bool kHasMinimum<block_q4_k> = true;
template <>
constexpr bool kHasMinimum<block_q5_k> = true;

// Super-block `i` of a row at any alignment. Minimums are set where the type has them.
template <class B>
inline void super_block_at(const void* row, size_t i, SuperBlock* out) {
  B b;
  memcpy(&b, (const char*)row + i * sizeof(B), sizeof b);
  decode(b, out);
}

}  // namespace
