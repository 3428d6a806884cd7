// The OLMo 2 decoder (OLMo team 2024, arXiv:2501.00656): as LLaMA, but the norms stand behind attention and
// feed-forward network and not before them, queries and keys are normalized over all heads together, and RoPE turns the
// two halves of a head. In OLMo 3 three of four layers attend within a sliding window, and only the others have their
// RoPE scaled.
#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  AttentionWeights attn;
  RmsNorm q_norm;          // [n_head * head_dim]
  RmsNorm k_norm;          // [n_kv_head * head_dim]
  RmsNorm post_attn_norm;  // [n_embd]
  FeedForward ffn;
  RmsNorm post_ffn_norm;  // [n_embd]
};

class Olmo2 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.name("embed", x);
    const Rotation global = p.rotation(global_rope_), local = p.rotation(local_rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, x, w, is_local_[il] ? local : global);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.add_residual(x, p.rms_norm(attended, w.post_attn_norm));
      p.name("attn_residual", x);
      p.add_residual(x, p.rms_norm(swiglu(p, x, w.ffn), w.post_ffn_norm));
      p.name("layer", x);
    }
    p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "olmo2");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    RopeOptions rope;
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope));
    global_rope_ = Rope(rope);
    local_rope_ = Rope({.pairs = rope.pairs, .n_dims = rope.n_dims, .freq_base = rope.freq_base});
    uint32_t window = 0;
    HEARTH_RETURN_IF_ERROR(h.read_window(4, &window, &is_local_));
    heads_ = h.attention_shape();

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      if (is_local_[il]) set_window(il, window);
      read.layer(il);
      layers_.push_back({.attn = read_attention(read, h),
                         .q_norm = read.norm("attn_q_norm", heads_.n_head * heads_.head_dim),
                         .k_norm = read.norm("attn_k_norm", heads_.n_kv_head * heads_.head_dim),
                         .post_attn_norm = read.norm("post_attention_norm", h.n_embd),
                         .ffn = read_feed_forward(read, h.n_ff, h.n_embd),
                         .post_ffn_norm = read.norm("post_ffw_norm", h.n_embd)});
    }
    return read.status();
  }

 private:
  Tensor attention(Pass& p, const Tensor& x, const Layer& w, const Rotation& rotation) const {
    auto [q, k, v] = p.linear(x, std::array{&w.attn.q, &w.attn.k, &w.attn.v});
    p.rms_norm_heads(q, w.q_norm);  // one head of the whole width
    p.rms_norm_heads(k, w.k_norm);
    p.rope(q, heads_.head_dim, rotation);
    p.rope(k, heads_.head_dim, rotation);
    p.name("q", q);
    p.name("k", k);
    p.name("v", v);
    const Tensor attended = p.attention(q, k, v, heads_);
    p.name("attended", attended);
    return p.linear(attended, w.attn.output);
  }

  AttentionShape heads_{};
  Rope global_rope_, local_rope_;
  std::vector<bool> is_local_;  // [n_layer]; OLMo 2 itself has none
  std::vector<Layer> layers_;
};

}  // namespace

Status load_olmo2(const GgufFile& file, ArchitecturePtr* architecture) { return load_as<Olmo2>(file, architecture); }

}  // namespace hearth
