// A grammar as a pushdown automaton over bytes: each rule is a nondeterministic finite automaton whose edges read a
// byte, call a rule, or count a repetition. Immutable. Knows nothing of vocabularies but the ids that the grammar
// names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "include/status.h"

namespace hearth::grammar {

struct Edge {
  enum class Kind : uint8_t {
    EMPTY,   // reads nothing
    BYTES,   // one byte from low to high
    CALL,    // a rule from its state `argument` to its end, then on at target
    REPEAT,  // the repetition `argument`, then on at target
    TOKENS,  // one token of the set `argument`
  };
  Kind kind;
  uint8_t low = 0, high = 0;
  int32_t argument = -1;
  int32_t target = -1;  // a state
};

// From `least` to `most` (kUnlimited) times a body that is never empty. Counted on the stack, so that a thousand
// repetitions need no thousand copies.
struct Repetition {
  int32_t body;  // a state
  int32_t least, most;
};

struct TokenSet {
  std::vector<int32_t> ids;  // ascending
  bool all_but;              // every token without a text but those
};

class Automaton {
 public:
  // GRAMMAR_INVALID: not GBNF, a left-recursive rule, or a language without any text. GRAMMAR_TOO_COMPLEX: more than
  // 250,000 states. From every state that is left some text leads to the end.
  static Status compile(std::string_view gbnf, Automaton* automaton);

  int32_t root() const { return root_; }
  size_t n_states() const { return final_.size(); }
  std::span<const Edge> edges(int32_t state) const {
    const auto s = static_cast<size_t>(state);
    return {edges_.data() + first_edge_[s], edges_.data() + first_edge_[s + 1]};
  }
  // The end of its rule or of a repetition's body.
  bool is_final(int32_t state) const { return final_[static_cast<size_t>(state)]; }
  // Nothing but the end follows: a call that returns here need not be remembered.
  bool is_tail(int32_t state) const { return tail_[static_cast<size_t>(state)]; }
  const Repetition& repetition(int32_t id) const { return repetitions_[static_cast<size_t>(id)]; }
  const TokenSet& token_set(int32_t id) const { return token_sets_[static_cast<size_t>(id)]; }

  // Bytes that no edge tells apart are of one class.
  int32_t n_byte_classes() const { return n_classes_; }
  uint8_t byte_class(uint8_t byte) const { return class_of_[byte]; }

  // The largest id of a token that the grammar names; -1 if none.
  int32_t max_token() const;

 private:
  friend class Builder;

  std::vector<uint32_t> first_edge_;  // [states + 1]
  std::vector<Edge> edges_;
  std::vector<uint8_t> final_, tail_;  // [states]
  std::vector<Repetition> repetitions_;
  std::vector<TokenSet> token_sets_;
  std::array<uint8_t, 256> class_of_{};
  int32_t n_classes_ = 0;
  int32_t root_ = -1;
};

}  // namespace hearth::grammar
