// Attention over one KV block, written once over the sixteen lanes of lanes_*.h. Four rows at a time share each key and
// value; the arithmetic of a row does not depend on its neighbours.
#pragma once

#include "kernels/activations.h"
#include "kernels/recurrence.h"

namespace {

using Scores = float[HEARTH_ATTEND_TOKENS];
static_assert(HEARTH_ATTEND_TOKENS % kLanes == 0);

// weight[r][t] = dot(q_r, k_t) * scale for the tokens that each row may see.
inline void score4(const HearthAttendRow rows[4], const uint16_t* k, size_t head_dim, float scale, Scores weight[4]) {
  const Four q = {rows[0].q, rows[1].q, rows[2].q, rows[3].q};
  size_t t = rows[0].first, n_tokens = 0;
  for (size_t r = 0; r < 4; ++r) {
    t = rows[r].first < t ? rows[r].first : t;
    n_tokens = rows[r].visible > n_tokens ? rows[r].visible : n_tokens;
  }
  for (; t < n_tokens; ++t) {
    float score[4];
    dot4<F32, F16>(q, k + t * head_dim, head_dim, score);
    for (size_t r = 0; r < 4; ++r) weight[r][t] = score[r] * scale;
  }
}

inline void score1(const HearthAttendRow& row, const uint16_t* k, size_t head_dim, float scale, Scores weight) {
  size_t t = row.first;
  for (; t + 4 <= row.visible; t += 4) {
    dot4<F16, F32>(four_from(k + t * head_dim, head_dim * sizeof *k), row.q, head_dim, weight + t);
  }
  for (; t < row.visible; ++t) weight[t] = dot<F16, F32>(k + t * head_dim, row.q, head_dim);
  for (t = row.first; t < row.visible; ++t) weight[t] *= scale;
}

// Turns the scores into weights exp(score - max) and brings max and sum up to date. Returns what acc has to be scaled
// by.
inline float softmax_step(HearthAttendRow* row, Scores weight, float cap) {
  if (row->first >= row->visible) return 1.0f;
  if (cap != 0.0f) softcap(weight + row->first, cap, row->visible - row->first);
  const size_t begin = row->first / kLanes * kLanes, end = (row->visible + kLanes - 1) / kLanes * kLanes;
  const auto fill_unseen = [&](float value) {
    for (size_t t = begin; t < row->first; ++t) weight[t] = value;
    for (size_t t = row->visible; t < end; ++t) weight[t] = value;
  };
  fill_unseen(row->max);
  Lanes max = splat(row->max);
  for (size_t t = begin; t < end; t += kLanes) max = larger(load_f32(weight, t), max);
  const float new_max = largest(max) + 0.0f;  // see ref.cc

  for (size_t t = begin; t < end; t += kLanes) {
    store_f32(weight + t, exp_f32(add(load_f32(weight, t), splat(-new_max))));
  }
  fill_unseen(0.0f);
  Lanes sum = zeros();
  for (size_t t = begin; t < end; t += kLanes) sum = add(sum, load_f32(weight, t));

  const float correction = first(exp_f32(splat(row->max - new_max)));
  row->max = new_max;
  row->sum = __builtin_fmaf(row->sum, correction, fold(sum));
  return correction;
}

// The accumulators of up to four rows, for sixteen dimensions. Members and not an array, which would live in memory.
template <size_t kRows>
struct Accumulators {
  Lanes acc0, acc1, acc2, acc3;

  HEARTH_INLINE void add_value(Lanes value, const Scores* weight, size_t t) {
    acc0 = fma(splat(weight[0][t]), value, acc0);
    if constexpr (kRows > 1) acc1 = fma(splat(weight[1][t]), value, acc1);
    if constexpr (kRows > 2) acc2 = fma(splat(weight[2][t]), value, acc2);
    if constexpr (kRows > 3) acc3 = fma(splat(weight[3][t]), value, acc3);
  }
};

// acc = acc * correction + sum over t of weight[t] * v[t], for the dimensions that `load` and `store` handle.
template <size_t kRows, class Load, class Store>
inline void gather_values(const HearthAttendRow* rows, const Scores* weight, const float* correction, const uint16_t* v,
                          size_t head_dim, Load load, Store store) {
  const auto start = [&](size_t r) {
    return r < kRows ? mul(load(F32(), rows[r].acc), splat(correction[r])) : zeros();
  };
  size_t begin = rows[0].first, end = rows[0].visible;  // tokens that all rows see
  for (size_t r = 1; r < kRows; ++r) {
    begin = rows[r].first > begin ? rows[r].first : begin;
    end = rows[r].visible < end ? rows[r].visible : end;
  }
  end = end < begin ? begin : end;
  // A row's own tokens among from .. to - 1.
  const auto add_own = [&](size_t r, size_t from, size_t to, Lanes own) {
    to = rows[r].visible < to ? rows[r].visible : to;
    for (size_t t = from; t < to; ++t) own = fma(splat(weight[r][t]), load(F16(), v + t * head_dim), own);
    return own;
  };
  const auto before = [&](size_t r) { return r < kRows ? add_own(r, rows[r].first, begin, start(r)) : zeros(); };
  Accumulators<kRows> acc = {before(0), before(1), before(2), before(3)};
  for (size_t t = begin; t < end; ++t) acc.add_value(load(F16(), v + t * head_dim), weight, t);

  const auto finish = [&](size_t r, Lanes shared) {
    if (r < kRows) store(rows[r].acc, add_own(r, end, rows[r].visible, shared));
  };
  finish(0, acc.acc0);
  finish(1, acc.acc1);
  finish(2, acc.acc2);
  finish(3, acc.acc3);
}

template <size_t kRows>
inline void attend_rows(HearthAttendRow* rows, const uint16_t* k, const uint16_t* v, size_t head_dim,
                        HearthScores scores) {
  Scores weight[kRows];
  float correction[kRows];
  if constexpr (kRows == 4) {
    score4(rows, k, head_dim, scores.scale, weight);
  } else {
    for (size_t r = 0; r < kRows; ++r) score1(rows[r], k, head_dim, scores.scale, weight[r]);
  }
  for (size_t r = 0; r < kRows; ++r) correction[r] = softmax_step(&rows[r], weight[r], scores.softcap);

  size_t i = 0;
  for (; i + kLanes <= head_dim; i += kLanes) {
    gather_values<kRows>(
        rows, weight, correction, v, head_dim, [i](auto type, const void* p) { return type.load(p, i); },
        [i](float* acc, Lanes x) { store_f32(acc + i, x); });
  }
  if (i < head_dim) {
    const size_t count = head_dim - i;
    gather_values<kRows>(
        rows, weight, correction, v, head_dim,
        [i, count](auto type, const void* p) { return load_tail<decltype(type)>(p, i, count); },
        [i, count](float* acc, Lanes x) {
          float padded[kLanes];
          store_f32(padded, x);
          memcpy(acc + i, padded, count * sizeof *acc);
        });
  }
}

void attend_f16(HearthAttendRow* rows, size_t n_rows, const uint16_t* k, const uint16_t* v, size_t head_dim,
                HearthScores scores) {
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4) attend_rows<4>(rows + r, k, v, head_dim, scores);
  if (n_rows - r == 3) attend_rows<3>(rows + r, k, v, head_dim, scores);
  if (n_rows - r == 2) attend_rows<2>(rows + r, k, v, head_dim, scores);
  if (n_rows - r == 1) attend_rows<1>(rows + r, k, v, head_dim, scores);
}

constexpr void set_float_kernels(HearthKernels* t) {
  set_elementwise(t);
  t->matmul[HEARTH_TYPE_F32] = t->matmul_direct[HEARTH_TYPE_F32] = matmul_float<F32>;
  t->matmul[HEARTH_TYPE_F16] = t->matmul_direct[HEARTH_TYPE_F16] = matmul_float<F16>;
  t->matmul[HEARTH_TYPE_BF16] = t->matmul_direct[HEARTH_TYPE_BF16] = matmul_float<BF16>;
  set_plain_matmul(t);
  t->quantize_q8 = quantize_q8;
  t->quantize_q8_super = quantize_q8_super;
  t->rms_norm = rms_norm;
  set_activations(t);
  set_recurrence(t);
  t->f32_to_f16 = f32_to_f16;
  t->attend_f16 = attend_f16;
}

}  // namespace
