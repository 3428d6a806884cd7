// The sampler chain: checks of its options, biases, penalties, greedy, and the order of the filters.
#include "sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include "sample/candidates.h"
#include "sample/random.h"

namespace hearth {

namespace {

constexpr int32_t kImpossible = -1;    // no token can be chosen
constexpr float kForbidden = -100.0f;  // a bias that stands for "never"

// NaN is in no range.
Status check_range(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  const auto text = [](double x) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%g", x);
    return std::string(digits);
  };
  return {Code::SAMPLER_BAD_VALUE, std::string("The option ") + name + " is " + text(value) + "; it has to be from " +
                                       text(low) + " to " + text(high) + "."};
}

// Model::compile_grammar makes nothing else.
const grammar::CompiledGrammar& compiled(const SamplerOptions& options) {
  return static_cast<const grammar::CompiledGrammar&>(*options.grammar);
}

Status check_options(const SamplerOptions& options, size_t n_vocab) {
  constexpr double kMaxInt = std::numeric_limits<int32_t>::max();
  HEARTH_RETURN_IF_ERROR(check_range("temperature", options.temperature, 0, 10));
  HEARTH_RETURN_IF_ERROR(check_range("top_k", options.top_k, 0, kMaxInt));
  HEARTH_RETURN_IF_ERROR(check_range("top_p", options.top_p, 0, 1));
  HEARTH_RETURN_IF_ERROR(check_range("min_p", options.min_p, 0, 1));
  HEARTH_RETURN_IF_ERROR(check_range("typical_p", options.typical_p, 0, 1));
  // The limits as float: 0.01f is less than 0.01.
  HEARTH_RETURN_IF_ERROR(check_range("repetition_penalty", options.repetition_penalty, 0.01f, 10));
  HEARTH_RETURN_IF_ERROR(check_range("frequency_penalty", options.frequency_penalty, -2, 2));
  HEARTH_RETURN_IF_ERROR(check_range("presence_penalty", options.presence_penalty, -2, 2));
  HEARTH_RETURN_IF_ERROR(check_range("penalty_last_n", options.penalty_last_n, -1, kMaxInt));
  for (const auto& [token, bias] : options.logit_bias) {
    if (token < 0 || static_cast<size_t>(token) >= n_vocab) {
      return {Code::SAMPLER_BAD_VALUE, "The option logit_bias names token " + std::to_string(token) +
                                           " and the vocabulary has " + std::to_string(n_vocab) + " tokens."};
    }
    HEARTH_RETURN_IF_ERROR(check_range("logit_bias", bias, -100, 100));
  }
  if (!options.grammar) return {};
  HEARTH_RETURN_IF_ERROR(check_range("grammar_from", options.grammar_from, 0, kMaxInt));
  HEARTH_RETURN_IF_ERROR(check_range("loop_repeats", options.loop_repeats, 0, 1 << 20));
  HEARTH_RETURN_IF_ERROR(check_range("loop_tokens", options.loop_tokens, 0, 1 << 20));
  if (compiled(options).n_tokens() == n_vocab) return {};
  return {Code::SAMPLER_BAD_VALUE, "The grammar was compiled for another model."};
}

// The first maximum; NaN and -infinity are never one.
int32_t arg_max(std::span<const float> logits) {
  float best = -std::numeric_limits<float>::infinity();
  int32_t id = kImpossible;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > best) {
      best = logits[i];
      id = static_cast<int32_t>(i);
    }
  }
  return id;
}

}  // namespace

Status Sampler::create(const SamplerOptions& options, size_t n_vocab, Sampler* sampler) {
  Sampler result;
  result.n_vocab_ = n_vocab;
  HEARTH_RETURN_IF_ERROR(result.configure(options));
  *sampler = std::move(result);
  return {};
}

Status Sampler::configure(const SamplerOptions& options) {
  HEARTH_RETURN_IF_ERROR(check_options(options, n_vocab_));
  options_ = options;
  place_ = {};
  return {};
}

void Sampler::truncate(size_t n_tokens) {
  if (n_tokens >= history_.size()) return;
  history_.resize(n_tokens);
  if (n_tokens < static_cast<size_t>(options_.grammar_from) + place_.n_tokens) place_ = {};
}

StopReason Sampler::apply_grammar(std::span<float> logits) {
  if (!options_.grammar) return StopReason::NONE;
  const size_t from = std::min(static_cast<size_t>(options_.grammar_from), history_.size());
  const LoopLimits loops{options_.loop_repeats, options_.loop_tokens};
  using Outcome = grammar::CompiledGrammar::Outcome;
  switch (compiled(options_).restrict(std::span(history_).subspan(from), loops, &place_, logits)) {
    case Outcome::SOME:
      return StopReason::NONE;
    case Outcome::END:
      return StopReason::GRAMMAR_END;
    case Outcome::LOOPS:
      return StopReason::GRAMMAR_LOOPS;
    case Outcome::STUCK:
      return StopReason::GRAMMAR_STUCK;
    case Outcome::TOO_COMPLEX:
      return StopReason::GRAMMAR_TOO_COMPLEX;
  }
  return StopReason::NONE;
}

void Sampler::apply_biases(std::span<float> logits) const {
  for (const auto& [token, bias] : options_.logit_bias) {
    float& logit = logits[static_cast<size_t>(token)];
    logit = bias <= kForbidden ? -std::numeric_limits<float>::infinity() : logit + bias;
  }
}

void Sampler::apply_penalties(std::span<float> logits) const {
  if (options_.repetition_penalty == 1 && options_.frequency_penalty == 0 && options_.presence_penalty == 0) return;
  const size_t n_looked_back = options_.penalty_last_n < 0
                                   ? history_.size()
                                   : std::min(history_.size(), static_cast<size_t>(options_.penalty_last_n));
  std::vector<int32_t> recent(history_.end() - static_cast<std::ptrdiff_t>(n_looked_back), history_.end());
  std::sort(recent.begin(), recent.end());
  for (auto first = recent.begin(); first != recent.end();) {
    const auto last = std::upper_bound(first, recent.end(), *first);
    const auto count = static_cast<float>(last - first);
    if (*first >= 0 && static_cast<size_t>(*first) < logits.size()) {
      float& logit = logits[static_cast<size_t>(*first)];
      logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
      logit -= count * options_.frequency_penalty + options_.presence_penalty;
    }
    first = last;
  }
}

Status Sampler::sample(std::span<float> logits, Drawn* drawn) {
  *drawn = {.stopped = apply_grammar(logits)};
  if (drawn->stopped != StopReason::NONE) return {};
  apply_biases(logits);
  apply_penalties(logits);
  drawn->token = choose(logits);
  if (drawn->token != kImpossible) return {};
  const bool damaged = std::any_of(logits.begin(), logits.end(), [](float x) { return std::isnan(x); });
  if (damaged || !options_.grammar) return {Code::MODEL_OUTPUT_INVALID, "The model's logits are not numbers."};
  drawn->stopped = StopReason::GRAMMAR_STUCK;  // the biases forbid what the grammar allows
  return {};
}

int32_t Sampler::choose(std::span<float> logits) const {
  if (options_.temperature == 0) return arg_max(logits);

  std::vector<Candidate> candidates = top_candidates(logits, static_cast<size_t>(options_.top_k));
  if (candidates.empty()) return kImpossible;
  if (options_.typical_p < 1) filter_typical(options_.typical_p, &candidates);
  if (options_.top_p < 1) filter_top_p(options_.top_p, &candidates);
  if (options_.min_p > 0) filter_min_p(options_.min_p, &candidates);
  return draw(options_.temperature, uniform_at(options_.seed, history_.size()), candidates);
}

}  // namespace hearth
