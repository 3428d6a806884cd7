// Rotary position embedding: the angle of each pair of dimensions at a position, with the scalings that stretch a
// model's context. Su et al. 2021 (arXiv:2104.09864); linear: Chen et al. 2023 (arXiv:2306.15595); YaRN: Peng et al.
// 2023 (arXiv:2309.00071); llama 3: a factor for each pair, in the tensor rope_freqs.weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth {

// Which two dimensions of a head turn together.
enum class RopePairs {
  neighbours,  // 2i and 2i + 1, as the paper has it
  halves,      // i and i + n_dims / 2, as most implementations since GPT-NeoX have it
};

struct RopeOptions {
  RopePairs pairs = RopePairs::neighbours;
  uint32_t n_dims = 0;  // rotated dimensions of a head, even
  double freq_base = 10000.0;
  enum class Scaling { none, linear, yarn } scaling = Scaling::none;
  double factor = 1.0;             // how much longer the context is than the trained one
  uint32_t original_context = 0;   // YaRN: the trained one
  double yarn_ext_factor = 1.0;    // YaRN: share of the ramp between both frequencies
  double yarn_beta_fast = 32.0;    // YaRN: pairs that turn more often in the trained context keep their frequency
  double yarn_beta_slow = 1.0;     // YaRN: pairs that turn less often are interpolated
  double yarn_log_multiplier = 0;  // YaRN: how much of its magnitude the attention's own scale takes back
  double attention_factor = 1.0;   // magnitude of the rotation
  std::span<const float> freq_factors = {};  // [n_dims / 2], divides each frequency; empty: none
};

class Rope {
 public:
  Rope() = default;
  explicit Rope(const RopeOptions& options);

  RopePairs pairs() const { return pairs_; }
  size_t n_pairs() const { return frequencies_.size(); }
  // cos and sin [n_pairs], times the magnitude, at a token's position.
  void rotation(int32_t position, float* cos, float* sin) const;

 private:
  RopePairs pairs_ = RopePairs::neighbours;
  std::vector<double> frequencies_;  // radians a token
  double magnitude_ = 1.0;
};

}  // namespace hearth
