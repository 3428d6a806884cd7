// Mixtures of experts: each token's experts are chosen, the tokens of an expert are gathered, multiplied with its
// weights together, and brought back. A token's result does not depend on who else is in the batch.
#include <cstring>
#include <numeric>
#include <vector>

#include "memory/residency.h"
#include "model/pass.h"
#include "model/routed_product.h"

namespace hearth {
namespace {

// Columns first .. first + n - 1.
HearthColumns columns_of(const HearthColumns& x, size_t first, size_t n) {
  HearthColumns part = x;
  part.cols = n;
  const auto advance = [first](auto& pointer, size_t column_elements) {
    if (pointer != nullptr) pointer += first * column_elements;
  };
  advance(part.f32, x.n);
  advance(part.q, x.n);
  advance(part.d, x.n / HEARTH_BLOCK);
  advance(part.sum, x.n / HEARTH_BLOCK);
  advance(part.super_q, x.n);
  advance(part.super_d, x.n / HEARTH_SUPER_BLOCK);
  advance(part.super_sum, x.n / 16);
  return part;
}

// The least divisor of the chosen experts' weights: the smallest normal half.
constexpr float kLeastWeightSum = 0x1p-14f;

// The next layer's choice is guessed for so many rows at most: the experts of a longer batch are most of them.
constexpr size_t kMostGuessedRows = 8;

// The rows [first, first + n) of x.
Tensor rows_of(const Tensor& x, size_t first, size_t n) { return {x.row(first), n, x.cols}; }

}  // namespace

// Which experts a batch uses. A place is one use of an expert by a row; those of an expert lie together.
struct Pass::Routes {
  std::vector<size_t> starts;  // [n_expert + 1] of each expert's places
  std::vector<size_t> place;   // [n_rows * n_used] of each row's uses, best first
  std::vector<float> weight;   // likewise

  size_t count(size_t expert) const { return starts[expert + 1] - starts[expert]; }
};

Pass::Routes Pass::route(const Tensor& logits, const Experts& w) {
  Routes routes{std::vector<size_t>(w.n_expert + 1), std::vector<size_t>(logits.rows * w.n_used),
                std::vector<float>(logits.rows * w.n_used)};
  if (counts_) return routes;
  std::vector<size_t> chosen(logits.rows * w.n_used), order(w.n_expert);
  for (size_t r = 0; r < logits.rows; ++r) {
    std::vector<float> probability(w.n_expert, 1.0f);
    if (w.gate == Experts::Gate::softmax) {
      std::copy_n(logits.row(r), w.n_expert, probability.begin());
      kernels_.softmax(probability.data(), w.n_expert);
    } else {
      kernels_.sigmoid_mul(probability.data(), logits.row(r), w.n_expert);
    }
    std::vector<float> preference = probability;
    if (!w.selection_bias.empty()) kernels_.add(preference.data(), w.selection_bias.data(), w.n_expert);
    std::iota(order.begin(), order.end(), size_t{0});
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(w.n_used), order.end(),
        [&](size_t a, size_t b) { return preference[a] != preference[b] ? preference[a] > preference[b] : a < b; });
    float sum = 0;
    for (size_t i = 0; i < w.n_used; ++i) sum += probability[order[i]];
    for (size_t i = 0; i < w.n_used; ++i) {
      chosen[r * w.n_used + i] = order[i];
      routes.weight[r * w.n_used + i] = probability[order[i]] / std::max(sum, kLeastWeightSum) * w.scale;
      ++routes.starts[order[i] + 1];
    }
  }
  std::partial_sum(routes.starts.begin(), routes.starts.end(), routes.starts.begin());
  std::vector<size_t> next = routes.starts;
  for (size_t use = 0; use < chosen.size(); ++use) routes.place[use] = next[chosen[use]]++;
  return routes;
}

size_t Pass::want_experts(const Routes& routes, const Experts& w, const std::optional<NextExperts>& next) {
  ExpertWeights& weights = *residency_->experts();
  const auto uses_of = [](const Routes& chosen, size_t n_expert) {
    std::vector<ExpertWeights::Use> uses;
    for (size_t e = 0; e < n_expert; ++e) {
      if (const size_t n = chosen.count(e); n > 0) uses.push_back({e, static_cast<uint32_t>(n)});
    }
    return uses;
  };
  const size_t layer = weights.find(w.gates.data);
  weights.want(layer, uses_of(routes, w.n_expert));
  // A router that is streamed itself would come out of its turn.
  if (!next || next->x->rows > kMostGuessedRows || residency_->tiles().streamed_bytes() > 0 || !weights.guesses_pay())
    return layer;
  const Routes guessed = route(foresee(*next), *next->experts);
  weights.guess(weights.find(next->experts->gates.data), uses_of(guessed, next->experts->n_expert));
  return layer;
}

Tensor Pass::foresee(const NextExperts& next) {
  const Linear router{next.experts->router, nullptr};
  const Linear* routers[] = {&router};
  const Tensor x{next.x->data, std::min(next.x->rows, kMostGuessedRows), next.x->cols};
  const Tensor normed = rms_norm(x, *next.norm);
  const Tensor logits = allocate(normed.rows, router.weight.rows);
  const Product product{router.weight, columns(normed, routers), logits};
  if (!counts_) hearth::multiply({&product, 1}, matmuls_, &pool_);
  return logits;
}

Tensor Pass::experts(const Tensor& x, const Experts& w, std::optional<NextExperts> next) {
  const Linear router{w.router, nullptr};
  const Tensor logits = linear(x, router);
  name("router", logits);
  const Routes routes = route(logits, w);
  if (counts_ && experts_ != nullptr) experts_->push_back(w);
  const bool is_routed = residency_ != nullptr && residency_->experts() != nullptr;
  const size_t mark = scratch_.position();
  if (counts_ && next) foresee(*next);
  const size_t layer = is_routed ? want_experts(routes, w, next) : 0;
  scratch_.rewind(mark);

  const size_t places = x.rows * w.n_used, n_ff = w.gates.rows / w.n_expert, n_embd = x.cols;
  Tensor gathered = allocate(places, n_embd), gate = allocate(places, n_ff), up = allocate(places, n_ff);
  Tensor down = allocate(places, n_embd), y = allocate(x.rows, n_embd);
  for_rows(x.rows, n_embd * w.n_used, [&](size_t r) {
    for (size_t i = 0; i < w.n_used; ++i) {
      std::memcpy(gathered.row(routes.place[r * w.n_used + i]), x.row(r), n_embd * sizeof(float));
    }
  });

  struct Pair {
    const Matrix* matrix;
    Tensor* to;
    ExpertPart part;
  };
  const auto multiply_each = [&](const Tensor& from, std::initializer_list<Pair> pairs) {
    std::vector<Linear> all;
    for (const Pair& pair : pairs) all.push_back({*pair.matrix, nullptr});
    std::vector<const Linear*> weights;
    for (const Linear& linear : all) weights.push_back(&linear);
    const HearthColumns c = columns(from, weights);
    std::vector<RoutedProduct> products;
    for (size_t e = 0; e < w.n_expert; ++e) {
      const size_t first = routes.starts[e], n = routes.count(e);
      if (n == 0) continue;
      for (const auto& [matrix, to, part] : pairs) {
        const Matrix own = matrix->slice(e * to->cols, to->cols);
        products.push_back({{own, columns_of(c, first, n), rows_of(*to, first, n)}, e, part});
      }
    }
    if (is_routed)
      multiply_routed(products, layer, matmuls_, &pool_, residency_->experts(), stop_);
    else if (!counts_)
      multiply_mapped(products, matmuls_, &pool_);
  };
  multiply_each(gathered, {{&w.gates, &gate, kGate}, {&w.ups, &up, kUp}});
  silu_mul(gate, up);
  multiply_each(gate, {{&w.downs, &down, kDown}});

  for_rows(x.rows, n_embd * w.n_used, [&](size_t r) {
    std::memset(y.row(r), 0, n_embd * sizeof(float));
    for (size_t i = 0; i < w.n_used; ++i) {
      float* share = down.row(routes.place[r * w.n_used + i]);
      kernels_.scale(share, routes.weight[r * w.n_used + i], n_embd);
      kernels_.add(y.row(r), share, n_embd);
    }
  });
  return y;
}

}  // namespace hearth
