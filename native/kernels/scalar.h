// Scalar pieces that every kernel set shares: half-precision conversion, the exponential, and the decoding of one
// block. In an anonymous namespace and free of C++ headers: each file compiles its own copy for its own instruction
// set.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/blocks.h"
#include "kernels/codebooks.h"

// For the parts of inner loops: a call there would force all registers to memory.
#define HEARTH_INLINE inline __attribute__((always_inline))

namespace {

constexpr size_t kCacheLine = 64;  // bytes, also on ARM's boards

// Brings `bytes` from p on into the L1 cache. Addresses that are not mapped do no harm.
HEARTH_INLINE void fetch_lines(const uint8_t* p, size_t bytes) {
  for (size_t line = 0; line < bytes; line += kCacheLine) __builtin_prefetch(p + line);
}

inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

inline uint16_t load_u16(const void* p) {
  uint16_t x;
  memcpy(&x, p, sizeof x);
  return x;
}

inline float load_f32(const void* p) {
  float x;
  memcpy(&x, p, sizeof x);
  return x;
}

// Exact. A signalling NaN becomes quiet, as the conversion instructions of x86 and ARM do.
inline float f32_of_f16(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 1023;
  if (exponent == 31) return float_of(sign | 0x7f800000 | (mantissa ? 0x400000 | mantissa << 13 : 0));
  if (exponent == 0) {
    const float magnitude = (float)mantissa * 0x1p-24f;  // zero or subnormal
    return sign ? -magnitude : magnitude;
  }
  return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

// Round to nearest even; too large becomes infinity.
inline uint16_t f16_of_f32(float x) {
  const uint32_t sign = bits_of(x) >> 16 & 0x8000, magnitude = bits_of(x) & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x47800000) return (uint16_t)(sign | 0x7c00);    // 2^16 and above
  if (magnitude < 0x38800000) {                                     // below 2^-14: a multiple of 2^-24
    const float rounded = float_of(magnitude) * 0x1p24f + 0x1p23f;  // the sum has no bits below the unit
    return (uint16_t)(sign | (bits_of(rounded) & 0x7ff));
  }
  const uint32_t to_even = magnitude >> 13 & 1;
  return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + to_even) >> 13);
}

inline float f32_of_bf16(uint16_t x) { return float_of((uint32_t)x << 16); }

// exp(x) for x limited to [-87, 88]: 2^n * e^r with n = round(x / ln 2), |r| <= ln(2) / 2, and the Taylor series to r^7
// (the next term is below 6e-9). Each set evaluates it with these constants and the same steps.
constexpr float kExpMin = -87.0f, kExpMax = 88.0f;  // within, 2^n and the result are normal numbers
constexpr float kLog2E = 0x1.715476p+0f;
constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;  // ln 2 in two parts: n * kLn2High is exact
constexpr float kExpRound = 0x1.8p23f;  // adding it leaves n in the low bits of the mantissa
constexpr float kExpTaylor[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2, 1.0f, 1.0f};

inline float exp_f32(float x) {
  x = x < kExpMin ? kExpMin : x > kExpMax ? kExpMax : x;
  const float shifted = __builtin_fmaf(x, kLog2E, kExpRound);
  const float n = shifted - kExpRound;
  const float r = __builtin_fmaf(n, -kLn2Low, __builtin_fmaf(n, -kLn2High, x));
  float p = kExpTaylor[0];
  for (int i = 1; i < 8; ++i) p = __builtin_fmaf(p, r, kExpTaylor[i]);
  return float_of(bits_of(p) + (bits_of(shifted) << 23));
}

// gelu's 2 sqrt(2 / pi) and that times 0.044715.
constexpr float kGeluLinear = 1.5957691216f, kGeluCubic = 0.0713548163f;

// Below this, 127 / max|x| is infinite: such activations count as zeros.
constexpr float kQuantizeTiny = 0x1p-120f;

// A block decoded: weight i is d * q[i] + m.
struct Block {
  float d, m;
  int q[HEARTH_BLOCK];
};

inline Block decode(const block_q4_0& b) {
  Block out = {f32_of_f16(b.d), 0.0f, {}};
  for (int i = 0; i < 16; ++i) out.q[i] = (b.qs[i] & 15) - 8, out.q[i + 16] = (b.qs[i] >> 4) - 8;
  return out;
}

inline Block decode(const block_q4_1& b) {
  Block out = {f32_of_f16(b.d), f32_of_f16(b.m), {}};
  for (int i = 0; i < 16; ++i) out.q[i] = b.qs[i] & 15, out.q[i + 16] = b.qs[i] >> 4;
  return out;
}

inline int fifth_bit(const uint8_t qh[4], int i) { return (qh[i / 8] >> (i % 8) & 1) * 16; }

inline Block decode(const block_q5_0& b) {
  Block out = {f32_of_f16(b.d), 0.0f, {}};
  for (int i = 0; i < 16; ++i) {
    out.q[i] = ((b.qs[i] & 15) | fifth_bit(b.qh, i)) - 16;
    out.q[i + 16] = ((b.qs[i] >> 4) | fifth_bit(b.qh, i + 16)) - 16;
  }
  return out;
}

inline Block decode(const block_q5_1& b) {
  Block out = {f32_of_f16(b.d), f32_of_f16(b.m), {}};
  for (int i = 0; i < 16; ++i) {
    out.q[i] = (b.qs[i] & 15) | fifth_bit(b.qh, i);
    out.q[i + 16] = (b.qs[i] >> 4) | fifth_bit(b.qh, i + 16);
  }
  return out;
}

inline Block decode(const block_q8_0& b) {
  Block out = {f32_of_f16(b.d), 0.0f, {}};
  for (int i = 0; i < HEARTH_BLOCK; ++i) out.q[i] = b.qs[i];
  return out;
}

inline Block decode(const block_iq4_nl& b) {
  Block out = {f32_of_f16(b.d), 0.0f, {}};
  for (int i = 0; i < 16; ++i) out.q[i] = kIq4Values[b.qs[i] & 15], out.q[i + 16] = kIq4Values[b.qs[i] >> 4];
  return out;
}

// 2^(e - 128): half of what the exponent says, for values that are doubled.
inline float half_of_e8m0(uint8_t e) { return float_of(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23); }

inline Block decode(const block_mxfp4& b) {
  Block out = {half_of_e8m0(b.e), 0.0f, {}};
  for (int i = 0; i < 16; ++i) out.q[i] = kMxfp4Values[b.qs[i] & 15], out.q[i + 16] = kMxfp4Values[b.qs[i] >> 4];
  return out;
}

template <class B>
constexpr bool kHasMinimum = false;
template <>
constexpr bool kHasMinimum<block_q4_1> = true;
template <>
constexpr bool kHasMinimum<block_q5_1> = true;

// Block `i` of a row at any alignment.
template <class B>
inline Block block_at(const void* row, size_t i) {
  B b;
  memcpy(&b, (const char*)row + i * sizeof(B), sizeof b);
  return decode(b);
}

}  // namespace
