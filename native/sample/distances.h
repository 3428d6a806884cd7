// How many bytes a grammar's states are from the end of their rule, at least: the way out of a text that goes round in
// circles.
#pragma once

#include <cstdint>
#include <vector>

#include "sample/automaton.h"

namespace hearth::grammar {

// A token that is named by its id counts as a byte.
class Distances {
 public:
  static constexpr int64_t kMost = int64_t{1} << 40;

  explicit Distances(const Automaton& automaton);
  int64_t to_end(int32_t state) const { return to_end_[static_cast<size_t>(state)]; }
  // The distance of so many more rounds of a repetition.
  static int64_t times(int64_t rounds, int64_t distance) {
    return rounds <= 0 ? 0 : distance > kMost / rounds ? kMost : rounds * distance;
  }
  static int64_t sum(int64_t a, int64_t b) { return a + b > kMost ? kMost : a + b; }

 private:
  std::vector<int64_t> to_end_;  // [states]
};

}  // namespace hearth::grammar
