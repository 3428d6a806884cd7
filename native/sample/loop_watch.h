// Notices that tokens go round in circles. Knows nothing of logits, grammars or text.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace hearth {

// How often one token or a pair of them comes before that is a loop, and how many tokens longer circles fill by then;
// 0: never.
struct LoopLimits {
  int32_t repeats = 0;
  int32_t tokens = 0;
  bool any() const { return repeats > 0 || tokens > 0; }
};

// A plain value: copies are cheap.
class LoopWatch {
 public:
  // The longest circle: a member of a list that is written anew, word for word, is some forty tokens.
  static constexpr int32_t kLongest = 64;
  // Rules of dashes and indents are long, and meant.
  static constexpr int32_t kPatience = 4;

  // `filler`: the token draws a rule or an indent.
  void accept(int32_t token, bool filler) {
    for (int32_t length = 1; length <= kLongest; ++length) {
      int32_t& n = repeats_[static_cast<size_t>(length)];
      n = length <= n_tokens_ && before(length) == token ? n + 1 : 0;
    }
    tokens_[static_cast<size_t>(n_tokens_ % kLongest)] = token;
    ++n_tokens_;
    n_fillers_ = filler ? n_fillers_ + 1 : 0;
  }

  // The length of the shortest circle that has come as often as the limits say; 0: none has.
  int32_t circle(const LoopLimits& limits) const {
    for (int32_t length = 1; length <= kLongest; ++length) {
      const int64_t filled = repeats_[static_cast<size_t>(length)] + length;
      const bool is_short = length <= 2;
      if (!is_short && limits.repeats > 0 && is_of_short_ones(length)) continue;
      const int64_t limit = is_short && limits.repeats > 0
                                ? int64_t{limits.repeats} * length * (n_fillers_ >= length ? kPatience : 1)
                                : std::max(limits.tokens, limits.tokens > 0 ? 2 * length : 0);
      if (limit > 0 && filled >= limit) return length;
    }
    return 0;
  }

 private:
  bool is_of_short_ones(int32_t length) const { return repeats_[1] + 1 >= length || repeats_[2] + 2 >= length; }
  int32_t before(int32_t n) const { return tokens_[static_cast<size_t>((n_tokens_ - n) % kLongest)]; }

  std::array<int32_t, kLongest> tokens_{};  // the last ones, in a ring
  std::array<int32_t, kLongest + 1>
      repeats_{};  // by length: of the last tokens, those that equal the one a circle before
  int32_t n_tokens_ = 0;
  int32_t n_fillers_ = 0;  // at the end
};

}  // namespace hearth
