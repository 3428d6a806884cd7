// Draws a sequence's next token from its logits. Knows nothing of models, text or threads.
//
// The chain: the tokens that the grammar allows, and of them those that lead out of a loop; logit bias; repetition
// (Keskar et al. 2019, arXiv:1909.05858), frequency and presence penalties; then the first maximum if the temperature
// is 0, else top-k, locally typical (Meister et al. 2022, arXiv:2202.00666), top-p (Holtzman et al. 2019,
// arXiv:1904.09751), min-p (Nguyen et al. 2024, arXiv:2407.01082), temperature, draw.
//
// Equal logits are ordered by id, probabilities are computed in double precision with an exp of our own, and the draw
// at a position depends on the seed and the position alone: the same logits give the same tokens on every platform,
// after a truncation and in a fork.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "include/engine.h"
#include "include/status.h"
#include "sample/grammar.h"

namespace hearth {

// A drawn token, or the reason why there is none.
struct Drawn {
  int32_t token = -1;
  StopReason stopped = StopReason::NONE;
};

// Cheap to copy, for forks: its options, its place in the grammar, and four bytes for each token of the sequence.
class Sampler {
 public:
  // SAMPLER_BAD_VALUE names the option that is out of its range.
  static Status create(const SamplerOptions& options, size_t n_vocab, Sampler* sampler);

  // Other options, the same history. On failure nothing changes.
  Status configure(const SamplerOptions& options);

  // Appends tokens of the sequence, prompt and drawn alike; the penalties look back at them.
  void accept(int32_t token) { history_.push_back(token); }
  void accept(std::span<const int32_t> tokens) { history_.insert(history_.end(), tokens.begin(), tokens.end()); }
  const std::vector<int32_t>& history() const { return history_; }
  // Forgets all but the first `n_tokens` tokens.
  void truncate(size_t n_tokens);

  // The token to follow the accepted ones. `logits`: [n_vocab], the caller's, changed by biases and penalties.
  // NaN counts as impossible. MODEL_OUTPUT_INVALID if all are NaN, -infinity or forbidden by a bias. Draws only; the
  // caller accepts the token.
  Status sample(std::span<float> logits, Drawn* drawn);

 private:
  StopReason apply_grammar(std::span<float> logits);
  int32_t choose(std::span<float> logits) const;
  void apply_biases(std::span<float> logits) const;
  void apply_penalties(std::span<float> logits) const;

  SamplerOptions options_;
  size_t n_vocab_ = 0;
  std::vector<int32_t> history_;
  grammar::Place place_;  // in options_.grammar
};

}  // namespace hearth
