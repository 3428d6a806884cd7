// Integer sums with the dot product instructions, for neon_dotprod.cc and neon_i8mm.cc; what matmul_blocks_neon.h and
// matmul_super_neon.h are written over.
#pragma once

#include "kernels/lanes_neon.h"
#include "kernels/rows_neon.h"
#include "kernels/super_blocks.h"

namespace {

struct DotProduct {
  static HEARTH_INLINE int32x4_t add(int32x4_t acc, Quants w, int8x16_t x_lo, int8x16_t x_hi) {
    return vdotq_s32(vdotq_s32(acc, w.lo, x_lo), w.hi, x_hi);
  }
};

template <class B, int kRows>
using Sums = RunningSums<B, kRows, DotProduct>;

// 16-bit scales widened, since mla takes 32-bit numbers from one lane.
template <size_t kSub>
struct SuperScales {
  int32x4_t four[kSub == 32 ? 2 : 4];

  HEARTH_INLINE explicit SuperScales(const int16x8_t scales[2]) {
    for (size_t i = 0; i < (kSub == 32 ? 1 : 2); ++i) {
      four[2 * i] = vmovl_s16(vget_low_s16(scales[i]));
      four[2 * i + 1] = vmovl_high_s16(scales[i]);
    }
  }
  template <size_t j>
  HEARTH_INLINE int32x4_t add(int32x4_t acc, int8x16_t w, int8x16_t x) const {
    return vmlaq_laneq_s32(acc, vdotq_s32(vdupq_n_s32(0), w, x), four[j / 4], j % 4);
  }
  template <class B, size_t j>
  HEARTH_INLINE int32x4_t add(int32x4_t acc, int8x16_t w0, int8x16_t w1, int8x16_t x0, int8x16_t x1) const {
    return vmlaq_laneq_s32(acc, vdotq_s32(vdotq_s32(vdupq_n_s32(0), w0, x0), w1, x1), four[j / 4], j % 4);
  }
};

alignas(64) const int32_t kZeros[16] = {};

}  // namespace
