// The Gemma 4 decoder (Gemma Team 2026): as Gemma 3, but layers within a sliding window have smaller heads, values are
// normalized too, the last layers attend over the keys and values of earlier ones, and each layer has an embedding of
// its own for every token, which a gate lets into the residual stream.
#include <cmath>

#include "model/decoder.h"

namespace hearth {
namespace {

struct Layer {
  bool is_local = false;  // within the sliding window
  AttentionShape heads{};
  size_t kv_layer = 0;  // whose keys and values it attends over: its own, or an earlier layer's

  RmsNorm attn_norm;  // [n_embd]
  Linear q;           // [n_head * head_dim, n_embd]
  Linear k, v;        // [n_kv_head * head_dim, n_embd]; none where an earlier layer's serve; v: none where k serves
  RmsNorm q_norm, k_norm;  // [head_dim]
  Linear output;           // [n_embd, n_head * head_dim]
  RmsNorm post_attn_norm;  // [n_embd]
  RmsNorm ffn_norm;        // [n_embd]
  FeedForward ffn;
  RmsNorm post_ffn_norm;  // [n_embd]

  Linear embed_gate;                      // [n_layer_embd, n_embd]
  Linear embed_proj;                      // [n_embd, n_layer_embd]
  RmsNorm post_embed_norm;                // [n_embd]
  std::span<const float> output_scale{};  // [1]; empty: 1
};

class Gemma4 final : public Decoder {
 public:
  void forward(Pass& p) const override {
    Tensor x = p.embed(token_embd_);  // [n_tokens, n_embd]
    p.scale(x, std::sqrt(static_cast<float>(x.cols)));
    p.name("embed", x);
    const Tensor layer_embeddings = n_layer_embd_ > 0 ? embed_layers(p, x) : Tensor();
    const Rotation global = p.rotation(global_rope_), local = p.rotation(local_rope_);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& w = layers_[il];
      p.layer(il);
      Tensor attended = attention(p, p.rms_norm(x, w.attn_norm), w, il, w.is_local ? local : global);
      if (is_last(il)) p.keep_outputs(x, attended);
      p.add_residual(x, p.rms_norm(attended, w.post_attn_norm));
      p.name("attn_residual", x);
      p.add_residual(x, p.rms_norm(geglu(p, p.rms_norm(x, w.ffn_norm), w.ffn), w.post_ffn_norm));
      p.name("ffn_residual", x);
      if (n_layer_embd_ > 0) {
        Tensor embedding = p.slice(layer_embeddings, il * n_layer_embd_, n_layer_embd_);
        if (is_last(il)) p.keep_outputs(embedding);
        Tensor gated = p.linear(x, w.embed_gate);
        p.gelu_mul(gated, embedding);
        p.add_residual(x, p.rms_norm(p.linear(gated, w.embed_proj), w.post_embed_norm));
      }
      if (!w.output_scale.empty()) p.scale(x, w.output_scale[0]);
      p.name("layer", x);
    }
    Tensor logits = p.logits(p.rms_norm(x, output_norm_), output_);  // [n_outputs, n_vocab]
    if (logit_softcap_ > 0) p.softcap(logits, logit_softcap_);
  }

  Status load(const GgufFile& file) {
    HyperParameters h(file, "gemma4");
    HEARTH_RETURN_IF_ERROR(h.read_common(KvHeads::any));
    HEARTH_RETURN_IF_ERROR(h.refuse_experts());
    HEARTH_RETURN_IF_ERROR(h.not_negative("final_logit_softcapping", 1e6, &logit_softcap_));
    HEARTH_RETURN_IF_ERROR(read_layer_shapes(h));

    WeightReader read(file, h.norm_eps);
    read_frame(h, read);
    ones_.assign(std::max(h.head_dim, local_head_dim_), 1.0f);
    if (n_layer_embd_ > 0) {
      const uint64_t n_all = uint64_t{h.n_layer} * n_layer_embd_;
      layer_embd_ = read.matrix("per_layer_token_embd", h.n_vocab, n_all);
      layer_embd_proj_ = read.linear("per_layer_model_proj", n_all, h.n_embd);
      layer_embd_norm_ = read.norm("per_layer_proj_norm", n_layer_embd_);
    }
    for (uint32_t il = 0; il < h.n_layer; ++il) {
      read.layer(il);
      read_layer(h, il, read);
    }
    return read.status();
  }

 private:
  // The input of the token itself to each layer: its embedding, and a projection of the model's.
  Tensor embed_layers(Pass& p, const Tensor& x) const {  // [n_tokens, n_layer * n_layer_embd]
    Tensor own = p.embed(layer_embd_);
    p.scale(own, std::sqrt(static_cast<float>(n_layer_embd_)));
    Tensor projected = p.linear(x, layer_embd_proj_);
    p.scale(projected, 1.0f / std::sqrt(static_cast<float>(x.cols)));
    p.rms_norm_heads(projected, layer_embd_norm_);
    p.add(own, projected);
    p.scale(own, 1.0f / std::sqrt(2.0f));
    return own;
  }

  Tensor attention(Pass& p, const Tensor& x, const Layer& w, size_t il, const Rotation& rotation) const {
    Tensor q = p.linear(x, w.q);
    p.rms_norm_heads(q, w.q_norm);
    p.rope(q, w.heads.head_dim, rotation);
    p.name("q", q);
    if (w.kv_layer != il) return p.linear(p.attention_over(w.kv_layer, q, w.heads), w.output);

    Tensor k = p.linear(x, w.k);
    Tensor v = w.v.weight ? p.linear(x, w.v) : p.slice(k, 0, k.cols);
    p.rms_norm_heads(k, w.k_norm);
    p.rms_norm_heads(v, {std::span(ones_).first(w.heads.head_dim), w.k_norm.eps});
    p.rope(k, w.heads.head_dim, rotation);
    p.name("k", k);
    p.name("v", v);
    return p.linear(p.attention(q, k, v, w.heads), w.output);
  }

  Status read_layer_shapes(const HyperParameters& h) {
    HEARTH_RETURN_IF_ERROR(h.read_window(6, &window_, &is_local_));
    HEARTH_RETURN_IF_ERROR(h.optional_count("embedding_length_per_layer_input", h.n_embd, &n_layer_embd_));
    HEARTH_RETURN_IF_ERROR(h.optional_count("attention.shared_kv_layers", h.n_layer - 1, &n_shared_));
    local_head_dim_ = h.head_dim;
    HEARTH_RETURN_IF_ERROR(h.count("attention.key_length_swa", 1024, false, &local_head_dim_));
    RopeOptions rope;
    HEARTH_RETURN_IF_ERROR(h.read_rope(RopePairs::halves, &rope));
    global_rope_ = Rope(rope);
    double local_base = 10000.0;
    HEARTH_RETURN_IF_ERROR(h.positive("rope.freq_base_swa", 1e12, &local_base));
    uint32_t local_dims = local_head_dim_;
    HEARTH_RETURN_IF_ERROR(h.count("rope.dimension_count_swa", local_head_dim_, false, &local_dims));
    local_rope_ = Rope({.pairs = rope.pairs, .n_dims = local_dims / 2 * 2, .freq_base = local_base});
    return {};
  }

  // The last layer of the same kind that has keys and values of its own.
  size_t kv_layer_of(size_t il, size_t n_own) const {
    if (il < n_own) return il;
    size_t source = n_own;
    while (source-- > 0) {
      if (is_local_[source] == is_local_[il]) return source;
    }
    return il;
  }

  void read_layer(const HyperParameters& h, uint32_t il, WeightReader& read) {
    const bool local = is_local_[il];
    const size_t head_dim = local ? local_head_dim_ : h.head_dim, kv_layer = kv_layer_of(il, h.n_layer - n_shared_);
    const size_t n_kv_head = h.layer_n_head_kv[kv_layer], q_rows = h.n_head * head_dim, kv_rows = n_kv_head * head_dim;
    const bool has_kv = kv_layer == il;
    dimensions_.kv.layers[il] = {.n_kv_head = static_cast<int32_t>(has_kv ? n_kv_head : 0),
                                 .head_dim = static_cast<int32_t>(head_dim),
                                 .window = static_cast<int32_t>(local ? window_ : 0)};
    Layer w;
    w.is_local = local;
    w.heads = {h.n_head, n_kv_head, head_dim, 1.0f};
    w.kv_layer = kv_layer;
    w.attn_norm = read.norm("attn_norm", h.n_embd);
    w.q = read.linear("attn_q", q_rows, h.n_embd);
    w.q_norm = read.norm("attn_q_norm", head_dim);
    if (has_kv) {
      w.k = read.linear("attn_k", kv_rows, h.n_embd);
      w.v = {read.optional_matrix("attn_v", kv_rows, h.n_embd), nullptr};
      w.k_norm = read.norm("attn_k_norm", head_dim);
    }
    w.output = read.linear("attn_output", h.n_embd, q_rows);
    w.post_attn_norm = read.norm("post_attention_norm", h.n_embd);
    w.ffn_norm = read.norm("ffn_norm", h.n_embd);
    w.ffn = read_feed_forward(read, h.layer_n_ff[il], h.n_embd);
    w.post_ffn_norm = read.norm("post_ffw_norm", h.n_embd);
    if (n_layer_embd_ > 0) {
      w.embed_gate = read.linear("inp_gate", n_layer_embd_, h.n_embd);
      w.embed_proj = read.linear("proj", h.n_embd, n_layer_embd_);
      w.post_embed_norm = read.norm("post_norm", h.n_embd);
    }
    w.output_scale = read.optional_vector("layer_output_scale.weight", 1);
    layers_.push_back(w);
  }

  uint32_t window_ = 0, local_head_dim_ = 0;
  uint32_t n_shared_ = 0;       // of the last layers attend over earlier ones' keys and values
  uint32_t n_layer_embd_ = 0;   // width of each layer's own embedding; 0: none
  std::vector<bool> is_local_;  // [n_layer]
  std::vector<float> ones_;     // the gain of the values' norm
  Rope global_rope_, local_rope_;
  float logit_softcap_ = 0;  // 0: off
  Matrix layer_embd_;        // [n_vocab, n_layer * n_layer_embd]
  Linear layer_embd_proj_;   // [n_layer * n_layer_embd, n_embd]
  RmsNorm layer_embd_norm_;  // [n_layer_embd]
  std::vector<Layer> layers_;
};

}  // namespace

Status load_gemma4(const GgufFile& file, ArchitecturePtr* architecture) { return load_as<Gemma4>(file, architecture); }

}  // namespace hearth
