// The gated delta rule over the sixteen lanes of lanes_*.h: a lane is a column of the state, so lanes never meet.
// Computes what ref.cc does, in the same order.
#pragma once

#include "kernels/float_kernels.h"

namespace {

// kPieces * 16 columns from `j` on: enough sums side by side to hide the latency of the multiply-adds.
template <size_t kPieces>
inline void delta_columns(const HearthDelta& t, const float* state, float* next, float* y, size_t j) {
  const Lanes decay = splat(t.decay);
  const auto kept = [&](size_t i, size_t piece) {
    return state == NULL ? zeros() : mul(load_f32(state, i * t.d_v + j + kLanes * piece), decay);
  };
  Lanes error[kPieces], sum[kPieces];
  for (size_t p = 0; p < kPieces; ++p) error[p] = sum[p] = zeros();
  for (size_t i = 0; i < t.d_k; ++i) {
    const Lanes k = splat(t.k[i]);
    for (size_t p = 0; p < kPieces; ++p) error[p] = fma(kept(i, p), k, error[p]);
  }
  for (size_t p = 0; p < kPieces; ++p) {
    const Lanes missing = add(load_f32(t.v, j + kLanes * p), mul(error[p], splat(-1.0f)));
    error[p] = mul(missing, splat(t.beta));
  }
  for (size_t i = 0; i < t.d_k; ++i) {
    const Lanes k = splat(t.k[i]), q = splat(t.q[i]);
    for (size_t p = 0; p < kPieces; ++p) {
      const Lanes updated = fma(k, error[p], kept(i, p));
      store_f32(next + i * t.d_v + j + kLanes * p, updated);
      sum[p] = fma(updated, q, sum[p]);
    }
  }
  for (size_t p = 0; p < kPieces; ++p) store_f32(y + j + kLanes * p, sum[p]);
}

void delta_rule(const HearthDelta* t, const float* state, float* next, float* y) {
  size_t j = 0;
  for (; j + 2 * kLanes <= t->d_v; j += 2 * kLanes) delta_columns<2>(*t, state, next, y, j);
  if (j < t->d_v) delta_columns<1>(*t, state, next, y, j);
}

void l2_norm(float* x, size_t n, float eps) {
  const float length = __builtin_sqrtf(dot<F32, F32>(x, x, n));
  scale(x, 1.0f / (length > eps ? length : eps), n);
}

constexpr void set_recurrence(HearthKernels* t) {
  t->delta_rule = delta_rule;
  t->l2_norm = l2_norm;
}

}  // namespace
