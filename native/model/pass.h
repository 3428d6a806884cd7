// One pass of a batch through a model: the operations that architectures are written in. Each runs at once, on all
// threads where that pays, and allocates its result. Knows tensors, kernels, threads and the KV cache; knows no
// architecture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"
#include "kv/cache.h"
#include "model/rope.h"
#include "model/scratch.h"
#include "model/tensor.h"
#include "threads/pool.h"

namespace hearth {

// EngineOptions::trace.
using Trace = std::function<void(std::string_view name, int layer, std::span<const float> data, size_t cols)>;

// The tokens of one sequence in a batch: rows first_row .. first_row + n_rows - 1, at positions start, start + 1, ...
struct BatchSequence {
  kv::BlockTable* table;  // room for the new tokens is reserved
  int32_t first_row;
  int32_t n_rows;
  int32_t start;
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

// What a pass works with; all of it is the engine's and outlives the pass.
struct PassResources {
  const HearthKernels* kernels;
  Pool* pool;
  Scratch* scratch;  // emptied by the pass
  kv::Cache* cache;
  const Trace* trace;      // may hold nothing
  int32_t context_tokens;  // the longest that a sequence can become
};

class Pass {
 public:
  // logits: [batch.outputs.size() - batch.n_hidden, n_vocab], hidden: [batch.n_hidden, n_embd], the caller's.
  // With a scratch that only counts, operations have no effect but to allocate: that is how much memory a pass takes.
  Pass(const PassResources& resources, const Batch& batch, float* logits, float* hidden);

  int32_t context_tokens() const { return context_tokens_; }

  // Starts layer `il`: what the layer before allocated is forgotten; what was allocated before the first layer stays.
  void layer(size_t il);
  // Names the tensor for the trace.
  void name(std::string_view name, const Tensor& tensor) const;

  Tensor embed(const Matrix& table);  // [n_rows, n_embd]
  Tensor rms_norm(const Tensor& x, const RmsNorm& norm);
  // Normalizes each head of x [n_rows, n_head * norm.weight.size()] in place, all with the same weight.
  void rms_norm_heads(Tensor& x, const RmsNorm& norm);
  void add(Tensor& x, const Tensor& y);  // x += y
  void scale(Tensor& x, float factor);   // x *= factor
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
  void silu_mul(Tensor& gate, const Tensor& up);  // gate = silu(gate) * up
  // The cosines and sines of this batch's positions; all layers turn by the same.
  Rotation rotation(const Rope& rope);
  // Rotates the first dimensions of each head of x [n_rows, n_head * head_dim] by its token's position.
  void rope(Tensor& x, size_t head_dim, const Rotation& rotation);
  // Stores k and v [n_rows, n_kv_head * head_dim] of the current layer, then causal attention of
  // q [n_rows, n_head * head_dim] over each row's own sequence -> like q.
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape);
  // Only the rows whose logits are wanted: after the last layer's attention nothing looks at the others.
  void keep_outputs(Tensor& x) { x = select_outputs(x); }
  // The same for the residual stream and what is about to be added to it.
  void keep_outputs(Tensor& x, Tensor& y) { keep_outputs(x), keep_outputs(y); }
  // x [n_outputs, n_embd] -> the caller's hidden states and logits, for what an architecture still does to the latter.
  Tensor logits(const Tensor& x, const Matrix& output);

 private:
  struct AttentionItem;

  Tensor allocate(size_t rows, size_t cols);
  Tensor select_outputs(const Tensor& x);
  // x in the forms that these weights multiply with.
  HearthColumns columns(const Tensor& x, std::span<const Linear* const> weights);
  void multiply(const Tensor& x, std::span<const Linear* const> weights, std::span<Tensor> results);
  void store_kv(const Tensor& k, const Tensor& v, const AttentionShape& shape);
  void attend_item(const AttentionItem& item, const Tensor& q, const Tensor& out, const AttentionShape& shape);
  // body(row) for each row; on all threads when there is enough work in `cost` elements a row.
  template <class Body>
  void for_rows(size_t rows, size_t cost, Body&& body);

  const HearthKernels& kernels_;
  Pool& pool_;
  Scratch& scratch_;
  kv::Cache& cache_;
  const Trace& trace_;
  const Batch& batch_;
  float* logits_;
  float* hidden_;
  const int32_t context_tokens_;
  const bool counts_;  // scratch only
  int layer_ = -1;
  size_t layer_mark_ = 0;  // scratch position behind what outlives a layer
};

}  // namespace hearth
