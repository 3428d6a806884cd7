// The LFM2 decoder (Liquid AI 2025, arXiv:2511.23404): most layers mix tokens by a gated convolution over the last few,
// the others by attention as Qwen3's. In LFM2-MoE all but the first feed-forward networks are mixtures of experts.
#include "model/decoder.h"

namespace hearth {
namespace {

struct ShortConv {
  Linear b, c, x;                 // [n_embd, n_embd]
  std::span<const float> filter;  // [n_embd, taps]
  Linear output;                  // [n_embd, n_embd]
};

struct Layer {
  bool is_attention = false;
  bool is_dense = true;
  RmsNorm mixer_norm;  // [n_embd]
  AttentionWeights attn;
  ShortConv conv;
  RmsNorm ffn_norm;  // [n_embd]
  FeedForward ffn;
  Experts experts;
};

class Lfm2 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.name("embed", x);
    const Rotation rotation = p.rotation(rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      const Tensor normed = p.rms_norm(x, w.mixer_norm);
      Tensor mixed = w.is_attention ? attention(p, normed, w.attn, heads_, rotation) : short_conv(p, normed, w.conv);
      if (is_last(il)) p.keep_outputs(x, mixed);
      p.add_residual(x, mixed);
      p.name("mixer_residual", x);
      const Tensor fed = p.rms_norm(x, w.ffn_norm);
      std::optional<NextExperts> next;
      if (!is_last(il)) next = {&x, &layers_[il + 1].ffn_norm, &layers_[il + 1].experts};
      p.add_residual(x, w.is_dense ? swiglu(p, fed, w.ffn) : p.experts(fed, w.experts, next));
      p.name("layer", x);
    }
    p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
  }

  Status load(const GgufFile& file, const std::string& name, bool has_experts) {
    HyperParameters h(file, name);
    HEARTH_RETURN_IF_ERROR(h.read_common(KvHeads::same_or_none));
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope_));
    HEARTH_RETURN_IF_ERROR(h.count("shortconv.l_cache", kMaxConvTaps, true, &taps_));
    heads_ = h.attention_shape();
    Experts experts;
    uint32_t n_expert_ff = 0, n_dense = h.n_layer;
    if (has_experts) {
      experts.gate = Experts::Gate::sigmoid;
      n_dense = 0;
      HEARTH_RETURN_IF_ERROR(h.read_experts(&experts, &n_expert_ff));
      HEARTH_RETURN_IF_ERROR(h.optional_count("leading_dense_block_count", h.n_layer, &n_dense));
    }

    WeightReader read(file, h.norm_eps);
    read_frame(h, read, "token_embd_norm");
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      read.layer(il);
      Layer w;
      w.is_attention = h.layer_n_head_kv[il] > 0;
      w.is_dense = il < n_dense;
      w.mixer_norm = read.norm("attn_norm", h.n_embd);
      if (w.is_attention) {
        w.attn = read_attention_with_norms(read, h);
      } else {
        w.conv = read_conv(read, h.n_embd);
        dimensions_.kv.layers[il].state_floats = size_t{taps_ - 1} * h.n_embd;
      }
      w.ffn_norm = read.norm("ffn_norm", h.n_embd);
      if (w.is_dense) {
        w.ffn = read_feed_forward(read, h.layer_n_ff[il], h.n_embd);
      } else {
        w.experts = read_experts(read, experts, n_expert_ff, h.n_embd);
      }
      layers_.push_back(w);
    }
    return read.status();
  }

 private:
  // c * conv(b * x), each a projection of the input.
  Tensor short_conv(Pass& p, const Tensor& input, const ShortConv& w) const {
    auto [b, c, x] = p.linear(input, std::array{&w.b, &w.c, &w.x});
    p.mul(x, b);
    p.mul(c, p.causal_conv(x, w.filter, taps_));
    p.name("convolved", c);
    return p.linear(c, w.output);
  }

  // The file has b, c and x in one matrix.
  ShortConv read_conv(WeightReader& read, uint32_t n_embd) const {
    const Linear bcx = read.linear("shortconv.in_proj", uint64_t{3} * n_embd, n_embd);
    return {.b = bcx.slice(0, n_embd),
            .c = bcx.slice(n_embd, n_embd),
            .x = bcx.slice(size_t{2} * n_embd, n_embd),
            .filter = read.filter("shortconv.conv", n_embd, taps_),
            .output = read.linear("shortconv.out_proj", n_embd, n_embd)};
  }

  AttentionShape heads_{};
  Rope rope_;
  uint32_t taps_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace

Status load_lfm2(const GgufFile& file, ArchitecturePtr* architecture) {
  return load_as<Lfm2>(file, architecture, "lfm2", false);
}

Status load_lfm2moe(const GgufFile& file, ArchitecturePtr* architecture) {
  return load_as<Lfm2>(file, architecture, "lfm2moe", true);
}

}  // namespace hearth
