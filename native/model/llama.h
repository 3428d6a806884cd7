// The LLaMA decoder (Touvron et al. 2023, arXiv:2302.13971): RMSNorm, attention with RoPE and grouped heads, SwiGLU.
// Also carries what its descendants added: grouped-query attention, biases, tied embeddings and RoPE scaling.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/architecture.h"
#include "model/rope.h"
#include "model/tensor.h"

namespace hearth {

class Llama final : public Architecture {
 public:
  static Status load(const GgufFile& file, std::unique_ptr<const Architecture>* architecture);

  const Dimensions& dimensions() const override { return dimensions_; }
  void forward(Pass& pass) const override;

 private:
  struct Layer {
    std::span<const float> attn_norm;  // [n_embd]
    Linear wq;                         // [n_head * head_dim, n_embd]
    Linear wk, wv;                     // [n_kv_head * head_dim, n_embd]
    Linear wo;                         // [n_embd, n_head * head_dim]
    std::span<const float> ffn_norm;   // [n_embd]
    Linear gate, up;                   // [n_ff, n_embd]
    Linear down;                       // [n_embd, n_ff]
  };

  Status read_config(const GgufFile& file);
  Status read_weights(const GgufFile& file);
  Tensor attention(Pass& p, const Tensor& x, const Layer& w, const Rotation& rotation) const;
  Tensor swiglu(Pass& p, const Tensor& x, const Layer& w) const;

  Dimensions dimensions_;
  AttentionShape heads_{};
  uint32_t n_ff_ = 0;
  float norm_eps_ = 0;
  Rope rope_;

  Matrix token_embd_;  // [n_vocab, n_embd]
  std::vector<Layer> layers_;
  std::span<const float> output_norm_;  // [n_embd]
  Matrix output_;                       // [n_vocab, n_embd]; token_embd_ where tied
};

}  // namespace hearth
