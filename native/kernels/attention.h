// Attention over one KV block, written once over the sixteen lanes of lanes_*.h. Up to four rows that see the same
// tokens share each key and value, and many share their conversion to floats; the arithmetic of a row does not depend
// on its neighbours.
#pragma once

#include "kernels/activations.h"
#include "kernels/recurrence.h"

namespace {

using Scores = float[HEARTH_ATTEND_TOKENS];
static_assert(HEARTH_ATTEND_TOKENS % kLanes == 0);

// A number of dimensions that the compiler knows, so that it leaves no loops and no arithmetic with addresses.
template <size_t kDim>
struct FixedDim {
  constexpr operator size_t() const { return kDim; }
};

// Keys or values of a KV block: sixteen dimensions of token t from i on, and the last `count` of them. Dim is size_t or
// a FixedDim.
template <class Dim>
struct F16Rows {
  const uint16_t* x;
  Dim head_dim;

  // Brings token t into the cache.
  HEARTH_INLINE void fetch(size_t t) const {
    if (x != NULL) fetch_lines((const uint8_t*)(x + t * head_dim), head_dim * sizeof *x);
  }
  HEARTH_INLINE Lanes load(size_t t, size_t i) const { return load_f16(x, t * head_dim + i); }
  HEARTH_INLINE Lanes tail(size_t t, size_t i, size_t count) const {
    return load_tail<F16>(x, t * head_dim + i, count);
  }
};
template <class Dim>
struct Q8Rows {
  HearthQ8Rows x;
  Dim head_dim;

  HEARTH_INLINE void fetch(size_t t) const {
    if (x.q == NULL) return;
    fetch_lines((const uint8_t*)(x.q + t * head_dim), head_dim);
    if (t % 4 == 0) __builtin_prefetch(x.d + t * head_dim / HEARTH_BLOCK);
  }
  HEARTH_INLINE Lanes load(size_t t, size_t i) const {
    const size_t at = t * head_dim + i;
    return mul(load_i8(x.q + at), splat(x.d[at / HEARTH_BLOCK]));
  }
  HEARTH_INLINE Lanes tail(size_t, size_t, size_t) const { return zeros(); }  // there is none
};

// Keys or values of many rows, converted to floats once for all.
template <class Dim>
struct FloatRows {
  const float* x;
  Dim head_dim;

  // The rows from token t on, by a pointer of their own: from an index, compilers add up an address for each load.
  HEARTH_INLINE FloatRows from(size_t t) const {
    const float* at = x + t * head_dim;
    __asm__("" : "+r"(at));
    return {at, head_dim};
  }
  HEARTH_INLINE Lanes load(size_t t, size_t i) const { return load_f32(x, t * head_dim + i); }
  HEARTH_INLINE Lanes tail(size_t, size_t, size_t) const { return zeros(); }  // there is none
};
template <class Rows>
constexpr bool kFloats = false;
template <class Dim>
constexpr bool kFloats<FloatRows<Dim>> = true;

// The rows to prefetch after a block's keys: its values, and the next block's keys. Both come into the cache while the
// keys are scored, since values are gathered faster than memory delivers anything. Rows without an x are not fetched.
template <class Rows>
struct Upcoming {
  Rows values, keys;

  HEARTH_INLINE void fetch(size_t t) const {
    values.fetch(t);
    keys.fetch(t);
  }
};
struct NothingUpcoming {
  HEARTH_INLINE void fetch(size_t) const {}
};

// Four sums in lanes. Members and not an array, which would live in memory.
struct FourSums {
  Lanes s0 = zeros(), s1 = zeros(), s2 = zeros(), s3 = zeros();

  // The products of one vector with the first kCount of four others, each of which is loaded when its turn comes: not
  // every instruction set has registers for all of them.
  template <size_t kCount, class Load>
  HEARTH_INLINE void add(Lanes shared, Load load) {
    s0 = fma(shared, load(0), s0);
    if constexpr (kCount > 1) s1 = fma(shared, load(1), s1);
    if constexpr (kCount > 2) s2 = fma(shared, load(2), s2);
    if constexpr (kCount > 3) s3 = fma(shared, load(3), s3);
  }
  HEARTH_INLINE void store(float* p) const { store4(p, fold4(s0, s1, s2, s3)); }
};

// Calls part(query, key) for each sixteen dimensions: query(q) and key(t) load those of a query and of token t's key.
template <class Rows, class Part>
HEARTH_INLINE void for_dimensions(Rows k, Part part) {
  size_t i = 0;
  for (; i + kLanes <= k.head_dim; i += kLanes) {
    part([i](const float* q) { return load_f32(q, i); }, [i, k](size_t t) { return k.load(t, i); });
  }
  if (i == k.head_dim) return;
  const size_t count = k.head_dim - i;
  part([i, count](const float* q) { return load_tail<F32>(q, i, count); },
       [i, count, k](size_t t) { return k.tail(t, i, count); });
}

// weight[r][t] = dot(q_r, k_t) for four tokens from t on; `last` stands in for those behind it. All sums of up to four
// rows at once.
template <size_t kRows, class Rows>
inline void score_tile(const HearthAttendRow* rows, Rows k, size_t t, size_t last, Scores* weight) {
  const auto token = [t, last](size_t i) { return t + i < last ? t + i : last; };
  FourSums sums0, sums1, sums2, sums3;
  for_dimensions(k, [&](auto load, auto key) {
    if constexpr (kRows == 1) {
      sums0.add<4>(load(rows[0].q), [&](size_t i) { return key(token(i)); });
      return;
    }
    const Lanes keys[4] = {key(token(0)), key(token(1)), key(token(2)), key(token(3))};
    const auto take = [&](size_t i) { return keys[i]; };
    sums0.add<4>(load(rows[0].q), take);
    if constexpr (kRows > 1) sums1.add<4>(load(rows[1].q), take);
    if constexpr (kRows > 2) sums2.add<4>(load(rows[2].q), take);
    if constexpr (kRows > 3) sums3.add<4>(load(rows[3].q), take);
  });
  sums0.store(weight[0] + t);
  if constexpr (kRows > 1) sums1.store(weight[1] + t);
  if constexpr (kRows > 2) sums2.store(weight[2] + t);
  if constexpr (kRows > 3) sums3.store(weight[3] + t);
}

// The scores of one token.
template <size_t kRows, class Rows>
inline void score_token(const HearthAttendRow* rows, Rows k, size_t t, Scores* weight) {
  const float* q[kRows];  // which the compiler could not be sure of in `rows`
  for (size_t r = 0; r < kRows; ++r) q[r] = rows[r].q;
  FourSums sums;
  for_dimensions(k, [&](auto load, auto key) { sums.add<kRows>(key(t), [&](size_t r) { return load(q[r]); }); });
  float score[4];
  sums.store(score);
  for (size_t r = 0; r < kRows; ++r) weight[r][t] = score[r];
}

// The scores of two rows and two tokens. Sums start with the first product: one that is then -0 and not 0 changes no
// weight.
template <class Rows>
HEARTH_INLINE void score_pairs(const float* q0, const float* q1, Rows first, Rows second, float* weight0,
                               float* weight1) {
  FourSums sums;
  const auto take = [&](size_t i, auto add) {
    const Lanes query0 = load_f32(q0, i), query1 = load_f32(q1, i);
    const Lanes key0 = first.load(0, i);
    sums.s0 = add(key0, query0, sums.s0);
    sums.s2 = add(key0, query1, sums.s2);
    const Lanes key1 = second.load(0, i);
    sums.s1 = add(key1, query0, sums.s1);
    sums.s3 = add(key1, query1, sums.s3);
  };
  take(0, [](Lanes a, Lanes b, Lanes) { return mul(a, b); });
  for (size_t i = kLanes; i < first.head_dim; i += kLanes) {
    take(i, [](Lanes a, Lanes b, Lanes sum) { return fma(a, b, sum); });
  }
  float score[4];
  sums.store(score);
  memcpy(weight0, score, 2 * sizeof *score);
  memcpy(weight1, score + 2, 2 * sizeof *score);
}

// weight[r][t] = dot(q_r, k_t) for the tokens that the rows see, and for a few beside them.
template <size_t kRows, class Rows, class Upcoming>
inline void score(const HearthAttendRow* rows, Rows k, Upcoming upcoming, Scores* weight) {
  const size_t end = rows[0].visible;
  if constexpr (kRows > 1 && kFloats<Rows>) {
    for (size_t r = 0; r + 2 <= kRows; r += 2) {
      for (size_t t = rows[0].first; t < end; t += 2) {
        score_pairs(rows[r].q, rows[r + 1].q, k.from(t), k.from(t + 1 < end ? t + 1 : t), weight[r] + t,
                    weight[r + 1] + t);
      }
    }
    if constexpr (kRows % 2 != 0) score<1>(rows + kRows - 1, k, upcoming, weight + kRows - 1);
    return;
  }
  if constexpr (kRows > 1 && !kManyRegisters) {
    for (size_t t = rows[0].first; t < end; ++t) {
      upcoming.fetch(t);
      score_token<kRows>(rows, k, t, weight);
    }
    return;
  }
  for (size_t t = rows[0].first / 4 * 4; t < end; t += 4) {
    for (size_t step = 0; step < 4; ++step) upcoming.fetch(t + step);
    score_tile<kRows>(rows, k, t, end - 1, weight);
  }
}

// Turns the dots of rows that see the same tokens into weights exp(score - max), brings max and sum of each row up to
// date, and sets what its acc has to be scaled by. The rows take each step together, since one alone would wait for the
// latency of its own results.
template <size_t kRows>
inline void softmax_step(HearthAttendRow* rows, Scores* weight, HearthScores scores, float* correction) {
  const size_t first_token = rows[0].first, visible = rows[0].visible;
  const size_t begin = first_token / kLanes * kLanes, end = (visible + kLanes - 1) / kLanes * kLanes;
  const auto fill_unseen = [&](size_t r, float value) {
    for (size_t t = begin; t < first_token; ++t) weight[r][t] = value;
    for (size_t t = visible; t < end; ++t) weight[r][t] = value;
  };
  float max[kRows], change[kLanes] = {};
  for (size_t r = 0; r < kRows; ++r) {
    float* const seen = weight[r] + first_token;
    map(seen, seen, visible - first_token, [scores](Lanes a, Lanes) { return mul(a, splat(scores.scale)); });
    if (scores.softcap != 0.0f) softcap(seen, scores.softcap, visible - first_token);
    fill_unseen(r, rows[r].max);
    Lanes greatest = splat(rows[r].max);
    for (size_t t = begin; t < end; t += kLanes) greatest = larger(load_f32(weight[r], t), greatest);
    max[r] = largest(greatest) + 0.0f;  // see ref.cc
    change[r] = rows[r].max - max[r];
    rows[r].max = max[r];
  }
  store_f32(change, exp_f32(load_f32(change, 0)));
  for (size_t t = begin; t < end; t += kLanes) {
    for (size_t r = 0; r < kRows; ++r) {
      store_f32(weight[r] + t, exp_f32(add(load_f32(weight[r], t), splat(-max[r]))));
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    fill_unseen(r, 0.0f);
    Lanes sum = zeros();
    for (size_t t = begin; t < end; t += kLanes) sum = add(sum, load_f32(weight[r], t));
    rows[r].sum = __builtin_fmaf(rows[r].sum, change[r], fold(sum));
    correction[r] = change[r];
  }
}

// Thirty-two dimensions: as many sums as hide the latency of the multiply-adds.
struct Wide {
  Lanes low, high;
};
HEARTH_INLINE Wide mul(Wide x, Lanes y) { return {mul(x.low, y), mul(x.high, y)}; }
HEARTH_INLINE Wide fma(Lanes x, Wide y, Wide sum) { return {fma(x, y.low, sum.low), fma(x, y.high, sum.high)}; }
HEARTH_INLINE Wide fma(Factors f, size_t i, Wide y, Wide sum) {
  return {fma(f, i, y.low, sum.low), fma(f, i, y.high, sum.high)};
}

// acc = acc * correction + sum over t of weight[t] * value(t), for the dimensions that `value`, `load` and `store`
// handle.
template <size_t kRows, class Value, class Load, class Store>
HEARTH_INLINE void gather(const HearthAttendRow* rows, const Scores* weight, const float* correction, Value value,
                          Load load, Store store) {
  const auto start = [&](size_t r) {
    r = r < kRows ? r : 0;
    return mul(load(rows[r].acc), splat(correction[r]));
  };
  auto acc0 = start(0), acc1 = start(1), acc2 = start(2), acc3 = start(3);
  size_t t = rows[0].first;
  const size_t end = rows[0].visible;
  for (; t + 4 <= end; t += 4) {
    const auto of_row = [&](size_t r) { return load_factors(weight[r < kRows ? r : 0] + t); };
    const Factors f0 = of_row(0), f1 = of_row(1), f2 = of_row(2), f3 = of_row(3);
#pragma GCC unroll 4  // a factor is part of an instruction
    for (size_t j = 0; j < 4; ++j) {
      const auto x = value(t + j);
      acc0 = fma(f0, j, x, acc0);
      if constexpr (kRows > 1) acc1 = fma(f1, j, x, acc1);
      if constexpr (kRows > 2) acc2 = fma(f2, j, x, acc2);
      if constexpr (kRows > 3) acc3 = fma(f3, j, x, acc3);
    }
  }
  for (; t < end; ++t) {
    const auto x = value(t);
    acc0 = fma(splat(weight[0][t]), x, acc0);
    if constexpr (kRows > 1) acc1 = fma(splat(weight[1][t]), x, acc1);
    if constexpr (kRows > 2) acc2 = fma(splat(weight[2][t]), x, acc2);
    if constexpr (kRows > 3) acc3 = fma(splat(weight[3][t]), x, acc3);
  }
  store(rows[0].acc, acc0);
  if constexpr (kRows > 1) store(rows[1].acc, acc1);
  if constexpr (kRows > 2) store(rows[2].acc, acc2);
  if constexpr (kRows > 3) store(rows[3].acc, acc3);
}

template <size_t kRows, class Rows>
inline void gather_values(const HearthAttendRow* rows, const Scores* weight, const float* correction, Rows v) {
  size_t i = 0;
  if constexpr (kManyRegisters || kRows < 3) {
    for (; i + 2 * kLanes <= v.head_dim; i += 2 * kLanes) {
      const size_t j = i + kLanes;
      gather<kRows>(
          rows, weight, correction,
          [&](size_t t) {
            return Wide{v.load(t, i), v.load(t, j)};
          },
          [&](const float* acc) {
            return Wide{load_f32(acc, i), load_f32(acc, j)};
          },
          [&](float* acc, Wide x) { store_f32(acc + i, x.low), store_f32(acc + j, x.high); });
    }
  }
  for (; i + kLanes <= v.head_dim; i += kLanes) {
    gather<kRows>(
        rows, weight, correction, [&](size_t t) { return v.load(t, i); },
        [&](const float* acc) { return load_f32(acc, i); }, [&](float* acc, Lanes x) { store_f32(acc + i, x); });
  }
  if (i == v.head_dim) return;
  const size_t count = v.head_dim - i;
  gather<kRows>(
      rows, weight, correction, [&](size_t t) { return v.tail(t, i, count); },
      [&](const float* acc) { return load_tail<F32>(acc, i, count); },
      [&](float* acc, Lanes x) {
        float padded[kLanes];
        store_f32(padded, x);
        memcpy(acc + i, padded, count * sizeof *acc);
      });
}

// Up to four rows that see the same tokens.
template <size_t kRows, class Rows, class Upcoming>
inline void attend_together(HearthAttendRow* rows, Rows k, Rows v, Upcoming upcoming, HearthScores scores) {
  Scores weight[kRows];
  float correction[kRows];
  score<kRows>(rows, k, upcoming, weight);
  softmax_step<kRows>(rows, weight, scores, correction);
  gather_values<kRows>(rows, weight, correction, v);
}

// The first four of n rows that see the same tokens; returns how many of them there are.
template <class Rows, class Upcoming>
inline size_t attend_four(HearthAttendRow* rows, size_t n, Rows k, Rows v, Upcoming upcoming, HearthScores scores) {
  if (n >= 4) return attend_together<4>(rows, k, v, upcoming, scores), 4;
  if (n == 3) return attend_together<3>(rows, k, v, upcoming, scores), 3;
  if (n == 2) return attend_together<2>(rows, k, v, upcoming, scores), 2;
  return attend_together<1>(rows, k, v, upcoming, scores), 1;
}

// From how many rows on keys and values are converted to floats once for all, and up to which head_dim. On NEON 5 rows
// take 90 instructions a row and token that way and 95 otherwise, 63 rows 71 and 84; 4 rows take 88 and 85.
constexpr size_t kManyRows = 5, kWidestHead = 256;
template <class Dim>
constexpr size_t kWidest = kWidestHead;
template <size_t kDim>
constexpr size_t kWidest<FixedDim<kDim>> = kDim;

// Keys or values of a block as floats: of tokens that are seen, or that score_tile takes beside them.
template <class Rows>
struct FloatBlock {
  using Dim = decltype(Rows::head_dim);
  alignas(64) float x[HEARTH_ATTEND_TOKENS * kWidest<Dim>];

  HEARTH_INLINE FloatRows<Dim> take(Rows from, size_t first, size_t visible, Rows upcoming) {
    for (size_t t = first / 4 * 4; t < visible; ++t) {
      upcoming.fetch(t);
      for (size_t i = 0; i < from.head_dim; i += kLanes) store_f32(x + t * from.head_dim + i, from.load(t, i));
    }
    return {x, from.head_dim};
  }
};

// Many rows that see the same tokens.
template <class Rows>
inline void attend_many(HearthAttendRow* rows, size_t n, Rows k, Rows v, Upcoming<Rows> upcoming, HearthScores scores) {
  FloatBlock<Rows> keys, values;
  const auto float_keys = keys.take(k, rows[0].first, rows[0].visible, upcoming.values);
  const auto float_values = values.take(v, rows[0].first, rows[0].visible, upcoming.keys);
  for (size_t r = 0; r < n;) r += attend_four(rows + r, n - r, float_keys, float_values, NothingUpcoming(), scores);
}

// How many rows from the first on see the same tokens.
inline size_t count_alike(const HearthAttendRow* rows, size_t n_rows) {
  size_t n = 1;
  while (n < n_rows && rows[n].first == rows[0].first && rows[n].visible == rows[0].visible) ++n;
  return n;
}

template <class Rows>
inline void attend(HearthAttendRow* rows, size_t n_rows, Rows k, Rows v, Rows next_keys, HearthScores scores) {
  Upcoming<Rows> upcoming{v, next_keys};
  const auto end_fetching = [&upcoming] { upcoming.values.x = upcoming.keys.x = {}; };  // they are here now
  for (size_t r = 0; r < n_rows;) {
    const size_t n = count_alike(rows + r, n_rows - r), end = r + n;
    if (rows[r].first >= rows[r].visible) {
      r = end;
      continue;
    }
    if constexpr (kConvertsSlowly) {
      if (n >= kManyRows && k.head_dim % kLanes == 0 && k.head_dim <= kWidestHead) {
        attend_many(rows + r, n, k, v, upcoming, scores);
        end_fetching();
        r = end;
        continue;
      }
    }
    while (r < end) {
      r += attend_four(rows + r, end - r, k, v, upcoming, scores);
      end_fetching();
    }
  }
}

// Calls run with what the compiler knows of the dimensions.
template <class Run>
inline void with_dim(size_t head_dim, Run run) {
  if (head_dim == 64) return run(FixedDim<64>());
  if (head_dim == 128) return run(FixedDim<128>());
  run(head_dim);
}

void attend_f16(HearthAttendRow* rows, size_t n_rows, const uint16_t* k, const uint16_t* v, const void* next,
                size_t head_dim, HearthScores scores) {
  with_dim(head_dim, [=](auto dim) {
    const auto of = [dim](const void* x) { return F16Rows<decltype(dim)>{(const uint16_t*)x, dim}; };
    attend(rows, n_rows, of(k), of(v), of(next), scores);
  });
}

void attend_q8(HearthAttendRow* rows, size_t n_rows, HearthQ8Rows k, HearthQ8Rows v, const void* next, size_t head_dim,
               HearthScores scores) {
  HearthQ8Rows next_keys = {(const int8_t*)next, NULL};
  if (next != NULL) next_keys.d = (const float*)(next_keys.q + ((const int8_t*)k.d - k.q));  // as far from its q
  with_dim(head_dim, [=](auto dim) {
    const auto of = [dim](HearthQ8Rows x) { return Q8Rows<decltype(dim)>{x, dim}; };
    attend(rows, n_rows, of(k), of(v), of(next_keys), scores);
  });
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
  t->attend_q8 = attend_q8;
}

}  // namespace
