// The SmolLM3 decoder (Hugging Face 2025): as LLaMA, but every fourth layer attends without positions (NoPE, Yang et
// al. 2025, arXiv:2501.18795).
#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  RmsNorm attn_norm;  // [n_embd]
  AttentionWeights attn;
  RmsNorm ffn_norm;  // [n_embd]
  FeedForward ffn;
};

class SmolLm3 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.name("embed", x);
    const Rotation rotation = p.rotation(rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w.attn, has_positions(il) ? &rotation : nullptr);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.add_residual(x, attended);
      p.name("attn_residual", x);
      p.add_residual(x, swiglu(p, p.rms_norm(x, w.ffn_norm), w.ffn));
      p.name("layer", x);
    }
    p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "smollm3");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::neighbours, &rope_));
    heads_ = h.attention_shape();

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      read.layer(il);
      layers_.push_back({.attn_norm = read.norm("attn_norm", h.n_embd),
                         .attn = read_attention(read, h),
                         .ffn_norm = read.norm("ffn_norm", h.n_embd),
                         .ffn = read_feed_forward(read, h.n_ff, h.n_embd)});
    }
    return read.status();
  }

 private:
  static bool has_positions(size_t il) { return (il + 1) % 4 != 0; }

  Tensor attention(Pass& p, const Tensor& x, const AttentionWeights& w, const Rotation* rotation) const {
    auto [q, k, v] = p.linear(x, std::array{&w.q, &w.k, &w.v});
    if (rotation != nullptr) {
      p.rope(q, heads_.head_dim, *rotation);
      p.rope(k, heads_.head_dim, *rotation);
    }
    p.name("q", q);
    p.name("k", k);
    p.name("v", v);
    const Tensor attended = p.attention(q, k, v, heads_);
    p.name("attended", attended);
    return p.linear(attended, w.output);
  }

  AttentionShape heads_{};
  Rope rope_;
  std::vector<Layer> layers_;
};

}  // namespace

Status load_smollm3(const GgufFile& file, ArchitecturePtr* architecture) {
  return load_as<SmolLm3>(file, architecture);
}

}  // namespace hearth
