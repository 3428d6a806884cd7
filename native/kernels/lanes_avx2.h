// Sixteen float lanes in two AVX registers: the vocabulary that float_kernels.h is written in.
#pragma once

#include <immintrin.h>

#include "kernels/fold_x86.h"
#include "kernels/scalar.h"

namespace {

struct Lanes {
  __m256 lo, hi;
};

constexpr bool kManyRegisters = false;   // for some twenty Lanes at once
constexpr bool kConvertsSlowly = false;  // halves and bytes to floats

inline Lanes zeros() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline Lanes splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Lanes load_f32(const void* p, size_t i) {
  const float* x = (const float*)p + i;
  return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)};
}
inline Lanes load_f16(const void* p, size_t i) {
  const __m128i* x = (const __m128i*)((const uint16_t*)p + i);
  return {_mm256_cvtph_ps(_mm_loadu_si128(x)), _mm256_cvtph_ps(_mm_loadu_si128(x + 1))};
}
inline __m256 f32_of_bf16x8(const __m128i* x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(x)), 16));
}
inline Lanes load_bf16(const void* p, size_t i) {
  const __m128i* x = (const __m128i*)((const uint16_t*)p + i);
  return {f32_of_bf16x8(x), f32_of_bf16x8(x + 1)};
}
inline Lanes load_i8(const int8_t* p) {
  const auto eight = [](const int8_t* x) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)x)));
  };
  return {eight(p), eight(p + 8)};
}
inline void store_f32(float* p, Lanes x) {
  _mm256_storeu_ps(p, x.lo);
  _mm256_storeu_ps(p + 8, x.hi);
}
inline void store_f16(uint16_t* p, Lanes x) {
  _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(x.lo, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128((__m128i*)(p + 8), _mm256_cvtps_ph(x.hi, _MM_FROUND_TO_NEAREST_INT));
}

inline Lanes add(Lanes a, Lanes b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
// Four factors, of which a product takes one: broadcast from memory, as is done anyway.
using Factors = const float*;
inline Factors load_factors(const float* p) { return p; }
HEARTH_INLINE Lanes fma(Factors f, size_t i, Lanes b, Lanes c) { return fma(splat(f[i]), b, c); }
inline Lanes div(Lanes a, Lanes b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
// NaNs pass through clamp, and are passed over by larger in its first argument.
inline Lanes clamp(Lanes x, float low, float high) {
  const __m256 l = _mm256_set1_ps(low), h = _mm256_set1_ps(high);
  return {_mm256_min_ps(h, _mm256_max_ps(l, x.lo)), _mm256_min_ps(h, _mm256_max_ps(l, x.hi))};
}
inline Lanes larger(Lanes a, Lanes b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline float largest(Lanes x) {
  const __m256 m8 = _mm256_max_ps(x.lo, x.hi);
  const __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
  const __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
  return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
}
// x * 2^n, where n is in the low bits of `bits` and x and the result are normal numbers.
inline Lanes times_power_of_two(Lanes x, Lanes bits) {
  const auto scale = [](__m256 a, __m256 b) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_slli_epi32(_mm256_castps_si256(b), 23)));
  };
  return {scale(x.lo, bits.lo), scale(x.hi, bits.hi)};
}

// Four sums in canonical order.
HEARTH_INLINE __m128 fold4(Lanes a, Lanes b, Lanes c, Lanes d) {
  const auto halves = [](Lanes x) { return _mm256_add_ps(x.lo, x.hi); };
  return fold4_halves(halves(a), halves(b), halves(c), halves(d));
}

inline float first(__m128 x) { return _mm_cvtss_f32(x); }
inline float first(Lanes x) { return _mm256_cvtss_f32(x.lo); }
inline void store4(float* p, __m128 x) { _mm_storeu_ps(p, x); }

// The largest magnitude among 32 values, as bits: a NaN is larger than all numbers.
inline uint32_t max_magnitude(Lanes a, Lanes b) {
  const __m256i mask = _mm256_set1_epi32(0x7fffffff);
  const auto larger = [mask](__m256 x, __m256 y) {
    return _mm256_max_epu32(_mm256_and_si256(_mm256_castps_si256(x), mask),
                            _mm256_and_si256(_mm256_castps_si256(y), mask));
  };
  const __m256i m8 = _mm256_max_epu32(larger(a.lo, a.hi), larger(b.lo, b.hi));
  const __m128i m4 = _mm_max_epu32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
  const __m128i m2 = _mm_max_epu32(m4, _mm_shuffle_epi32(m4, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(m2, _mm_shuffle_epi32(m2, 0xb1)));
}

// Rounds 32 values to the nearest even integers, which are within -127..127; returns their sum.
inline int32_t round_to_i8(Lanes a, Lanes b, int8_t* q) {
  const __m256i i0 = _mm256_cvtps_epi32(a.lo), i1 = _mm256_cvtps_epi32(a.hi);
  const __m256i i2 = _mm256_cvtps_epi32(b.lo), i3 = _mm256_cvtps_epi32(b.hi);
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(i0, i1), _mm256_packs_epi32(i2, i3));
  const __m256i in_order = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256((__m256i*)q, in_order);
  const __m256i sum8 = _mm256_add_epi32(_mm256_add_epi32(i0, i1), _mm256_add_epi32(i2, i3));
  const __m128i sum4 = _mm_add_epi32(_mm256_castsi256_si128(sum8), _mm256_extracti128_si256(sum8, 1));
  const __m128i sum2 = _mm_add_epi32(sum4, _mm_shuffle_epi32(sum4, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum2, _mm_shuffle_epi32(sum2, 0xb1)));
}

}  // namespace
