// Sixteen float lanes in one AVX-512 register: the vocabulary that float_kernels.h is written in.
#pragma once

#include <immintrin.h>

#include "kernels/fold_x86.h"
#include "kernels/scalar.h"

namespace {

struct Lanes {
  __m512 v;
};

constexpr bool kManyRegisters = true;    // for some twenty Lanes at once
constexpr bool kConvertsSlowly = false;  // halves and bytes to floats

inline Lanes zeros() { return {_mm512_setzero_ps()}; }
inline Lanes splat(float x) { return {_mm512_set1_ps(x)}; }
inline Lanes load_f32(const void* p, size_t i) { return {_mm512_loadu_ps((const float*)p + i)}; }
inline Lanes load_f16(const void* p, size_t i) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)((const uint16_t*)p + i)))};
}
inline Lanes load_bf16(const void* p, size_t i) {
  const __m256i half = _mm256_loadu_si256((const __m256i*)((const uint16_t*)p + i));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
}
inline Lanes load_i8(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)))};
}
inline void store_f32(float* p, Lanes x) { _mm512_storeu_ps(p, x.v); }
inline void store_f16(uint16_t* p, Lanes x) {
  _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

inline Lanes add(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// Four factors, of which a product takes one: broadcast from memory, as is done anyway.
using Factors = const float*;
inline Factors load_factors(const float* p) { return p; }
HEARTH_INLINE Lanes fma(Factors f, size_t i, Lanes b, Lanes c) { return fma(splat(f[i]), b, c); }
inline Lanes div(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
// NaNs pass through clamp, and are passed over by larger in its first argument.
inline Lanes clamp(Lanes x, float low, float high) {
  return {_mm512_min_ps(_mm512_set1_ps(high), _mm512_max_ps(_mm512_set1_ps(low), x.v))};
}
inline Lanes larger(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
inline float largest(Lanes x) { return _mm512_reduce_max_ps(x.v); }
// x * 2^n, where n is in the low bits of `bits` and x and the result are normal numbers.
inline Lanes times_power_of_two(Lanes x, Lanes bits) {
  const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(bits.v), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x.v), n))};
}

// Four sums in canonical order.
HEARTH_INLINE __m128 fold4(Lanes a, Lanes b, Lanes c, Lanes d) {
  const auto halves = [](Lanes x) {
    return _mm256_add_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  };
  return fold4_halves(halves(a), halves(b), halves(c), halves(d));
}

inline float first(__m128 x) { return _mm_cvtss_f32(x); }
inline float first(Lanes x) { return _mm_cvtss_f32(_mm512_castps512_ps128(x.v)); }
inline void store4(float* p, __m128 x) { _mm_storeu_ps(p, x); }

// The largest magnitude among 32 values, as bits: a NaN is larger than all numbers.
inline uint32_t max_magnitude(Lanes a, Lanes b) {
  const __m512i mask = _mm512_set1_epi32(0x7fffffff);
  return _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(a.v), mask),
                                                  _mm512_and_si512(_mm512_castps_si512(b.v), mask)));
}

// Rounds 32 values to the nearest even integers, which are within -127..127; returns their sum.
inline int32_t round_to_i8(Lanes a, Lanes b, int8_t* q) {
  const __m512i low = _mm512_cvtps_epi32(a.v), high = _mm512_cvtps_epi32(b.v);
  _mm_storeu_si128((__m128i*)q, _mm512_cvtepi32_epi8(low));
  _mm_storeu_si128((__m128i*)(q + 16), _mm512_cvtepi32_epi8(high));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
}

}  // namespace
