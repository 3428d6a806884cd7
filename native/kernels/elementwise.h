// Kernels that work element by element, written once: the compiler vectorizes them for each set that includes them.
// In an anonymous namespace and free of C++ headers, like scalar.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/super_blocks.h"

namespace {

void add(float* x, const float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] += y[i];
}

void scale(float* x, float factor, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] *= factor;
}

void rotate(float* a, float* b, float cos, float sin) {
  const float a0 = *a, b0 = *b;
  *a = __builtin_fmaf(a0, cos, -(b0 * sin));
  *b = __builtin_fmaf(b0, cos, a0 * sin);
}

void rope_interleaved(float* x, const float* cos, const float* sin, size_t n_dims) {
  for (size_t i = 0; i < n_dims / 2; ++i) rotate(&x[2 * i], &x[2 * i + 1], cos[i], sin[i]);
}

void rope_halves(float* x, const float* cos, const float* sin, size_t n_dims) {
  for (size_t i = 0; i < n_dims / 2; ++i) rotate(&x[i], &x[i + n_dims / 2], cos[i], sin[i]);
}

// Dequantization serves embedding look-ups, one row a token: the compiler's code is fast enough, so it is written once.
template <class B>
void dequantize(const void* w, size_t n, float* y) {
  for (size_t i = 0; i < n / HEARTH_BLOCK; ++i) {
    const Block b = block_at<B>(w, i);
    for (int j = 0; j < HEARTH_BLOCK; ++j) {
      const float q = (float)b.q[j];
      y[i * HEARTH_BLOCK + j] = kHasMinimum<B> ? __builtin_fmaf(b.d, q, b.m) : b.d * q;
    }
  }
}

template <class B>
void dequantize_super(const void* w, size_t n, float* y) {
  for (size_t i = 0; i < n / HEARTH_SUPER_BLOCK; ++i, y += HEARTH_SUPER_BLOCK) {
    SuperBlock b;
    super_block_at<B>(w, i, &b);
    for (int j = 0; j < HEARTH_SUPER_BLOCK; ++j) {
      const float q = (float)(b.scale[j / 16] * b.q[j]);
      y[j] = kHasMinimum<B> ? __builtin_fmaf(b.d, q, -(b.dmin * (float)b.min[j / 16])) : b.d * q;
    }
  }
}

inline void dequantize_f32(const void* w, size_t n, float* y) { memcpy(y, w, n * sizeof(float)); }
inline void dequantize_f16(const void* w, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] = f32_of_f16(load_u16((const char*)w + 2 * i));
}
inline void dequantize_bf16(const void* w, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] = f32_of_bf16(load_u16((const char*)w + 2 * i));
}

constexpr void set_elementwise(HearthKernels* t) {
  t->add = add;
  t->scale = scale;
  t->rope_interleaved = rope_interleaved;
  t->rope_halves = rope_halves;
  t->dequantize[HEARTH_TYPE_F32] = dequantize_f32;
  t->dequantize[HEARTH_TYPE_F16] = dequantize_f16;
  t->dequantize[HEARTH_TYPE_BF16] = dequantize_bf16;
  t->dequantize[HEARTH_TYPE_Q4_0] = dequantize<block_q4_0>;
  t->dequantize[HEARTH_TYPE_Q4_1] = dequantize<block_q4_1>;
  t->dequantize[HEARTH_TYPE_Q5_0] = dequantize<block_q5_0>;
  t->dequantize[HEARTH_TYPE_Q5_1] = dequantize<block_q5_1>;
  t->dequantize[HEARTH_TYPE_Q8_0] = dequantize<block_q8_0>;
  t->dequantize[HEARTH_TYPE_IQ4_NL] = dequantize<block_iq4_nl>;
  t->dequantize[HEARTH_TYPE_MXFP4] = dequantize<block_mxfp4>;
  t->dequantize[HEARTH_TYPE_Q2_K] = dequantize_super<block_q2_k>;
  t->dequantize[HEARTH_TYPE_Q3_K] = dequantize_super<block_q3_k>;
  t->dequantize[HEARTH_TYPE_Q4_K] = dequantize_super<block_q4_k>;
  t->dequantize[HEARTH_TYPE_Q5_K] = dequantize_super<block_q5_k>;
  t->dequantize[HEARTH_TYPE_Q6_K] = dequantize_super<block_q6_k>;
  t->dequantize[HEARTH_TYPE_IQ1_S] = dequantize_super<block_iq1_s>;
  t->dequantize[HEARTH_TYPE_IQ1_M] = dequantize_super<block_iq1_m>;
  t->dequantize[HEARTH_TYPE_IQ2_XXS] = dequantize_super<block_iq2_xxs>;
  t->dequantize[HEARTH_TYPE_IQ2_XS] = dequantize_super<block_iq2_xs>;
  t->dequantize[HEARTH_TYPE_IQ2_S] = dequantize_super<block_iq2_s>;
  t->dequantize[HEARTH_TYPE_IQ3_XXS] = dequantize_super<block_iq3_xxs>;
  t->dequantize[HEARTH_TYPE_IQ3_S] = dequantize_super<block_iq3_s>;
  t->dequantize[HEARTH_TYPE_IQ4_XS] = dequantize_super<block_iq4_xs>;
  t->dequantize[HEARTH_TYPE_TQ1_0] = dequantize_super<block_tq1_0>;
  t->dequantize[HEARTH_TYPE_TQ2_0] = dequantize_super<block_tq2_0>;
}

}  // namespace
