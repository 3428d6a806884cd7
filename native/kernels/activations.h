// Activation functions, written once over the sixteen lanes of lanes_*.h. Each computes what ref.cc does, in the same
// order.
#pragma once

#include "kernels/float_kernels.h"

namespace {

// The exponential of scalar.h.
inline Lanes exp_f32(Lanes x) {
  x = clamp(x, kExpMin, kExpMax);
  const Lanes shifted = fma(x, splat(kLog2E), splat(kExpRound));
  const Lanes n = add(shifted, splat(-kExpRound));
  const Lanes r = fma(n, splat(-kLn2Low), fma(n, splat(-kLn2High), x));
  Lanes p = splat(kExpTaylor[0]);
  for (int i = 1; i < 8; ++i) p = fma(p, r, splat(kExpTaylor[i]));
  return times_power_of_two(p, shifted);
}

// x / (1 + exp(-u))
inline Lanes gated(Lanes x, Lanes u) { return div(x, add(splat(1.0f), exp_f32(mul(u, splat(-1.0f))))); }

inline Lanes gelu(Lanes x) { return gated(x, mul(x, fma(mul(x, x), splat(kGeluCubic), splat(kGeluLinear)))); }

inline Lanes softcap(Lanes x, float cap) {
  const Lanes divisor = add(splat(1.0f), exp_f32(mul(x, splat(2.0f / cap))));
  return mul(add(splat(1.0f), div(splat(-2.0f), divisor)), splat(cap));
}

// x[i] = f(x[i], y[i])
template <class F>
inline void map(float* x, const float* y, size_t n, F f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_f32(x + i, f(load_f32(x, i), load_f32(y, i)));
  if (i < n) {
    float padded[kLanes];
    store_f32(padded, f(load_tail<F32>(x, i, n - i), load_tail<F32>(y, i, n - i)));
    memcpy(x + i, padded, (n - i) * sizeof *x);
  }
}

void silu_mul(float* x, const float* y, size_t n) {
  map(x, y, n, [](Lanes a, Lanes b) { return mul(gated(a, a), b); });
}

void gelu_mul(float* x, const float* y, size_t n) {
  map(x, y, n, [](Lanes a, Lanes b) { return mul(gelu(a), b); });
}

void sigmoid_mul(float* x, const float* gate, size_t n) { map(x, gate, n, gated); }

void softcap(float* x, float cap, size_t n) {
  map(x, x, n, [cap](Lanes a, Lanes) { return softcap(a, cap); });
}

void softmax(float* x, size_t n) {
  Lanes max = splat(-__builtin_inff());
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) max = larger(load_f32(x, i), max);
  float greatest = largest(max);
  for (; i < n; ++i) greatest = x[i] > greatest ? x[i] : greatest;
  greatest += 0.0f;  // see ref.cc

  map(x, x, n, [greatest](Lanes a, Lanes) { return exp_f32(add(a, splat(-greatest))); });
  Lanes sum = zeros();
  for (i = 0; i + kLanes <= n; i += kLanes) sum = add(sum, load_f32(x, i));
  if (i < n) sum = add(sum, load_tail<F32>(x, i, n - i));
  const Lanes total = splat(fold(sum));
  map(x, x, n, [total](Lanes a, Lanes) { return div(a, total); });
}

constexpr void set_activations(HearthKernels* t) {
  t->silu_mul = silu_mul;
  t->gelu_mul = gelu_mul;
  t->sigmoid_mul = sigmoid_mul;
  t->softcap = softcap;
  t->softmax = softmax;
}

}  // namespace
