// The kernels on floats, written once over the sixteen lanes of lanes_*.h, which an instruction set's file includes
// first. Each computes what ref.cc does, in the same order.
#pragma once

#include "kernels/elementwise.h"
#include "kernels/matmul_super_plain.h"

namespace {

constexpr size_t kLanes = 16;

struct F32 {
  static constexpr size_t kBytes = 4;
  static Lanes load(const void* p, size_t i) { return load_f32(p, i); }
};
struct F16 {
  static constexpr size_t kBytes = 2;
  static Lanes load(const void* p, size_t i) { return load_f16(p, i); }
};
struct BF16 {
  static constexpr size_t kBytes = 2;
  static Lanes load(const void* p, size_t i) { return load_bf16(p, i); }
};

// The last `count` < 16 elements from `i` on, padded with zeros.
template <class T>
inline Lanes load_tail(const void* p, size_t i, size_t count) {
  char padded[kLanes * T::kBytes] = {};
  memcpy(padded, (const char*)p + i * T::kBytes, count * T::kBytes);
  return T::load(padded, 0);
}

inline float fold(Lanes a) { return first(fold4(a, a, a, a)); }

template <class A, class B>
inline float dot(const void* a, const void* b, size_t n) {
  Lanes acc = zeros();
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) acc = fma(A::load(a, i), B::load(b, i), acc);
  if (i < n) acc = fma(load_tail<A>(a, i, n - i), load_tail<B>(b, i, n - i), acc);
  return fold(acc);
}

// Four vectors of a kind.
struct Four {
  const void *r0, *r1, *r2, *r3;
};

// Vectors from p on, `stride` bytes apart.
inline Four four_from(const void* p, size_t stride) {
  const char* r = (const char*)p;
  return {r, r + stride, r + 2 * stride, r + 3 * stride};
}

// out[r] = dot(a.r, b)
template <class A, class B>
inline void dot4(const Four& a, const void* b, size_t n, float out[4]) {
  Lanes acc0 = zeros(), acc1 = zeros(), acc2 = zeros(), acc3 = zeros();
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Lanes shared = B::load(b, i);
    acc0 = fma(A::load(a.r0, i), shared, acc0);
    acc1 = fma(A::load(a.r1, i), shared, acc1);
    acc2 = fma(A::load(a.r2, i), shared, acc2);
    acc3 = fma(A::load(a.r3, i), shared, acc3);
  }
  if (i < n) {
    const Lanes shared = load_tail<B>(b, i, n - i);
    acc0 = fma(load_tail<A>(a.r0, i, n - i), shared, acc0);
    acc1 = fma(load_tail<A>(a.r1, i, n - i), shared, acc1);
    acc2 = fma(load_tail<A>(a.r2, i, n - i), shared, acc2);
    acc3 = fma(load_tail<A>(a.r3, i, n - i), shared, acc3);
  }
  store4(out, fold4(acc0, acc1, acc2, acc3));
}

template <class W>
void matmul_float(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                  HearthReading) {
  const char* first_row = (const char*)w;
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    for (size_t c = 0; c < x->cols; ++c) {
      dot4<W, F32>(four_from(first_row + r * row_bytes, row_bytes), x->f32 + c * x->n, x->n, y + c * y_stride + r);
    }
  }
  for (; r < rows; ++r) {
    for (size_t c = 0; c < x->cols; ++c) {
      y[c * y_stride + r] = dot<W, F32>(first_row + r * row_bytes, x->f32 + c * x->n, x->n);
    }
  }
}

void quantize_q8(const float* x, size_t n, int8_t* q, float* d, int32_t* sum) {
  for (size_t i = 0; i < n / HEARTH_BLOCK; ++i, x += HEARTH_BLOCK, q += HEARTH_BLOCK) {
    const Lanes low = load_f32(x, 0), high = load_f32(x, kLanes);
    const uint32_t max_bits = max_magnitude(low, high);
    const float max = float_of(max_bits);
    d[i] = max < kQuantizeTiny ? 0.0f : max / 127.0f;
    if (max < kQuantizeTiny || max_bits >= 0x7f800000) {
      memset(q, 0, HEARTH_BLOCK);
      sum[i] = 0;
    } else {
      const Lanes scale = splat(127.0f / max);
      sum[i] = round_to_i8(mul(low, scale), mul(high, scale), q);
    }
  }
}

void quantize_q8_super(const float* x, size_t n, int8_t* q, float* d, int16_t* sum) {
  for (size_t i = 0; i < n; i += HEARTH_SUPER_BLOCK) {
    uint32_t max_bits = 0;
    for (size_t j = i; j < i + HEARTH_SUPER_BLOCK; j += HEARTH_BLOCK) {
      const uint32_t part = max_magnitude(load_f32(x, j), load_f32(x, j + kLanes));
      max_bits = part > max_bits ? part : max_bits;
    }
    const float max = float_of(max_bits);
    d[i / HEARTH_SUPER_BLOCK] = max < kQuantizeTiny ? 0.0f : max / 127.0f;
    if (max < kQuantizeTiny || max_bits >= 0x7f800000) {
      memset(q + i, 0, HEARTH_SUPER_BLOCK);
      continue;
    }
    const Lanes scale = splat(127.0f / max);
    for (size_t j = i; j < i + HEARTH_SUPER_BLOCK; j += HEARTH_BLOCK) {
      round_to_i8(mul(load_f32(x, j), scale), mul(load_f32(x, j + kLanes), scale), q + j);
    }
  }
  for (size_t i = 0; i < n / 16; ++i) {
    int group = 0;
    for (size_t j = 0; j < 16; ++j) group += q[16 * i + j];
    sum[i] = (int16_t)group;
  }
}

void rms_norm(const float* x, const float* w, size_t n, float eps, float* y) {
  const float scale = 1.0f / __builtin_sqrtf(dot<F32, F32>(x, x, n) / (float)n + eps);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * scale * w[i];
}

void f32_to_f16(const float* x, size_t n, uint16_t* y) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_f16(y + i, load_f32(x, i));
  if (i < n) {
    uint16_t padded[kLanes];
    store_f16(padded, load_tail<F32>(x, i, n - i));
    memcpy(y + i, padded, (n - i) * sizeof *y);
  }
}

}  // namespace
