// The Granite 3 and 4 dense decoder (IBM 2024): as LLaMA, but the embedding, the attention scores, each block's share
// of the residual stream and the logits have multipliers of their own (after Yang et al. 2022, arXiv:2203.03466).
#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  RmsNorm attn_norm;  // [n_embd]
  AttentionWeights attn;
  RmsNorm ffn_norm;  // [n_embd]
  FeedForward ffn;
};

class Granite final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.scale(x, embedding_scale_);
    p.name("embed", x);
    const Rotation rotation = p.rotation(rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w.attn, heads_, rotation);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.scale(attended, residual_scale_);
      p.add_residual(x, attended);
      p.name("attn_residual", x);
      Tensor fed = swiglu(p, p.rms_norm(x, w.ffn_norm), w.ffn);
      p.scale(fed, residual_scale_);
      p.add_residual(x, fed);
      p.name("layer", x);
    }
    Tensor logits = p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
    p.scale(logits, 1.0f / logit_scale_);
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "granite");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::neighbours, &rope_));
    heads_ = h.attention_shape();
    HEARTH_RETURN_IF_ERROR(h.positive("attention.scale", 1e3, &heads_.scale));
    HEARTH_RETURN_IF_ERROR(h.positive("embedding_scale", 1e6, &embedding_scale_));
    HEARTH_RETURN_IF_ERROR(h.positive("residual_scale", 1e3, &residual_scale_));
    HEARTH_RETURN_IF_ERROR(h.positive("logit_scale", 1e6, &logit_scale_));

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
  AttentionShape heads_{};
  float embedding_scale_ = 1, residual_scale_ = 1;
  float logit_scale_ = 1;  // divides
  Rope rope_;
  std::vector<Layer> layers_;
};

}  // namespace

Status load_granite(const GgufFile& file, ArchitecturePtr* architecture) {
  return load_as<Granite>(file, architecture);
}

}  // namespace hearth
