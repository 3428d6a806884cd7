// The SentencePiece BPE encoder of the llama family: pairs of neighbours merge, highest score first (Kudo and
// Richardson 2018, arXiv:1808.06226; Sennrich et al. 2016, arXiv:1508.07909). Knows nothing of special tokens and space
// prefixes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "include/status.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_encoder.h"

namespace hearth {

inline constexpr std::string_view kSpmSpace = "\xE2\x96\x81";  // U+2581, which stands for a space in token texts

class SpmEncoder : public WordEncoder {
 public:
  // `vocabulary` has to outlive the encoder. TOKENIZER_BAD_VOCABULARY: a byte that has neither a token nor an unknown
  // token.
  static Status create(const Vocabulary& vocabulary, TokenIndex index, std::optional<int32_t> unk,
                       std::unique_ptr<const WordEncoder>* encoder);

  void encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const override;

 private:
  // A piece of the text, in a list linked by position; merging lengthens the left piece and empties the right one.
  struct Piece {
    uint32_t begin, size;
    int32_t prev, next;  // -1: none
    int32_t id;          // -1: no token has this text
  };
  // Two neighbours whose joined text is a token. Stale once either of them has changed, that is if the sizes differ.
  struct Pair {
    float score;
    int32_t left;
    uint32_t size;
    int32_t id;
    bool operator<(const Pair& other) const {  // a max-heap's order: the highest score, then the leftmost
      return score < other.score || (score == other.score && left > other.left);
    }
  };
  // Buffers of one encode call.
  struct Work {
    std::string text;
    std::vector<Piece> pieces;
    std::vector<Pair> pairs;
  };

  void split(Work* work) const;
  void push_pair(Work* work, int32_t left) const;
  void merge(Work* work) const;
  int32_t find(std::string_view text) const;

  const Vocabulary* vocabulary_ = nullptr;
  TokenIndex index_;
  std::array<int32_t, 256> byte_ids_{};
};

}  // namespace hearth
