// Sixteen float lanes in four NEON registers: the vocabulary that float_kernels.h is written in. ARMv8.0 suffices.
#pragma once

#include <arm_neon.h>

#include "kernels/scalar.h"

namespace {

struct Lanes {
  float32x4_t v[4];
};

constexpr bool kManyRegisters = false;  // for some twenty Lanes at once
constexpr bool kConvertsSlowly = true;  // halves and bytes to floats: it takes instructions of its own

inline Lanes zeros() { return {{vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}}; }
inline Lanes splat(float x) { return {{vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x)}}; }
inline Lanes load_f32(const void* p, size_t i) {
  const float* x = (const float*)p + i;
  return {{vld1q_f32(x), vld1q_f32(x + 4), vld1q_f32(x + 8), vld1q_f32(x + 12)}};
}
inline Lanes load_f16(const void* p, size_t i) {
  const uint16_t* x = (const uint16_t*)p + i;
  const float16x8_t a = vreinterpretq_f16_u16(vld1q_u16(x)), b = vreinterpretq_f16_u16(vld1q_u16(x + 8));
  return {{vcvt_f32_f16(vget_low_f16(a)), vcvt_high_f32_f16(a), vcvt_f32_f16(vget_low_f16(b)), vcvt_high_f32_f16(b)}};
}
inline Lanes load_bf16(const void* p, size_t i) {
  const uint16_t* x = (const uint16_t*)p + i;
  const uint16x8_t a = vld1q_u16(x), b = vld1q_u16(x + 8);
  return {{vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(a), 16)), vreinterpretq_f32_u32(vshll_high_n_u16(a, 16)),
           vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(b), 16)), vreinterpretq_f32_u32(vshll_high_n_u16(b, 16))}};
}
inline Lanes load_i8(const int8_t* p) {
  const int8x16_t x = vld1q_s8(p);
  const int16x8_t a = vmovl_s8(vget_low_s8(x)), b = vmovl_high_s8(x);
  return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(a))), vcvtq_f32_s32(vmovl_high_s16(a)),
           vcvtq_f32_s32(vmovl_s16(vget_low_s16(b))), vcvtq_f32_s32(vmovl_high_s16(b))}};
}
inline void store_f32(float* p, Lanes x) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
inline void store_f16(uint16_t* p, Lanes x) {
  for (int i = 0; i < 2; ++i) {
    const float16x8_t half = vcvt_high_f16_f32(vcvt_f16_f32(x.v[2 * i]), x.v[2 * i + 1]);
    vst1q_u16(p + 8 * i, vreinterpretq_u16_f16(half));
  }
}

inline Lanes add(Lanes a, Lanes b) {
  return {{vaddq_f32(a.v[0], b.v[0]), vaddq_f32(a.v[1], b.v[1]), vaddq_f32(a.v[2], b.v[2]), vaddq_f32(a.v[3], b.v[3])}};
}
inline Lanes mul(Lanes a, Lanes b) {
  return {{vmulq_f32(a.v[0], b.v[0]), vmulq_f32(a.v[1], b.v[1]), vmulq_f32(a.v[2], b.v[2]), vmulq_f32(a.v[3], b.v[3])}};
}
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {{vfmaq_f32(c.v[0], a.v[0], b.v[0]), vfmaq_f32(c.v[1], a.v[1], b.v[1]), vfmaq_f32(c.v[2], a.v[2], b.v[2]),
           vfmaq_f32(c.v[3], a.v[3], b.v[3])}};
}
// Four factors, of which a product takes one.
using Factors = float32x4_t;
inline Factors load_factors(const float* p) { return vld1q_f32(p); }
HEARTH_INLINE Lanes fma(Factors f, size_t i, Lanes b, Lanes c) {
  return {{vfmaq_n_f32(c.v[0], b.v[0], f[i]), vfmaq_n_f32(c.v[1], b.v[1], f[i]), vfmaq_n_f32(c.v[2], b.v[2], f[i]),
           vfmaq_n_f32(c.v[3], b.v[3], f[i])}};
}
inline Lanes div(Lanes a, Lanes b) {
  return {{vdivq_f32(a.v[0], b.v[0]), vdivq_f32(a.v[1], b.v[1]), vdivq_f32(a.v[2], b.v[2]), vdivq_f32(a.v[3], b.v[3])}};
}
// NaNs pass through clamp, and are passed over by larger.
inline Lanes clamp(Lanes x, float low, float high) {
  const float32x4_t l = vdupq_n_f32(low), h = vdupq_n_f32(high);
  const auto one = [l, h](float32x4_t v) { return vminq_f32(vmaxq_f32(v, l), h); };
  return {{one(x.v[0]), one(x.v[1]), one(x.v[2]), one(x.v[3])}};
}
inline Lanes larger(Lanes a, Lanes b) {
  return {{vmaxnmq_f32(a.v[0], b.v[0]), vmaxnmq_f32(a.v[1], b.v[1]), vmaxnmq_f32(a.v[2], b.v[2]),
           vmaxnmq_f32(a.v[3], b.v[3])}};
}
inline float largest(Lanes x) {
  return vmaxnmvq_f32(vmaxnmq_f32(vmaxnmq_f32(x.v[0], x.v[1]), vmaxnmq_f32(x.v[2], x.v[3])));
}
// x * 2^n, where n is in the low bits of `bits` and x and the result are normal numbers.
inline Lanes times_power_of_two(Lanes x, Lanes bits) {
  const auto scale = [](float32x4_t a, float32x4_t b) {
    const uint32x4_t n = vshlq_n_u32(vreinterpretq_u32_f32(b), 23);
    return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(a), n));
  };
  return {{scale(x.v[0], bits.v[0]), scale(x.v[1], bits.v[1]), scale(x.v[2], bits.v[2]), scale(x.v[3], bits.v[3])}};
}

// Four sums in canonical order.
HEARTH_INLINE float32x4_t fold4(Lanes a, Lanes b, Lanes c, Lanes d) {
  const auto quarter = [](Lanes x) { return vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3])); };
  const auto pairs = [](float32x4_t x, float32x4_t y) {
    const float64x2_t p = vreinterpretq_f64_f32(x), q = vreinterpretq_f64_f32(y);
    return vaddq_f32(vreinterpretq_f32_f64(vzip1q_f64(p, q)), vreinterpretq_f32_f64(vzip2q_f64(p, q)));
  };
  return vpaddq_f32(pairs(quarter(a), quarter(b)), pairs(quarter(c), quarter(d)));
}

inline float first(float32x4_t x) { return vgetq_lane_f32(x, 0); }
inline float first(Lanes x) { return first(x.v[0]); }
inline void store4(float* p, float32x4_t x) { vst1q_f32(p, x); }

// The largest magnitude among 32 values, as bits: a NaN is larger than all numbers.
inline uint32_t max_magnitude(Lanes a, Lanes b) {
  const uint32x4_t mask = vdupq_n_u32(0x7fffffff);
  uint32x4_t max = vdupq_n_u32(0);
  for (int i = 0; i < 4; ++i) {
    max = vmaxq_u32(max, vandq_u32(vreinterpretq_u32_f32(a.v[i]), mask));
    max = vmaxq_u32(max, vandq_u32(vreinterpretq_u32_f32(b.v[i]), mask));
  }
  return vmaxvq_u32(max);
}

// Rounds 32 values to the nearest even integers, which are within -127..127; returns their sum.
inline int32_t round_to_i8(Lanes a, Lanes b, int8_t* q) {
  const auto narrow = [](Lanes x) {
    int32x4_t i[4];
    for (int j = 0; j < 4; ++j) i[j] = vcvtnq_s32_f32(x.v[j]);
    const int16x8_t lo = vmovn_high_s32(vmovn_s32(i[0]), i[1]), hi = vmovn_high_s32(vmovn_s32(i[2]), i[3]);
    return vmovn_high_s16(vmovn_s16(lo), hi);
  };
  const int8x16_t low = narrow(a), high = narrow(b);
  vst1q_s8(q, low);
  vst1q_s8(q + 16, high);
  return vaddvq_s16(vpadalq_s8(vpaddlq_s8(low), high));  // 32 * 127 fits 16 bits
}

}  // namespace
