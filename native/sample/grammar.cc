#include "sample/grammar.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace hearth::grammar {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();
// From so many loops on an answer is brought to its end.
constexpr int32_t kMostLoops = 4;

// After a loop the next one is likely, and is known sooner.
LoopLimits later_limits(const LoopLimits& limits, int32_t n_loops) {
  constexpr int32_t kLeastRepeats = 6, kLeastTokens = 64;
  const auto later = [&](int32_t limit, int32_t least) {
    return std::min(limit, std::max(limit >> std::min(n_loops, 8), least));
  };
  return {later(limits.repeats, kLeastRepeats), later(limits.tokens, kLeastTokens)};
}

// False when none is allowed.
bool apply(const Bits& allowed, std::span<float> logits) {
  uint64_t any = 0;
  for (size_t first = 0; first < logits.size(); first += 64) {
    const uint64_t word = allowed[first / 64];
    any |= word;
    if (word == ~uint64_t{0}) continue;
    const size_t last = std::min(first + 64, logits.size());
    for (size_t i = first; i < last; ++i) {
      if ((word >> (i - first) & 1) == 0) logits[i] = kForbidden;
    }
  }
  return any != 0;
}

}  // namespace

Status CompiledGrammar::compile(std::string_view gbnf, std::shared_ptr<const TokenTrie> trie,
                                std::shared_ptr<const Grammar>* grammar) {
  Automaton automaton;
  HEARTH_RETURN_IF_ERROR(Automaton::compile(gbnf, &automaton));
  if (automaton.max_token() >= static_cast<int64_t>(trie->n_tokens())) {
    return {Code::GRAMMAR_INVALID, "The grammar names token " + std::to_string(automaton.max_token()) +
                                       " and the vocabulary has " + std::to_string(trie->n_tokens()) + " tokens."};
  }
  *grammar = std::make_shared<const CompiledGrammar>(std::move(automaton), std::move(trie));
  return {};
}

CompiledGrammar::CompiledGrammar(Automaton automaton, std::shared_ptr<const TokenTrie> trie)
    : automaton_(std::move(automaton)), trie_(std::move(trie)), configurations_(automaton_, *trie_) {}

GrammarMatch CompiledGrammar::match(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  configurations_.begin();
  const int32_t reached = configurations_.after(configurations_.start(), text);
  if (reached <= Configurations::kDead) return GrammarMatch::NONE;
  return configurations_.may_end(reached) ? GrammarMatch::WHOLE : GrammarMatch::BEGINNING;
}

CompiledGrammar::Outcome CompiledGrammar::find(std::span<const int32_t> tokens, const LoopLimits& loops,
                                               Place* place) const {
  if (place->epoch != configurations_.epoch() || place->n_tokens > tokens.size()) {
    *place = {configurations_.start(), configurations_.epoch(), 0, {}};
  }
  while (place->n_tokens < tokens.size() && place->configuration > Configurations::kDead) {
    const int32_t token = tokens[place->n_tokens++];
    place->configuration = configurations_.after_token(place->configuration, token);
    if (loops.any() && place->configuration > Configurations::kDead) follow_circles(token, loops, place);
  }
  if (place->configuration == Configurations::kTooComplex) return Outcome::TOO_COMPLEX;
  return place->configuration == Configurations::kDead ? Outcome::STUCK : Outcome::SOME;
}

void CompiledGrammar::follow_circles(int32_t token, const LoopLimits& limits, Place* place) const {
  Circles& circles = place->circles;
  const auto n = place->n_tokens;
  const auto recent = [&](size_t tokens_ago) -> int32_t& {
    return circles.recent[(n - tokens_ago) % circles.recent.size()];
  };
  circles.watch.accept(token, trie_->is_filler(token));
  recent(0) = place->configuration;
  if (circles.leave_below > 0) {
    if (configurations_.distance(place->configuration) < circles.leave_below) circles.leave_below = 0;
    return;
  }
  const auto length = static_cast<size_t>(circles.watch.circle(later_limits(limits, circles.n_loops)));
  if (length == 0) return;
  const int64_t now = configurations_.distance(place->configuration);
  // A loop that brings the end nearer, as the items that a list must have do, ends by itself.
  if (n > length && configurations_.distance(recent(length)) > now) return;
  int64_t nearest = now;
  for (size_t ago = 1; ago < length; ++ago) nearest = std::min(nearest, configurations_.distance(recent(ago)));
  ++circles.n_loops;
  circles.ends = nearest == 0;
  // A model that loops wherever it may has nothing more to say.
  circles.leave_below = circles.n_loops < kMostLoops ? std::max<int64_t>(nearest, 1) : 1;
}

CompiledGrammar::Outcome CompiledGrammar::restrict(std::span<const int32_t> tokens, const LoopLimits& loops,
                                                   Place* place, std::span<float> logits) const {
  const std::lock_guard lock(mutex_);
  configurations_.begin();
  const Outcome found = find(tokens, loops, place);
  if (found != Outcome::SOME) {
    *place = {};
    return found;
  }
  const Bits* allowed = configurations_.allowed(place->configuration);
  if (allowed == nullptr) {
    *place = {};
    return Outcome::TOO_COMPLEX;
  }
  const Circles& circles = place->circles;
  if (circles.ends && configurations_.may_end(place->configuration)) return Outcome::LOOPS;
  Bits leading_out;
  if (circles.leave_below > 0) {
    leading_out = *allowed;
    if (!configurations_.keep_leading_out(place->configuration, &leading_out)) {
      *place = {};
      return Outcome::TOO_COMPLEX;
    }
    allowed = &leading_out;
  }
  if (apply(*allowed, logits)) return Outcome::SOME;
  return configurations_.may_end(place->configuration) ? Outcome::END : Outcome::STUCK;
}

}  // namespace hearth::grammar
