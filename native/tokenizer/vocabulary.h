// The checked vocabulary: each token's text, type and score, the text -> id index, and what the caller is told of it.
// Knows nothing of merges.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "include/engine.h"
#include "include/status.h"
#include "tokenizer/vocabulary_data.h"

namespace hearth {

// No token of a published model is longer than 512 bytes; the limit keeps text lookups cheap.
inline constexpr size_t kMaxTokenBytes = 4096;

class Vocabulary {
 public:
  // TOKENIZER_BAD_VOCABULARY with what is wrong. Leaves `data` without tokens, scores and types; the merges stay.
  static Status create(VocabularyData* data, Vocabulary* vocabulary);

  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  std::string_view text(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }
  TokenType type(int32_t id) const { return types_[static_cast<size_t>(id)]; }
  float score(int32_t id) const { return scores_[static_cast<size_t>(id)]; }  // SPM only
  const std::vector<int32_t>& ends() const { return ends_; }  // that end an answer by their names, in order
  size_t max_token_bytes() const { return max_token_bytes_; }

  // Whether plain text may become this token: control, unknown and byte tokens have names, not texts.
  bool is_text(int32_t id) const {
    return type(id) == TokenType::NORMAL || type(id) == TokenType::USER_DEFINED || type(id) == TokenType::UNUSED;
  }

 private:
  Status check_sizes(const VocabularyData& data) const;
  Status set_types(const VocabularyData& data);
  void own_texts();

  std::unique_ptr<char[]> texts_;  // of all tokens
  std::vector<std::string_view> tokens_;
  std::vector<TokenType> types_;
  std::vector<float> scores_;
  std::vector<int32_t> ends_;
  size_t max_token_bytes_ = 0;
};

// Text -> id, in 8 bytes a slot beside the texts themselves: open addressing with linear probing.
class TokenIndex {
 public:
  // The vocabulary has to outlive the index. TOKENIZER_BAD_VOCABULARY: two tokens with the same text.
  static Status create(const Vocabulary& vocabulary, TokenIndex* index);

  int32_t find(std::string_view text) const;  // -1: no token

 private:
  struct Slot {
    uint32_t tag;  // high half of the hash, so that most collisions cost no look at the text
    int32_t id;    // -1: free
  };

  uint64_t hash(std::string_view text) const;

  const Vocabulary* vocabulary_ = nullptr;
  uint64_t seed_ = 0;
  size_t mask_ = 0;
  std::vector<Slot> slots_;
};

// A seed that a file cannot foresee, so that no vocabulary can be made to collide in a hash table.
uint64_t hash_seed();

// Mixes all bits of `x` (the finalizer of SplitMix64, Steele et al. 2014).
inline uint64_t mix_bits(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// Fills kind, special ids, flags, special tokens, end-of-generation ids, and warnings of ids out of range.
void describe_vocabulary(const VocabularyData& data, const Vocabulary& vocabulary, TokenizerInfo* info);

// Whether tokenizer.ggml.pre names Llama 3's pre-tokenizer: its users start a text with BOS also where the file does
// not say so, and take a word as it is if it is a token.
bool is_llama3_pre(std::string_view pre);

// The text of the token that stands for a byte of a character without a token: "<0x0A>".
std::string byte_token(int byte);

}  // namespace hearth
