// One pass of a batch through a model: the operations that architectures are written in. Each runs at once, on all
// threads where that pays, and allocates its result. Knows tensors, kernels, threads, the KV cache and recurrent
// states; knows no architecture. Implemented in pass.cc, attention.cc, recurrence.cc and experts.cc.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"
#include "kv/block_cache.h"
#include "kv/states.h"
#include "model/product.h"
#include "model/rope.h"
#include "model/scratch.h"
#include "model/tensor.h"
#include "threads/pool.h"

namespace hearth {

class Residency;

// EngineOptions::trace.
using Trace = std::function<void(std::string_view name, int layer, std::span<const float> data, size_t cols)>;

// The tokens of one sequence in a batch: rows first_row .. first_row + n_rows - 1, at positions start, start + 1, ...
struct BatchSequence {
  const kv::BlockTable* table;  // room for the new tokens is reserved
  int32_t first_row;
  int32_t n_rows;
  int32_t start;
  int32_t state = kv::kNoState;  // before the first row
  // The slots that the states behind some of the rows go to: ascending, the last one is behind n_rows. Empty without
  // recurrent layers.
  std::vector<kv::StateAfter> states = {};
};

struct Batch {
  std::vector<int32_t> tokens;     // [n_rows]
  std::vector<int32_t> positions;  // [n_rows]
  std::vector<BatchSequence> sequences;
  // Rows that something is wanted of after the last layer: first those with logits, then those without, each ascending.
  std::vector<int32_t> outputs;
  size_t n_hidden = 0;  // how many of them are to be copied out before the logits, and have none
};

// cos and sin [n_rows, n_pairs] of a batch.
struct Rotation {
  Tensor cos, sin;
  RopePairs pairs;
};

struct AttentionShape {
  size_t n_head;
  size_t n_kv_head;   // each shared by n_head / n_kv_head heads, at most kMaxHeadGroup
  size_t head_dim;    // of queries, keys and values
  float scale;        // multiplies q.k
  float softcap = 0;  // limits the scores smoothly to +-softcap; 0: off
};

inline constexpr size_t kMaxHeadGroup = 64;
inline constexpr size_t kMaxConvTaps = 16;

// The heads of a gated delta rule. Value head i reads and writes with the key of head i % n_k_head.
struct DeltaShape {
  size_t n_k_head, n_v_head;
  size_t d_k, d_v;

  size_t keys() const { return n_k_head * d_k; }
  size_t values() const { return n_v_head * d_v; }
  size_t state_floats() const { return n_v_head * d_k * d_v; }
};

// A feed-forward network of which each token uses only the experts that a router chooses (Shazeer et al. 2017,
// arXiv:1701.06538).
struct Experts {
  Matrix router;                          // [n_expert, n_embd]
  std::span<const float> selection_bias;  // [n_expert], added for the choice but not to the weights; empty: none
  enum class Gate { softmax, sigmoid } gate = Gate::softmax;
  size_t n_expert = 0, n_used = 0;
  float scale = 1;  // of the chosen experts' weights, which sum to 1 before it
  // The matrices of all experts, one behind the other.
  Matrix gates, ups;  // [n_expert * n_ff, n_embd]
  Matrix downs;       // [n_expert * n_embd, n_ff]
};

// The experts of the layer that comes next, and what its router will see but for what this layer adds: their weights
// can be read ahead where they are streamed.
struct NextExperts {
  const Tensor* x;      // the residual stream
  const RmsNorm* norm;  // before the router
  const Experts* experts;
};

// Thrown by layer() once PassResources::stop is set.
struct PassStopped {};

// The resources of a pass; all are the engine's and outlive the pass.
struct PassResources {
  const HearthKernels* kernels;
  const MatmulPlan* matmuls;  // for all matrix products; each way gives the bits of the others
  Pool* pool;
  Scratch* scratch;  // emptied by the pass
  kv::BlockCache* cache;
  kv::States* states;
  Residency* residency;           // of the weights; null: all are where they are mapped
  std::vector<Matrix>* matrices;  // those that a pass which only counts multiplies with are added; may be null
  std::vector<Experts>* experts;  // likewise
  const Trace* trace;             // may hold nothing
  const std::atomic<bool>* stop;
  int32_t context_tokens;  // the longest that a sequence can become
};

class Pass {
 public:
  // logits: [batch.outputs.size() - batch.n_hidden, n_vocab], hidden: [batch.n_hidden, n_embd], the caller's.
  // With a scratch that only counts, operations have no effect but to allocate: that is how much memory a pass takes.
  Pass(const PassResources& resources, const Batch& batch, float* logits, float* hidden);

  int32_t context_tokens() const { return context_tokens_; }

  // Starts layer `il`: what the layer before allocated is forgotten; what was allocated before the first layer stays.
  // Throws PassStopped.
  void layer(size_t il);
  // Names the tensor for the trace.
  void name(std::string_view name, const Tensor& tensor) const;

  Tensor embed(const Matrix& table);  // [n_rows, table.cols]: of each token
  Tensor rms_norm(const Tensor& x, const RmsNorm& norm);
  // Normalizes each head of x [n_rows, n_head * norm.weight.size()] in place, all with the same weight.
  void rms_norm_heads(Tensor& x, const RmsNorm& norm);
  // Gives the memory of x back, which has to be what was allocated last.
  void forget(const Tensor& x);
  void add(Tensor& x, const Tensor& y);  // x += y
  // Adds y at the end of a part of a layer: all that the layer allocated is forgotten, but for what keep_outputs
  // returned.
  void add_residual(Tensor& x, const Tensor& y);
  void mul(Tensor& x, const Tensor& y);  // x *= y
  void scale(Tensor& x, float factor);   // x *= factor
  void softcap(Tensor& x, float cap);    // x = cap * tanh(x / cap)
  // Divides each head of x [n_rows, n_head * dim] by its length.
  void l2_norm_heads(Tensor& x, size_t dim, float eps);
  // Columns first .. first + n - 1.
  Tensor slice(const Tensor& x, size_t first, size_t n) { return cut(x, x.cols, first, n); }
  // Cuts rows, which repeat pieces of these sizes, into a tensor of each piece: {dim, dim} splits heads in two halves.
  template <size_t N>
  std::array<Tensor, N> split(const Tensor& x, const std::array<size_t, N>& sizes) {
    std::array<Tensor, N> pieces;
    size_t period = 0;
    for (size_t size : sizes) period += size;
    for (size_t i = 0, at = 0; i < N; at += sizes[i++]) pieces[i] = cut(x, period, at, sizes[i]);
    return pieces;
  }
  Tensor linear(const Tensor& x, const Linear& w) { return linear(x, std::array{&w})[0]; }
  // Several matrices times the same activations, as one job.
  template <size_t N>
  std::array<Tensor, N> linear(const Tensor& x, const std::array<const Linear*, N>& weights) {
    std::array<Tensor, N> results;
    for (size_t i = 0; i < N; ++i) results[i] = allocate(x.rows, weights[i]->weight.rows);
    multiply(x, weights, results);
    return results;
  }
  // x *= 1 + scale * ln(1 + floor(position / step)) for each row's position.
  void scale_by_position(Tensor& x, float scale, uint32_t step);
  void silu_mul(Tensor& gate, const Tensor& up);    // gate = silu(gate) * up
  void gelu_mul(Tensor& gate, const Tensor& up);    // gate = gelu(gate) * up
  void sigmoid_mul(Tensor& x, const Tensor& gate);  // x *= sigmoid(gate)
  void silu(Tensor& x) { sigmoid_mul(x, x); }
  // The cosines and sines of this batch's positions; all layers turn by the same.
  Rotation rotation(const Rope& rope);
  // Rotates the first dimensions of each head of x [n_rows, n_head * head_dim] by its token's position.
  void rope(Tensor& x, size_t head_dim, const Rotation& rotation);
  // Stores k and v [n_rows, n_kv_head * head_dim] of the current layer, then causal attention of
  // q [n_rows, n_head * head_dim] over each row's own sequence, within the layer's window -> like q.
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape);
  // Attends over the keys and values that layer `kv_layer` stored.
  Tensor attention_over(size_t kv_layer, const Tensor& q, const AttentionShape& shape);
  // y[t] = the sum of filter[c, i] * x[t - taps + 1 + i, c] over i, for each channel c. Keeps the last taps - 1 rows in
  // the layer's state from float `state_at` on. filter: [x.cols, taps].
  Tensor causal_conv(const Tensor& x, std::span<const float> filter, size_t taps, size_t state_at = 0);
  // The gated delta rule with the layer's state [n_v_head, d_k, d_v] from float `state_at` on. q, k: [n_rows, keys];
  // v: [n_rows, values]; decay, beta: [n_rows, n_v_head] -> [n_rows, values].
  Tensor delta_rule(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& decay, const Tensor& beta,
                    const DeltaShape& shape, size_t state_at);
  // decay = exp(a * softplus(x + dt)), in place; dt, a: [x.cols].
  void delta_decay(Tensor& x, std::span<const float> dt, std::span<const float> a);
  void sigmoid(Tensor& x);
  // The chosen experts' SwiGLU of each row, weighted and summed. Reads no other expert's weights.
  Tensor experts(const Tensor& x, const Experts& w, std::optional<NextExperts> next = {});
  // Only the rows whose logits are wanted: after the last layer's attention nothing looks at the others.
  void keep_outputs(Tensor& x) {
    x = select_outputs(x);
    layer_mark_ = scratch_.position();
  }
  // Keeps the residual stream and the tensor that is about to be added to it.
  void keep_outputs(Tensor& x, Tensor& y) { keep_outputs(x), keep_outputs(y); }
  // x [n_outputs, n_embd] -> the caller's hidden states and logits, for what an architecture still does to the latter.
  Tensor logits(const Tensor& x, const Matrix& output);

 private:
  struct AttentionCall;
  struct AttentionItem;
  struct Routes;

  Tensor allocate(size_t rows, size_t cols);
  Tensor select_outputs(const Tensor& x);
  // x in the forms that these weights multiply with.
  HearthColumns columns(const Tensor& x, std::span<const Linear* const> weights);
  void multiply(const Tensor& x, std::span<const Linear* const> weights, std::span<Tensor> results);
  // Runs all products as one job.
  void run(std::span<const Product> products);
  Tensor cut(const Tensor& x, size_t period, size_t at, size_t size);
  Routes route(const Tensor& logits, const Experts& w);
  // Reads ahead what this layer and perhaps the next one need; the layer's number among those with experts.
  size_t want_experts(const Routes& routes, const Experts& w, const std::optional<NextExperts>& next);
  // The next router's logits of the first rows.
  Tensor foresee(const NextExperts& next);
  void store_kv(const Tensor& k, const Tensor& v, const AttentionShape& shape);
  void store_head(const float* x, size_t dim, const kv::HeadRows& rows, size_t slot);
  size_t start_rows(const AttentionCall& call, const AttentionItem& item, const Tensor& acc, HearthAttendRow* rows);
  void attend_range(const AttentionCall& call, const AttentionItem& item, size_t range, HearthAttendRow* rows);
  void merge_rows(const AttentionCall& call, const HearthAttendRow* parts, size_t n, HearthAttendRow* rows);
  void finish_rows(const AttentionCall& call, const HearthAttendRow* rows, size_t n);
  void attend_item(const AttentionCall& call, const AttentionItem& item, const Tensor& spare, const Tensor& out);
  void attend_split(const AttentionCall& call, std::span<const AttentionItem> items, const Tensor& spare,
                    const Tensor& out);
  // The state of the current layer, from float `at` on.
  float* state(int32_t slot, size_t at) const;

  static constexpr size_t kSerialElements = 16 * 1024;
  // body(row) for each row; on all threads when there is enough work in `cost` elements a row.
  template <class Body>
  void for_rows(size_t rows, size_t cost, Body&& body) {
    if (counts_) return;
    if (rows * cost < kSerialElements) {
      for (size_t r = 0; r < rows; ++r) body(r);
      return;
    }
    const size_t grain = std::max<size_t>(1, kSerialElements / 2 / std::max<size_t>(1, cost));
    pool_.parallel_for(rows, grain, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) body(r);
    });
  }

  const HearthKernels& kernels_;
  const MatmulPlan& matmuls_;
  Pool& pool_;
  Scratch& scratch_;
  kv::BlockCache& cache_;
  kv::States& states_;
  Residency* const residency_;
  std::vector<Matrix>* const matrices_;
  std::vector<Experts>* const experts_;
  const Trace& trace_;
  const std::atomic<bool>& stop_;
  const Batch& batch_;
  float* logits_;
  float* hidden_;
  const int32_t context_tokens_;
  const bool counts_;  // scratch only
  int layer_ = -1;
  size_t layer_mark_ = 0;  // scratch position behind what outlives a layer
};

}  // namespace hearth
