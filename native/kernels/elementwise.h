// Kernels that work element by element, written once: the compiler vectorizes them for each set that includes them.
// In an anonymous namespace and free of C++ headers, like scalar.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/scalar.h"

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
}

}  // namespace
