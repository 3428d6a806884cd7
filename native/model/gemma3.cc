// The Gemma 3 decoder (Gemma Team 2025, arXiv:2503.19786): as Gemma 2, but norms on each head's query and key take the
// place of the softcaps, five of six layers attend within a sliding window, and these have a RoPE base of their own.
#include <cmath>

#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  RmsNorm attn_norm;      // [n_embd], like all norms
  AttentionWeights attn;  // with norms of heads
  RmsNorm post_attn_norm;
  RmsNorm ffn_norm;
  FeedForward ffn;
  RmsNorm post_ffn_norm;
};

class Gemma3 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.scale(x, std::sqrt(static_cast<float>(x.cols)));
    p.name("embed", x);
    const Rotation global = p.rotation(global_rope_), local = p.rotation(local_rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w.attn, heads_, is_local_[il] ? local : global);
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
    HyperParameters h(file, "gemma3");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(read_ropes(h));
    heads_ = h.attention_shape();
    constexpr uint32_t kLayersOf27B = 62;  // which alone scales scores by the width of its embedding
    if (h.n_layer == kLayersOf27B) heads_.scale = 1.0f / std::sqrt(static_cast<float>(h.n_embd) / h.n_head);
    HEARTH_RETURN_IF_ERROR(h.not_negative("final_logit_softcapping", 1e6, &logit_softcap_));
    uint32_t window = 0;
    HEARTH_RETURN_IF_ERROR(h.read_window(6, &window, &is_local_));

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      if (is_local_[il]) set_window(il, window);
      read.layer(il);
      layers_.push_back({.attn_norm = read.norm("attn_norm", h.n_embd),
                         .attn = read_attention_with_norms(read, h),
                         .post_attn_norm = read.norm("post_attention_norm", h.n_embd),
                         .ffn_norm = read.norm("ffn_norm", h.n_embd),
                         .ffn = read_feed_forward(read, h.n_ff, h.n_embd),
                         .post_ffn_norm = read.norm("post_ffw_norm", h.n_embd)});
    }
    return read.status();
  }

 private:
  // Only the layers that see all tokens have the long base and its scaling.
  Status read_ropes(const HyperParameters& h) {
    RopeOptions rope;
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope));
    global_rope_ = Rope(rope);
    double local_base = 10000.0;
    HEARTH_RETURN_IF_ERROR(h.positive("rope.freq_base_swa", 1e12, &local_base));
    local_rope_ = Rope({.pairs = rope.pairs, .n_dims = rope.n_dims, .freq_base = local_base});
    return {};
  }

  AttentionShape heads_{};
  Rope global_rope_, local_rope_;
  float logit_softcap_ = 0;     // 0: off
  std::vector<bool> is_local_;  // [n_layer]
  std::vector<Layer> layers_;
};

}  // namespace

Status load_gemma3(const GgufFile& file, ArchitecturePtr* architecture) { return load_as<Gemma3>(file, architecture); }

}  // namespace hearth
