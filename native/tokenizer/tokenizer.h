// Text to token ids and back: the front of the SPM and BPE encoders, and the bytes that each token stands for.
// Parses no special tokens and knows no regexes: both are the caller's (see Model::encode in include/engine.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "include/engine.h"
#include "include/status.h"
#include "tokenizer/vocabulary_data.h"

namespace hearth {

class Vocabulary;
class WordEncoder;

// Immutable after create, so it is safe to share between threads.
class Tokenizer {
 public:
  // The texts that `data` views have to outlive the tokenizer; its vectors do not.
  // TOKENIZER_UNSUPPORTED: another model than llama or gpt2. TOKENIZER_BAD_VOCABULARY: with what is wrong.
  static Status create(VocabularyData data, std::unique_ptr<Tokenizer>* tokenizer);
  ~Tokenizer();

  const TokenizerInfo& info() const { return info_; }

  // Appends the ids of UTF-8 `words` to `ids`. O(n log n) in the length of a word.
  // TOKENIZER_UNSUPPORTED: the file has no vocabulary. CONTEXT_OVERFLOW: a word of 2 GiB or more.
  Status encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const;

  // Appends the bytes of `ids` to `bytes`; control and unknown tokens are left out unless asked for.
  // TOKEN_OUT_OF_RANGE, and then `bytes` is as it was.
  Status decode(std::span<const int32_t> ids, bool with_control_tokens, std::string* bytes) const;

 private:
  Tokenizer();

  TokenizerInfo info_;
  std::unique_ptr<const Vocabulary> vocabulary_;
  bool escapes_spaces_ = false;                 // texts have U+2581 for a space, and not GPT-2's alphabet
  std::unique_ptr<const WordEncoder> encoder_;  // null where the file has no vocabulary
};

}  // namespace hearth
