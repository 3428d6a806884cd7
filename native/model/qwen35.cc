// The Qwen3.5 decoder (Qwen Team 2026): most layers remember by a gated delta rule (Yang et al. 2024,
// arXiv:2412.06464), every fourth attends, with a gate on what it attended to; SwiGLU.
#include <cmath>

#include "model/decoder.h"

namespace hearth {
namespace {

struct GatedAttention {
  Linear q_gate;           // [n_head * 2 * head_dim, n_embd]: each head's query, then its gate
  Linear k, v;             // [n_kv_head * head_dim, n_embd]
  RmsNorm q_norm, k_norm;  // [head_dim]
  Linear output;           // [n_embd, n_head * head_dim]
};

struct DeltaNet {
  Linear qkv;                     // [2 * keys + values, n_embd]
  std::span<const float> filter;  // [2 * keys + values, taps]
  Linear gate;                    // [values, n_embd]
  Linear alpha, beta;             // [n_v_head, n_embd]
  std::span<const float> dt, a;   // [n_v_head]
  RmsNorm norm;                   // [d_v]
  Linear output;                  // [n_embd, values]
};

struct Layer {
  bool is_attention = false;
  RmsNorm mixer_norm;  // [n_embd]
  GatedAttention attn;
  DeltaNet delta;
  RmsNorm ffn_norm;  // [n_embd]
  FeedForward ffn;
};

class Qwen35 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.name("embed", x);
    const Rotation rotation = p.rotation(rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      const Tensor normed = p.rms_norm(x, w.mixer_norm);
      Tensor mixed = w.is_attention ? gated_attention(p, normed, w.attn, rotation) : delta_net(p, normed, w.delta);
      if (is_last(il)) p.keep_outputs(x, mixed);
      p.add_residual(x, mixed);
      p.name("mixer_residual", x);
      p.add_residual(x, swiglu(p, p.rms_norm(x, w.ffn_norm), w.ffn));
      p.name("layer", x);
    }
    p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "qwen35");
    HEARTH_RETURN_IF_ERROR(h.read_common());
    HEARTH_RETURN_IF_ERROR(h.refuse_experts());
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope_));
    HEARTH_RETURN_IF_ERROR(read_delta_shape(h));
    heads_ = h.attention_shape();
    norm_eps_ = h.norm_eps;

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      read.layer(il);
      Layer w;
      w.is_attention = (il + 1) % attention_interval_ == 0;
      w.mixer_norm = read.norm("attn_norm", h.n_embd);
      if (w.is_attention) {
        w.attn = read_attention(read, h);
      } else {
        w.delta = read_delta(read, h.n_embd);
        dimensions_.kv.layers[il] = {};
        dimensions_.kv.layers[il].state_floats = conv_floats() + shape_.state_floats();
      }
      w.ffn_norm = read.norm("post_attention_norm", h.n_embd);
      w.ffn = read_feed_forward(read, h.n_ff, h.n_embd);
      layers_.push_back(w);
    }
    return read.status();
  }

 private:
  Tensor gated_attention(Pass& p, const Tensor& x, const GatedAttention& w, const Rotation& rotation) const {
    auto [q_gate, k, v] = p.linear(x, std::array{&w.q_gate, &w.k, &w.v});
    auto [q, gate] = p.split(q_gate, std::array{heads_.head_dim, heads_.head_dim});
    p.rms_norm_heads(q, w.q_norm);
    p.rms_norm_heads(k, w.k_norm);
    p.rope(q, heads_.head_dim, rotation);
    p.rope(k, heads_.head_dim, rotation);
    p.name("q", q);
    p.name("k", k);
    Tensor attended = p.attention(q, k, v, heads_);
    p.sigmoid_mul(attended, gate);
    p.name("attended", attended);
    return p.linear(attended, w.output);
  }

  Tensor delta_net(Pass& p, const Tensor& x, const DeltaNet& w) const {
    auto [qkv, gate, alpha, beta] = p.linear(x, std::array{&w.qkv, &w.gate, &w.alpha, &w.beta});
    Tensor mixed = p.causal_conv(qkv, w.filter, taps_);
    p.silu(mixed);
    auto [q, k, v] = p.split(mixed, std::array{shape_.keys(), shape_.keys(), shape_.values()});
    p.l2_norm_heads(q, shape_.d_k, norm_eps_);
    p.l2_norm_heads(k, shape_.d_k, norm_eps_);
    p.scale(q, 1.0f / std::sqrt(static_cast<float>(shape_.d_k)));
    p.delta_decay(alpha, w.dt, w.a);
    p.sigmoid(beta);
    Tensor recalled = p.delta_rule(q, k, v, alpha, beta, shape_, conv_floats());
    p.name("recalled", recalled);
    p.rms_norm_heads(recalled, w.norm);
    p.silu_mul(gate, recalled);
    return p.linear(gate, w.output);
  }

  Status read_delta_shape(const HyperParameters& h) {
    constexpr uint32_t kMost = 1u << 16;
    uint32_t n_k_head = 0, n_v_head = 0, d_k = 0, values = 0;
    HEARTH_RETURN_IF_ERROR(h.count("ssm.conv_kernel", kMaxConvTaps, true, &taps_));
    HEARTH_RETURN_IF_ERROR(h.count("ssm.group_count", kMost, true, &n_k_head));
    HEARTH_RETURN_IF_ERROR(h.count("ssm.time_step_rank", kMost, true, &n_v_head));
    HEARTH_RETURN_IF_ERROR(h.count("ssm.state_size", kMaxDeltaDim, true, &d_k));
    HEARTH_RETURN_IF_ERROR(h.count("ssm.inner_size", kMost, true, &values));
    HEARTH_RETURN_IF_ERROR(h.count("full_attention_interval", kMost, false, &attention_interval_));
    shape_ = {n_k_head, n_v_head, d_k, values / n_v_head};
    if (values % n_v_head == 0 && shape_.d_v % 16 == 0 && shape_.d_v <= kMaxDeltaDim && n_v_head % n_k_head == 0) {
      return {};
    }
    return h.bad_value("ssm.inner_size", "is " + std::to_string(values) + ", which " + std::to_string(n_v_head) +
                                             " heads of " + std::to_string(n_k_head) +
                                             " groups do not share in multiples of 16");
  }

  static GatedAttention read_attention(WeightReader& read, const HyperParameters& h) {
    const uint64_t q_rows = uint64_t{h.n_head} * h.head_dim, kv_rows = uint64_t{h.n_head_kv} * h.head_dim;
    return {.q_gate = read.linear("attn_q", 2 * q_rows, h.n_embd),
            .k = read.linear("attn_k", kv_rows, h.n_embd),
            .v = read.linear("attn_v", kv_rows, h.n_embd),
            .q_norm = read.norm("attn_q_norm", h.head_dim),
            .k_norm = read.norm("attn_k_norm", h.head_dim),
            .output = read.linear("attn_output", h.n_embd, q_rows)};
  }

  DeltaNet read_delta(WeightReader& read, uint32_t n_embd) const {
    const size_t channels = 2 * shape_.keys() + shape_.values();
    return {.qkv = read.linear("attn_qkv", channels, n_embd),
            .filter = read.filter("ssm_conv1d", channels, taps_),
            .gate = read.linear("attn_gate", shape_.values(), n_embd),
            .alpha = read.linear("ssm_alpha", shape_.n_v_head, n_embd),
            .beta = read.linear("ssm_beta", shape_.n_v_head, n_embd),
            .dt = read.vector("ssm_dt.bias", shape_.n_v_head),
            .a = read.vector("ssm_a", shape_.n_v_head),
            .norm = read.norm("ssm_norm", shape_.d_v),
            .output = read.linear("ssm_out", n_embd, shape_.values())};
  }

  // A layer's state: the convolution's last inputs, then the delta rule's.
  size_t conv_floats() const { return (taps_ - 1) * (2 * shape_.keys() + shape_.values()); }

  static constexpr uint32_t kMaxDeltaDim = 1024;

  AttentionShape heads_{};
  Rope rope_;
  DeltaShape shape_{};
  uint32_t taps_ = 0;
  uint32_t attention_interval_ = 4;
  float norm_eps_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace

Status load_qwen35(const GgufFile& file, ArchitecturePtr* architecture) { return load_as<Qwen35>(file, architecture); }

}  // namespace hearth
