// The BPE encoders: pairs of neighbours merge, lowest rank first (Sennrich et al. 2016, arXiv:1508.07909). The GPT-2
// family (Radford et al. 2019) starts from bytes; Gemma 4 from characters, with U+2581 for a space, and from the bytes
// of characters that are no tokens. Words come split by the pre-tokenizer's regex.
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

// The merges, found by the pair of ids that they join: 4 bytes a slot beside 12 bytes a merge.
class MergeTable {
 public:
  struct Merge {
    int32_t left, right, joined;
  };

  // `merges`: "left right", in the order of their ranks. TOKENIZER_BAD_VOCABULARY: a merge of or to something that is
  // no token.
  static Status create(const std::vector<std::string_view>& merges, const Vocabulary& vocabulary,
                       const TokenIndex& index, MergeTable* table);

  int32_t find(int32_t left, int32_t right) const;  // the rank, or -1
  const Merge& operator[](int32_t rank) const { return merges_[static_cast<size_t>(rank)]; }

 private:
  size_t slot(int32_t left, int32_t right) const;

  uint64_t seed_ = 0;
  size_t mask_ = 0;
  std::vector<Merge> merges_;
  std::vector<int32_t> slots_;  // ranks; -1: free
};

class BpeEncoder : public WordEncoder {
 public:
  // `vocabulary` has to outlive the encoder. Bytes without a token become `unk`, or are dropped where there is none.
  static Status create(const VocabularyData& data, const Vocabulary& vocabulary, TokenIndex index,
                       std::optional<int32_t> unk, std::unique_ptr<const WordEncoder>* encoder);

  void encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const override;

 private:
  struct Symbol {
    int32_t id;          // kNoSymbolToken, or kMerged once its left neighbour has swallowed it
    int32_t prev, next;  // -1: none
  };
  // Buffers of one encode call.
  struct Work {
    std::string text;
    std::vector<Symbol> symbols;
    std::vector<uint64_t> pairs;  // a min-heap of rank << 32 | left symbol: the lowest rank, then the leftmost
  };

  int32_t find_whole(std::string_view word, Work* work) const;
  // The symbols that a word starts from.
  void split_bytes(std::string_view word, Work* work) const;
  void split_characters(std::string_view word, Work* work) const;
  void push_pair(Work* work, int32_t left) const;
  void merge(std::string_view word, Work* work) const;

  const Vocabulary* vocabulary_ = nullptr;
  MergeTable merges_;
  std::optional<TokenIndex> characters_;   // where words are split into characters
  std::optional<TokenIndex> whole_words_;  // families that take a word as it is if it is a token, whatever the merges
  std::array<int32_t, 256> byte_ids_{};
  std::optional<int32_t> unk_;
};

}  // namespace hearth
