// A compiled grammar and a sequence's place in it: which tokens may follow what was drawn. Knows nothing of logits but
// how to forbid one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "include/engine.h"
#include "include/status.h"
#include "sample/automaton.h"
#include "sample/configurations.h"
#include "sample/token_trie.h"

namespace hearth::grammar {

// Where a sequence stands; found again from its tokens when it is lost. Cheap to copy.
struct Place {
  int32_t configuration = -1;
  uint64_t epoch = 0;
  size_t n_tokens = 0;  // read so far
};

// Shared by all sequences that follow it, with what it has learned of itself; safe from several threads.
class CompiledGrammar final : public Grammar {
 public:
  // GRAMMAR_INVALID, GRAMMAR_TOO_COMPLEX.
  static Status compile(std::string_view gbnf, std::shared_ptr<const TokenTrie> trie,
                        std::shared_ptr<const Grammar>* grammar);
  CompiledGrammar(Automaton automaton, std::shared_ptr<const TokenTrie> trie);

  GrammarMatch match(std::string_view text) const override;
  size_t n_tokens() const { return trie_->n_tokens(); }

  enum class Outcome {
    SOME,   // some tokens are allowed
    END,    // the text is complete, and the vocabulary has no token to say so
    STUCK,  // no token leads on, or the tokens have left the language
    TOO_COMPLEX,
  };
  // Sets the logits of the tokens that may not follow `tokens` to -infinity. `place` has to be of a beginning of
  // `tokens`, or fresh. logits: [n_tokens()].
  Outcome restrict(std::span<const int32_t> tokens, Place* place, std::span<float> logits) const;

 private:
  Outcome find(std::span<const int32_t> tokens, Place* place) const;

  const Automaton automaton_;
  const std::shared_ptr<const TokenTrie> trie_;
  mutable std::mutex mutex_;
  mutable Configurations configurations_;  // under mutex_
};

}  // namespace hearth::grammar
