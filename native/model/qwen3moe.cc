// The Qwen3 mixture of experts (Yang et al. 2025, arXiv:2505.09388): as Qwen3, but each token's feed-forward network is
// the sum of the experts that a router chooses.
#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  RmsNorm attn_norm;      // [n_embd]
  AttentionWeights attn;  // with norms
  RmsNorm ffn_norm;       // [n_embd]
  Experts experts;
};

class Qwen3Moe final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.name("embed", x);
    const Rotation rotation = p.rotation(rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w.attn, heads_, rotation);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.add_residual(x, attended);
      p.name("attn_residual", x);
      std::optional<NextExperts> next;
      if (!is_last(il)) next = {&x, &layers_[il + 1].ffn_norm, &layers_[il + 1].experts};
      p.add_residual(x, p.experts(p.rms_norm(x, w.ffn_norm), w.experts, next));
      p.name("layer", x);
    }
    p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "qwen3moe");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope_));
    heads_ = h.attention_shape();
    Experts experts;
    uint32_t n_expert_ff = 0;
    HEARTH_RETURN_IF_ERROR(h.read_experts(&experts, &n_expert_ff));

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      read.layer(il);
      layers_.push_back({.attn_norm = read.norm("attn_norm", h.n_embd),
                         .attn = read_attention_with_norms(read, h),
                         .ffn_norm = read.norm("ffn_norm", h.n_embd),
                         .experts = read_experts(read, experts, n_expert_ff, h.n_embd)});
    }
    return read.status();
  }

 private:
  AttentionShape heads_{};
  Rope rope_;
  std::vector<Layer> layers_;
};

}  // namespace

Status load_qwen3moe(const GgufFile& file, ArchitecturePtr* architecture) {
  return load_as<Qwen3Moe>(file, architecture);
}

}  // namespace hearth
