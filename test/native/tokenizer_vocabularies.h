// Small vocabularies whose merges are known by heart, and the tokenizer's calls without their statuses.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace hearth {

using Ids = std::vector<int32_t>;

inline std::unique_ptr<Tokenizer> make(const VocabularyData& data) {
  std::unique_ptr<Tokenizer> tokenizer;
  const Status status = Tokenizer::create(data, &tokenizer);
  CAPTURE(status.message());
  REQUIRE(status.ok());
  return tokenizer;
}

inline Ids encode(const Tokenizer& tokenizer, const std::vector<std::string_view>& words) {
  Ids ids;
  REQUIRE(tokenizer.encode(words, &ids).ok());
  return ids;
}

inline std::string decode(const Tokenizer& tokenizer, const Ids& ids, bool with_control_tokens = false) {
  std::string bytes;
  REQUIRE(tokenizer.decode(ids, with_control_tokens, &bytes).ok());
  return bytes;
}

inline void check_error(const VocabularyData& data, Code code, std::string_view mentioned) {
  std::unique_ptr<Tokenizer> tokenizer;
  const Status status = Tokenizer::create(data, &tokenizer);
  CAPTURE(status.message());
  CHECK(std::string(code_name(status.code())) == code_name(code));
  CHECK(status.message().find(mentioned) != std::string::npos);
  CHECK(tokenizer == nullptr);
}

// <unk> <s> </s>, a space, and letters that merge to "ab", "bc" and "abc".
inline VocabularyData spm_data() {
  VocabularyData data;
  data.model = "llama";
  data.tokens = {"<unk>",
                 "<s>",
                 "</s>",
                 "\xE2\x96\x81",
                 "a",
                 "b",
                 "c",
                 "ab",
                 "bc",
                 "abc",
                 "\xE2\x96\x81"
                 "a",
                 "s",
                 "<",
                 ">",
                 "<s"};
  data.scores = {0, 0, 0, -5, -5, -5, -5, -2, -1, -3, -4, -5, -5, -5, -1};
  data.types = {2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  return data;
}

inline VocabularyData bpe_data() {
  VocabularyData data;
  data.model = "gpt2";
  data.pre = "gpt-2";
  data.tokens = {"a", "b", "c", "ab", "bc", "abc", "<|end|>", "\xC4\xA0", "\xC3\x83", "\xC2\xA9", "\xC3\x83\xC2\xA9",
                 "zz"};
  data.types = {1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1};
  data.merges = {"b c", "a b", "a bc", "\xC3\x83 \xC2\xA9"};
  return data;
}

}  // namespace hearth
