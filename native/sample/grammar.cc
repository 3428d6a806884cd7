#include "sample/grammar.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace hearth::grammar {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

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

CompiledGrammar::Outcome CompiledGrammar::find(std::span<const int32_t> tokens, Place* place) const {
  if (place->epoch != configurations_.epoch() || place->n_tokens > tokens.size()) {
    *place = {configurations_.start(), configurations_.epoch(), 0};
  }
  for (; place->n_tokens < tokens.size() && place->configuration > Configurations::kDead; ++place->n_tokens) {
    place->configuration = configurations_.after_token(place->configuration, tokens[place->n_tokens]);
  }
  if (place->configuration == Configurations::kTooComplex) return Outcome::TOO_COMPLEX;
  return place->configuration == Configurations::kDead ? Outcome::STUCK : Outcome::SOME;
}

CompiledGrammar::Outcome CompiledGrammar::restrict(std::span<const int32_t> tokens, Place* place,
                                                   std::span<float> logits) const {
  const std::lock_guard lock(mutex_);
  configurations_.begin();
  const Outcome found = find(tokens, place);
  if (found != Outcome::SOME) {
    *place = {};
    return found;
  }
  const Bits* allowed = configurations_.allowed(place->configuration);
  if (allowed == nullptr) {
    *place = {};
    return Outcome::TOO_COMPLEX;
  }
  if (apply(*allowed, logits)) return Outcome::SOME;
  return configurations_.may_end(place->configuration) ? Outcome::END : Outcome::STUCK;
}

}  // namespace hearth::grammar
