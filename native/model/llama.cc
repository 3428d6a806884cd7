#include "model/llama.h"

#include "model/hparams.h"
#include "model/weights.h"

namespace hearth {

void Llama::forward(Pass& p) const {
  Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
  p.name("embed", x);
  const Rotation rotation = p.rotation(rope_);
  for (size_t il = 0; il < layers_.size(); ++il) {
    const Layer& w = layers_[il];
    p.layer(static_cast<int>(il));
    Tensor attended = attention(p, p.rms_norm(x, w.attn_norm, norm_eps_), w, rotation);
    if (il + 1 == layers_.size()) {
      x = p.select_outputs(x);
      attended = p.select_outputs(attended);
    }
    p.add(x, attended);
    p.name("attn_residual", x);
    p.add(x, swiglu(p, p.rms_norm(x, w.ffn_norm, norm_eps_), w));
    p.name("layer", x);
  }
  p.logits(p.rms_norm(x, output_norm_, norm_eps_), output_);  // [n_outputs, n_vocab]
}

Tensor Llama::attention(Pass& p, const Tensor& x, const Layer& w, const Rotation& rotation) const {
  auto [q, k, v] = p.linear(x, std::array{&w.wq, &w.wk, &w.wv});
  p.rope(q, heads_.head_dim, rotation);
  p.rope(k, heads_.head_dim, rotation);
  p.name("q", q);
  p.name("k", k);
  p.name("v", v);
  const Tensor attended = p.attention(q, k, v, heads_);
  p.name("attended", attended);
  return p.linear(attended, w.wo);
}

Tensor Llama::swiglu(Pass& p, const Tensor& x, const Layer& w) const {
  auto [gate, up] = p.linear(x, std::array{&w.gate, &w.up});
  p.silu_mul(gate, up);
  p.name("ffn_gated", gate);
  return p.linear(gate, w.down);
}

Status Llama::load(const GgufFile& file, std::unique_ptr<const Architecture>* architecture) {
  auto llama = std::make_unique<Llama>();
  HEARTH_RETURN_IF_ERROR(llama->read_config(file));
  HEARTH_RETURN_IF_ERROR(llama->read_weights(file));
  *architecture = std::move(llama);
  return {};
}

Status Llama::read_config(const GgufFile& file) {
  HyperParameters h(file, "llama");
  HEARTH_RETURN_IF_ERROR(h.read_common());
  HEARTH_RETURN_IF_ERROR(h.refuse_experts());
  n_ff_ = h.n_ff;
  norm_eps_ = h.norm_eps;
  heads_ = h.attention_shape();
  dimensions_ = h.dimensions();
  RopeOptions rope;
  HEARTH_RETURN_IF_ERROR(h.read_rope(&rope));
  rope_ = Rope(rope);
  // Between two layers: the residual and its selection, both norms, q, k, v, the attention's two results, the
  // feed-forward's three, and the rotation.
  dimensions_.scratch_floats_per_row =
      8 * h.n_embd + 2 * h.n_head * h.head_dim + 2 * h.n_head_kv * h.head_dim + 2 * h.n_ff + h.head_dim;
  return {};
}

Status Llama::read_weights(const GgufFile& file) {
  const WeightReader read(file);
  const uint64_t n_embd = dimensions_.n_embd, n_vocab = dimensions_.n_vocab;
  const uint64_t q_rows = heads_.n_head * heads_.head_dim, kv_rows = heads_.n_kv_head * heads_.head_dim;
  HEARTH_RETURN_IF_ERROR(read.matrix("token_embd.weight", n_vocab, n_embd, &token_embd_));
  HEARTH_RETURN_IF_ERROR(read.vector("output_norm.weight", n_embd, &output_norm_));
  output_ = token_embd_;
  HEARTH_RETURN_IF_ERROR(read.optional_matrix("output.weight", n_vocab, n_embd, &output_));
  layers_.resize(dimensions_.n_layer);
  for (size_t il = 0; il < layers_.size(); ++il) {
    Layer& w = layers_[il];
    const std::string blk = "blk." + std::to_string(il) + ".";
    HEARTH_RETURN_IF_ERROR(read.vector(blk + "attn_norm.weight", n_embd, &w.attn_norm));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "attn_q", q_rows, n_embd, &w.wq));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "attn_k", kv_rows, n_embd, &w.wk));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "attn_v", kv_rows, n_embd, &w.wv));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "attn_output", n_embd, q_rows, &w.wo));
    HEARTH_RETURN_IF_ERROR(read.vector(blk + "ffn_norm.weight", n_embd, &w.ffn_norm));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "ffn_gate", n_ff_, n_embd, &w.gate));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "ffn_up", n_ff_, n_embd, &w.up));
    HEARTH_RETURN_IF_ERROR(read.linear(blk + "ffn_down", n_embd, n_ff_, &w.down));
  }
  return {};
}

}  // namespace hearth
