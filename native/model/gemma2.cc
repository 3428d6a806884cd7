// The Gemma 2 decoder (Gemma Team 2024, arXiv:2408.00118): norms before and behind both blocks, layers that attend
// within a sliding window in turn with layers that attend to all tokens, GEGLU, and softcaps on scores and logits.
#include <cmath>

#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  RmsNorm attn_norm;  // [n_embd], like all norms
  AttentionWeights attn;
  RmsNorm post_attn_norm;
  RmsNorm ffn_norm;
  FeedForward ffn;
  RmsNorm post_ffn_norm;
};

class Gemma2 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.scale(x, std::sqrt(static_cast<float>(x.cols)));
    p.name("embed", x);
    const Rotation rotation = p.rotation(rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w.attn, heads_, rotation);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.add_residual(x, p.rms_norm(attended, w.post_attn_norm));
      p.name("attn_residual", x);
      p.add_residual(x, p.rms_norm(geglu(p, p.rms_norm(x, w.ffn_norm), w.ffn), w.post_ffn_norm));
      p.name("layer", x);
    }
    Tensor logits = p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
    if (logit_softcap_ > 0) p.softcap(logits, logit_softcap_);
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "gemma2");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope_));
    heads_ = h.attention_shape();
    constexpr uint32_t kLayersOf27B = 46;  // which alone scales scores by the width of its embedding
    if (h.n_layer == kLayersOf27B) heads_.scale = 1.0f / std::sqrt(static_cast<float>(h.n_embd) / h.n_head);
    heads_.softcap = 50.0f;
    HEARTH_RETURN_IF_ERROR(h.not_negative("attn_logit_softcapping", 1e6, &heads_.softcap));
    HEARTH_RETURN_IF_ERROR(h.not_negative("final_logit_softcapping", 1e6, &logit_softcap_));
    uint32_t window = 4096;
    std::vector<bool> is_local;
    HEARTH_RETURN_IF_ERROR(h.read_window(2, &window, &is_local));

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      if (is_local[il]) set_window(il, window);
      read.layer(il);
      layers_.push_back({.attn_norm = read.norm("attn_norm", h.n_embd),
                         .attn = read_attention(read, h),
                         .post_attn_norm = read.norm("post_attention_norm", h.n_embd),
                         .ffn_norm = read.norm("ffn_norm", h.n_embd),
                         .ffn = read_feed_forward(read, h.n_ff, h.n_embd),
                         .post_ffn_norm = read.norm("post_ffw_norm", h.n_embd)});
    }
    return read.status();
  }

 private:
  AttentionShape heads_{};
  Rope rope_;
  float logit_softcap_ = 30.0f;  // 0: off
  std::vector<Layer> layers_;
};

}  // namespace

Status load_gemma2(const GgufFile& file, ArchitecturePtr* architecture) { return load_as<Gemma2>(file, architecture); }

}  // namespace hearth
