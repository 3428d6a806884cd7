// Kernels that work element by element, written once: the compiler vectorizes them for each set that includes them.
// In an anonymous namespace and free of C++ headers, like scalar.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/super_blocks.h"

namespace {

void add(float* x, const float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] += y[i];
}

void mul(float* x, const float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] *= y[i];
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

void convolve(const float* const* rows, const float* filter, size_t taps, size_t n, float* y) {
  for (size_t c = 0; c < n; ++c) {
    float sum = 0.0f;
    for (size_t t = 0; t < taps; ++t) sum = __builtin_fmaf(filter[c * taps + t], rows[t][c], sum);
    y[c] = sum;
  }
}

// log(1 + u) for u in 0..1: 2 * atanh(u / (2 + u)) by its Taylor series; the next term is below 1e-8 of the sum.
inline float log1p_f32(float u) {
  const float z = u / (2.0f + u), z2 = z * z;
  float p = 1.0f / 15;
  for (int odd = 13; odd > 0; odd -= 2) p = __builtin_fmaf(p, z2, 1.0f / (float)odd);
  return 2.0f * z * p;
}

// A few values a token: not worth vectors.
void delta_decay(float* x, const float* dt, const float* a, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const float u = x[i] + dt[i];
    const float softplus = (u > 0.0f ? u : 0.0f) + log1p_f32(exp_f32(u > 0.0f ? -u : u));
    x[i] = exp_f32(a[i] * softplus);
  }
}

void merge_attended(HearthAttendRow* row, const HearthAttendRow* part, size_t head_dim) {
  if (part->sum == 0.0f) return;
  if (row->sum == 0.0f) {
    memcpy(row->acc, part->acc, head_dim * sizeof *row->acc);
    row->max = part->max;
    row->sum = part->sum;
    return;
  }
  const float max = row->max > part->max ? row->max : part->max;
  const float keep = exp_f32(row->max - max), take = exp_f32(part->max - max);
  for (size_t i = 0; i < head_dim; ++i) row->acc[i] = __builtin_fmaf(row->acc[i], keep, part->acc[i] * take);
  row->sum = __builtin_fmaf(row->sum, keep, part->sum * take);
  row->max = max;
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
  t->mul = mul;
  t->scale = scale;
  t->convolve = convolve;
  t->delta_decay = delta_decay;
  t->rope_interleaved = rope_interleaved;
  t->rope_halves = rope_halves;
  t->merge_attended = merge_attended;
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
