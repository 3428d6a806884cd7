// A compiled grammar and a sequence's place in it: which tokens may follow what was drawn. Knows nothing of logits but
// how to forbid one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "include/engine.h"
#include "include/status.h"
#include "sample/automaton.h"
#include "sample/configurations.h"
#include "sample/loop_watch.h"
#include "sample/token_trie.h"

namespace hearth::grammar {

// Holds what is known of a text's circles. A loop ends its answer where the text may end, and is left where it may not:
// only what shortens the way to the end is drawn, until the way is shorter than it was anywhere in the circle. The
// string that looped is closed, the list of equal items ends, and what follows is the model's again. All of it follows
// from the tokens alone.
struct Circles {
  LoopWatch watch;
  std::array<int32_t, LoopWatch::kLongest + 1> recent{};  // configurations after the last tokens, in a ring
  int32_t n_loops = 0;
  int64_t leave_below = 0;  // bytes to the end; 0: nothing is to be left
  bool ends = false;        // where the text may next end
};

// A sequence's place in the grammar; found again from its tokens when it is lost. Cheap to copy.
struct Place {
  int32_t configuration = -1;
  uint64_t epoch = 0;
  size_t n_tokens = 0;  // read so far
  Circles circles{};
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
    LOOPS,  // the text goes round in circles and is complete
    STUCK,  // no token leads on, or the tokens have left the language
    TOO_COMPLEX,
  };
  // Sets the logits of the tokens that may not follow `tokens` to -infinity. `place` has to be of a beginning of
  // `tokens`, or fresh, and the limits the same each time. logits: [n_tokens()].
  Outcome restrict(std::span<const int32_t> tokens, const LoopLimits& loops, Place* place,
                   std::span<float> logits) const;

 private:
  Outcome find(std::span<const int32_t> tokens, const LoopLimits& loops, Place* place) const;
  void follow_circles(int32_t token, const LoopLimits& limits, Place* place) const;

  const Automaton automaton_;
  const std::shared_ptr<const TokenTrie> trie_;
  mutable std::mutex mutex_;
  mutable Configurations configurations_;  // under mutex_
};

}  // namespace hearth::grammar
