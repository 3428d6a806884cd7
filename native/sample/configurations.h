// Configurations of the automaton after some text, found as they are needed and remembered: states and their stacks,
// where each byte leads, and which tokens may follow. A pushdown automaton determinized lazily.
//
// The tokens that may follow are found by walking the vocabulary's tree. What a state with nothing known below its
// stack allows is kept for all configurations that contain it; only tokens that leave the rule in their middle are
// walked again with the true stack (the split into context-independent and dependent tokens is that of Dong et al.
// 2024, arXiv:2411.15100, "XGrammar").
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sample/automaton.h"
#include "sample/distances.h"
#include "sample/token_trie.h"

namespace hearth::grammar {

using Bits = std::vector<uint64_t>;  // one a token

class Configurations {
 public:
  // No text leads on from here.
  static constexpr int32_t kDead = 0;
  // The grammar is so ambiguous that this step exceeds its budget of time and memory.
  static constexpr int32_t kTooComplex = -2;

  // Both have to outlive this.
  Configurations(const Automaton& automaton, const TokenTrie& trie);
  Configurations(const Configurations&) = delete;
  Configurations& operator=(const Configurations&) = delete;

  // Before each of the queries below: forgets everything when that has become much, and then all ids with it.
  void begin();
  // Changes when everything was forgotten.
  uint64_t epoch() const { return epoch_; }

  // A configuration's id, kDead or kTooComplex.
  int32_t start();
  int32_t after(int32_t configuration, std::string_view bytes);
  int32_t after_token(int32_t configuration, int32_t token);

  bool may_end(int32_t configuration) const { return get(configuration).may_end; }
  // The tokens that may follow, an end of the answer included where the text may end; nullptr: too complex.
  const Bits* allowed(int32_t configuration);

  // How many more bytes the text needs at least.
  int64_t distance(int32_t configuration);
  // Keeps the tokens after which it needs fewer; where it needs none, the ends of the answer. Leaves them all as they
  // are where there is none. False: too complex.
  bool keep_leading_out(int32_t configuration, Bits* allowed);

 private:
  static constexpr int32_t kUnset = -1;
  // Stacks: nothing below, and nothing known of what is below.
  static constexpr int32_t kBottom = 0, kUnknown = 1;

  struct Frame {
    int32_t target;      // where it goes on
    int32_t repetition;  // -1: a call
    int32_t count;       // of the repetition that runs
    int32_t below;       // a stack
    bool operator==(const Frame&) const = default;
  };
  struct FrameHash {
    size_t operator()(const Frame& f) const;
  };
  struct Item {
    int32_t state;
    int32_t stack;
    auto operator<=>(const Item&) const = default;
  };
  struct Configuration {
    std::vector<Item> items;  // ascending; only states that read
    bool may_end = false;
    bool escapes = false;       // leaves what is known of the stack
    std::vector<int32_t> next;  // [byte classes]
    int32_t mask = kUnset;
  };
  // A place at which a walk left what was known of the stack: the tokens below have to be walked with the true one.
  struct Escape {
    size_t node;
    std::string path;
  };
  struct Relative {
    Bits allowed;
    std::vector<Escape> escapes;  // by node, ascending
  };

  Configuration& get(int32_t id) { return configurations_[static_cast<size_t>(id)]; }
  const Configuration& get(int32_t id) const { return configurations_[static_cast<size_t>(id)]; }
  void clear();
  bool spend(size_t work);

  int32_t push(const Frame& frame);
  void visit(int32_t state, int32_t stack);
  void expand(Item item);
  void leave(Item item);
  int32_t close();  // the configuration of what was visited
  int32_t intern(Configuration configuration);
  int32_t step(int32_t configuration, uint8_t byte);

  int32_t known_part(int32_t stack, bool* counts);
  const Relative* relative(Item item);
  bool walk(int32_t from, size_t first, size_t last, size_t horizon, Bits* allowed, std::vector<Escape>* escapes);
  bool walk_escapes(int32_t from, std::vector<const Escape*> escapes, Bits* allowed);
  int64_t distance_below(int32_t stack);
  void allow_named(const Configuration& configuration, Bits* allowed) const;

  struct HashOf {
    using is_transparent = void;
    const Configurations* owner;
    size_t operator()(int32_t id) const { return (*this)(owner->get(id)); }
    size_t operator()(const Configuration& c) const;
  };
  struct SameAs {
    using is_transparent = void;
    const Configurations* owner;
    static bool same(const Configuration& a, const Configuration& b) {
      return a.items == b.items && a.may_end == b.may_end && a.escapes == b.escapes;
    }
    bool operator()(int32_t a, int32_t b) const { return a == b; }
    bool operator()(const Configuration& a, int32_t b) const { return same(a, owner->get(b)); }
    bool operator()(int32_t a, const Configuration& b) const { return same(owner->get(a), b); }
  };

  const Automaton& automaton_;
  const TokenTrie& trie_;
  std::vector<Configuration> configurations_;
  std::unordered_set<int32_t, HashOf, SameAs> ids_;
  std::vector<Frame> stacks_;
  std::unordered_map<Frame, int32_t, FrameHash> stack_ids_;
  std::vector<Bits> masks_;
  std::unordered_map<uint64_t, Relative> relatives_;  // by state and known stack
  std::unique_ptr<const Distances> distances_;        // once somebody asks
  std::vector<int64_t> stack_distances_;              // of the first stacks

  // Items of the closure that is being computed.
  std::vector<Item> open_;
  std::unordered_set<uint64_t> seen_;
  Configuration closure_;

  uint64_t epoch_ = 1;
  size_t bytes_ = 0;  // remembered, about
  size_t work_ = 0;   // since begin()
};

}  // namespace hearth::grammar
