// The interface of SPM and BPE to the tokenizer: one word of text in, ids out.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hearth {

class WordEncoder {
 public:
  virtual ~WordEncoder() = default;

  // Appends the ids of `words` to `ids`. No word is longer than kMaxWordBytes.
  virtual void encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const = 0;
};

// Far beyond any context (a token has about four bytes), and small enough for 32-bit positions.
inline constexpr size_t kMaxWordBytes = 16u << 20;

}  // namespace hearth
