#include "model/decoder.h"

namespace hearth {

void Decoder::read_frame(const HyperParameters& h, WeightReader& read, const std::string& output_norm) {
  dimensions_ = h.dimensions();
  token_embd_ = read.matrix("token_embd", h.n_vocab, h.n_embd);
  output_norm_ = read.norm(output_norm, h.n_embd);
  output_ = read.optional_matrix("output", h.n_vocab, h.n_embd);
  if (!output_) output_ = token_embd_;
}

AttentionWeights read_attention(WeightReader& read, const HyperParameters& h) {
  const uint64_t q_rows = uint64_t{h.n_head} * h.head_dim, kv_rows = uint64_t{h.n_head_kv} * h.head_dim;
  return {.q = read.linear("attn_q", q_rows, h.n_embd),
          .k = read.linear("attn_k", kv_rows, h.n_embd),
          .v = read.linear("attn_v", kv_rows, h.n_embd),
          .output = read.linear("attn_output", h.n_embd, q_rows),
          .q_norm = {},
          .k_norm = {}};
}

AttentionWeights read_attention_with_norms(WeightReader& read, const HyperParameters& h) {
  AttentionWeights w = read_attention(read, h);
  w.q_norm = read.norm("attn_q_norm", h.head_dim);
  w.k_norm = read.norm("attn_k_norm", h.head_dim);
  return w;
}

Tensor attention(Pass& p, const Tensor& x, const AttentionWeights& w, const AttentionShape& heads,
                 const Rotation& rotation) {
  auto [q, k, v] = p.linear(x, std::array{&w.q, &w.k, &w.v});
  if (!w.q_norm.weight.empty()) {
    p.rms_norm_heads(q, w.q_norm);
    p.rms_norm_heads(k, w.k_norm);
  }
  p.rope(q, heads.head_dim, rotation);
  p.rope(k, heads.head_dim, rotation);
  p.name("q", q);
  p.name("k", k);
  p.name("v", v);
  const Tensor attended = p.attention(q, k, v, heads);
  p.name("attended", attended);
  return p.linear(attended, w.output);
}

FeedForward read_feed_forward(WeightReader& read, uint64_t n_ff, uint64_t n_embd) {
  return {.gate = read.linear("ffn_gate", n_ff, n_embd),
          .up = read.linear("ffn_up", n_ff, n_embd),
          .down = read.linear("ffn_down", n_embd, n_ff)};
}

Tensor swiglu(Pass& p, const Tensor& x, const FeedForward& w) {
  auto [gate, up] = p.linear(x, std::array{&w.gate, &w.up});
  p.silu_mul(gate, up);
  p.forget(up);
  p.name("ffn_gated", gate);
  return p.linear(gate, w.down);
}

Tensor geglu(Pass& p, const Tensor& x, const FeedForward& w) {
  auto [gate, up] = p.linear(x, std::array{&w.gate, &w.up});
  p.gelu_mul(gate, up);
  p.forget(up);
  p.name("ffn_gated", gate);
  return p.linear(gate, w.down);
}

Experts read_experts(WeightReader& read, const Experts& shape, uint64_t n_ff, uint64_t n_embd) {
  Experts w = shape;
  w.router = read.matrix("ffn_gate_inp", w.n_expert, n_embd);
  w.selection_bias = read.optional_vector("exp_probs_b.bias", w.n_expert);
  w.gates = read.experts("ffn_gate_exps", w.n_expert, n_ff, n_embd);
  w.ups = read.experts("ffn_up_exps", w.n_expert, n_ff, n_embd);
  w.downs = read.experts("ffn_down_exps", w.n_expert, n_embd, n_ff);
  return w;
}

}  // namespace hearth
