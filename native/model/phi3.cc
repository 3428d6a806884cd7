// The Phi-3 decoder (Abdin et al. 2024, arXiv:2404.14219), of Phi-3.5 and Phi-4-mini too: as LLaMA, but RoPE turns the
// two halves of a head, and longer contexts have factors for each frequency (LongRoPE, Ding et al. 2024,
// arXiv:2402.13753). The sliding window that some files name is not applied: published models have either trained
// without it, or a window that no board's context reaches.
#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  RmsNorm attn_norm;  // [n_embd]
  AttentionWeights attn;
  RmsNorm ffn_norm;  // [n_embd]
  FeedForward ffn;
};

class Phi3 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.name("embed", x);
    // One choice for a whole context: keys in the cache were turned by it.
    const Rotation rotation = p.rotation(p.context_tokens() > original_context_ ? long_rope_ : short_rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w.attn, heads_, rotation);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.add_residual(x, attended);
      p.name("attn_residual", x);
      p.add_residual(x, swiglu(p, p.rms_norm(x, w.ffn_norm), w.ffn));
      p.name("layer", x);
    }
    p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "phi3");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(read_ropes(h));
    heads_ = h.attention_shape();

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      read.layer(il);
      layers_.push_back({.attn_norm = read.norm("attn_norm", h.n_embd),
                         .attn = read_fused_attention(read, h),
                         .ffn_norm = read.norm("ffn_norm", h.n_embd),
                         .ffn = read_fused_feed_forward(read, h)});
    }
    return read.status();
  }

 private:
  Status read_ropes(const HyperParameters& h) {
    uint32_t original_context = h.n_ctx_train;
    HEARTH_RETURN_IF_ERROR(
        h.count("rope.scaling.original_context_length", HyperParameters::kMaxContext, false, &original_context));
    original_context_ = static_cast<int32_t>(original_context);
    RopeOptions rope;
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope));
    HEARTH_RETURN_IF_ERROR(h.read_rope_factors("rope_factors_short.weight", &rope));
    short_rope_ = Rope(rope);
    HEARTH_RETURN_IF_ERROR(h.read_rope_factors("rope_factors_long.weight", &rope));
    long_rope_ = Rope(rope);
    return {};
  }

  // The file has queries, keys and values in one matrix, and gate and up in another.
  static AttentionWeights read_fused_attention(WeightReader& read, const HyperParameters& h) {
    const uint64_t q_rows = uint64_t{h.n_head} * h.head_dim, kv_rows = uint64_t{h.n_head_kv} * h.head_dim;
    const Linear qkv = read.linear("attn_qkv", q_rows + 2 * kv_rows, h.n_embd);
    return {.q = qkv.slice(0, q_rows),
            .k = qkv.slice(q_rows, kv_rows),
            .v = qkv.slice(q_rows + kv_rows, kv_rows),
            .output = read.linear("attn_output", h.n_embd, q_rows),
            .q_norm = {},
            .k_norm = {}};
  }
  static FeedForward read_fused_feed_forward(WeightReader& read, const HyperParameters& h) {
    const Linear gate_up = read.linear("ffn_up", uint64_t{2} * h.n_ff, h.n_embd);
    return {.gate = gate_up.slice(0, h.n_ff),
            .up = gate_up.slice(h.n_ff, h.n_ff),
            .down = read.linear("ffn_down", h.n_embd, h.n_ff)};
  }

  AttentionShape heads_{};
  int32_t original_context_ = 0;
  Rope short_rope_, long_rope_;  // for contexts up to the original one, and for longer ones
  std::vector<Layer> layers_;
};

}  // namespace

Status load_phi3(const GgufFile& file, ArchitecturePtr* architecture) { return load_as<Phi3>(file, architecture); }

}  // namespace hearth
