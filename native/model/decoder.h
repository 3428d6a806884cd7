// The parts that decoders share: the embedding before the first layer, the norm and the output matrix behind the
// last, and the blocks that several of them are made of, each with its weights. Knows no architecture.
#pragma once

#include <string>
#include <vector>

#include "model/architectures.h"
#include "model/hparams.h"
#include "model/rope.h"
#include "model/tensor.h"
#include "model/weights.h"

namespace hearth {

class Decoder : public Architecture {
 public:
  const Dimensions& dimensions() const override { return dimensions_; }

 protected:
  // Sets the members below.
  void read_frame(const HyperParameters& h, WeightReader& read, const std::string& output_norm = "output_norm");
  bool is_last(size_t il) const { return il + 1 == dimensions_.n_layer; }

  void set_window(size_t il, uint32_t window) { dimensions_.kv.layers[il].window = static_cast<int32_t>(window); }

  Dimensions dimensions_;
  Matrix token_embd_;    // [n_vocab, n_embd]
  RmsNorm output_norm_;  // [n_embd]
  Matrix output_;        // [n_vocab, n_embd]; token_embd_ where tied
};

struct AttentionWeights {
  Linear q;                // [n_head * head_dim, n_embd]
  Linear k, v;             // [n_kv_head * head_dim, n_embd]
  Linear output;           // [n_embd, n_head * head_dim]
  RmsNorm q_norm, k_norm;  // [head_dim], of each head; empty in architectures without
};
AttentionWeights read_attention(WeightReader& read, const HyperParameters& h);
AttentionWeights read_attention_with_norms(WeightReader& read, const HyperParameters& h);
// Queries and keys, normalized where the weights say so, turned by their positions; causal attention; its output.
Tensor attention(Pass& p, const Tensor& x, const AttentionWeights& w, const AttentionShape& heads,
                 const Rotation& rotation);

// A feed-forward network with a gate (Shazeer 2020, arXiv:2002.05202).
struct FeedForward {
  Linear gate, up;  // [n_ff, n_embd]
  Linear down;      // [n_embd, n_ff]
};
FeedForward read_feed_forward(WeightReader& read, uint64_t n_ff, uint64_t n_embd);
// down(silu(gate(x)) * up(x))
Tensor swiglu(Pass& p, const Tensor& x, const FeedForward& w);

// down(gelu(gate(x)) * up(x))
Tensor geglu(Pass& p, const Tensor& x, const FeedForward& w);

// `shape` with the layer's matrices.
Experts read_experts(WeightReader& read, const Experts& shape, uint64_t n_ff, uint64_t n_embd);

}  // namespace hearth
