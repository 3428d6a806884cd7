// The tokenizer: text to ids, ids to bytes, and what it tells of special tokens.
#include "tokenizer/tokenizer.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "tokenizer_vocabularies.h"

namespace hearth {
namespace {

TEST_CASE("SPM merges the pair with the highest score, of equal ones the leftmost") {
  const auto tokenizer = make(spm_data());
  CHECK(encode(*tokenizer, {"abc"}) == Ids{9});  // bc, then abc
  CHECK(encode(*tokenizer, {"bcbc"}) == Ids{8, 8});
  CHECK(encode(*tokenizer, {"abab"}) == Ids{7, 7});
  CHECK(encode(*tokenizer, {" a", "b"}) == Ids{10, 5});  // a space is escaped; words stay apart
  CHECK(encode(*tokenizer, {"", "a"}) == Ids{4});
}

TEST_CASE("SPM text never becomes a control token") {
  const auto tokenizer = make(spm_data());
  CHECK(encode(*tokenizer, {"<s>"}) == Ids{14, 13});
}

TEST_CASE("SPM writes what has no token in bytes, and without byte tokens as unknown") {
  VocabularyData data = spm_data();
  CHECK(encode(*make(data), {"a\xC3\xA9"}) == Ids{4, 0, 0});

  std::deque<std::string> names;
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    data.tokens.push_back(names.emplace_back(name));
    data.scores.push_back(0);
    data.types.push_back(6);
  }
  const auto tokenizer = make(data);
  const Ids ids = encode(*tokenizer, {"a\xC3\xA9",
                                      "\xFF\xC3"
                                      "b\xE2\x96"});
  CHECK(ids == Ids{4, 15 + 0xC3, 15 + 0xA9, 15 + 0xFF, 15 + 0xC3, 5, 15 + 0xE2, 15 + 0x96});
  CHECK(decode(*tokenizer, ids) ==
        "a\xC3\xA9\xFF\xC3"
        "b\xE2\x96");
  // The name of a byte token in text is text.
  CHECK(decode(*tokenizer, encode(*tokenizer, {"<0x41>"})) == "<0x41>");
}

TEST_CASE("BPE merges by rank, within words") {
  const auto tokenizer = make(bpe_data());
  CHECK(encode(*tokenizer, {"abc"}) == Ids{5});
  CHECK(encode(*tokenizer, {"ab", "c"}) == Ids{3, 2});
  CHECK(encode(*tokenizer, {"abab"}) == Ids{3, 3});
  CHECK(encode(*tokenizer, {" a\xC3\xA9"}) == Ids{7, 0, 10});
  CHECK(decode(*tokenizer, {7, 0, 10}) == " a\xC3\xA9");
}

TEST_CASE("BPE drops a byte without a token, or writes it as unknown where there is one") {
  VocabularyData data = bpe_data();
  CHECK(encode(*make(data), {"a!b"}) == Ids{0, 1});
  data.unk = 11;
  CHECK(encode(*make(data), {"a!b"}) == Ids{0, 11, 1});
}

TEST_CASE("a whole word is taken as it is only by families that ignore merges") {
  VocabularyData data = bpe_data();
  data.tokens.push_back("z");
  data.types.push_back(1);
  CHECK(encode(*make(data), {"zz"}) == Ids{12, 12});
  data.pre = "qwen2";
  CHECK(encode(*make(data), {"zz"}) == Ids{12, 12});
  for (const std::string_view pre : {"llama-bpe", "pixtral", "tekken"}) {
    data.pre = pre;
    CHECK(encode(*make(data), {"zz"}) == Ids{11});
  }
  CHECK(encode(*make(data), {"<|end|>"}).empty());  // a control token's name is text, of which no byte has a token here
}

TEST_CASE("a merge that makes a control token is not applied") {
  VocabularyData data = bpe_data();
  data.types[5] = 3;
  CHECK(encode(*make(data), {"abc"}) == Ids{0, 4});
}

TEST_CASE("decode leaves out control, unknown and unused tokens unless it is asked for them") {
  VocabularyData data = spm_data();
  data.tokens.insert(data.tokens.end(), {"\xE2\x96\x81raw", "unused"});
  data.scores.insert(data.scores.end(), {0, 0});
  data.types.insert(data.types.end(), {4, 5});
  const auto tokenizer = make(data);
  CHECK(decode(*tokenizer, {1, 10, 0, 16, 7, 2}) == " aab");
  CHECK(decode(*tokenizer, {1, 10, 0, 16, 7, 2}, true) == "<s> a<unk>ab</s>");
  CHECK(decode(*tokenizer, {15}) == "\xE2\x96\x81raw");  // user-defined text is as it is
}

TEST_CASE("decode refuses ids outside the vocabulary and adds nothing then") {
  const auto tokenizer = make(spm_data());
  for (const int32_t id : {-1, 15, INT32_MAX, INT32_MIN}) {
    std::string bytes = "before";
    const Status status = tokenizer->decode(Ids{4, id}, false, &bytes);
    CHECK(status.code() == Code::TOKEN_OUT_OF_RANGE);
    CHECK(status.message().find(std::to_string(id)) != std::string::npos);
    CHECK(bytes == "before");
  }
}

TEST_CASE("info names the special tokens and those that end an answer") {
  VocabularyData data = spm_data();
  data.tokens.insert(data.tokens.end(), {"<|im_end|>", "<tool>"});
  data.scores.insert(data.scores.end(), {0, 0});
  data.types.insert(data.types.end(), {1, 4});
  data.eot = 14;
  data.pad = kNoToken;
  const auto tokenizer = make(data);
  const TokenizerInfo& info = tokenizer->info();
  CHECK(info.kind == "spm");
  CHECK(info.n_tokens == 17);
  CHECK(info.unk == 0);  // SentencePiece's own numbers
  CHECK(info.bos == 1);
  CHECK(info.eos == 2);
  CHECK(info.eot == 14);
  CHECK_FALSE(info.pad.has_value());
  CHECK(info.add_bos);
  CHECK_FALSE(info.add_eos);
  CHECK(info.add_space_prefix);
  CHECK(info.end_of_generation == Ids{2, 14, 15});
  REQUIRE(info.special_tokens.size() == 5);
  CHECK(info.special_tokens[3].text == "<|im_end|>");
  CHECK(info.special_tokens[3].control);  // though the file calls it normal
  CHECK_FALSE(info.special_tokens[4].control);
}

TEST_CASE("flags and ids of the file come before the family's habits") {
  VocabularyData data = spm_data();
  data.bos = kNoToken;
  data.add_bos = true;
  data.add_space_prefix = false;
  const auto tokenizer = make(data);
  CHECK_FALSE(tokenizer->info().bos.has_value());
  CHECK_FALSE(tokenizer->info().add_bos);  // there is none to add
  CHECK_FALSE(tokenizer->info().add_space_prefix);
  CHECK_FALSE(make(bpe_data())->info().add_bos);
}

TEST_CASE("gpt-oss does not end its answer with <|end|>") {
  VocabularyData data = bpe_data();
  CHECK(make(data)->info().end_of_generation == Ids{6});
  data.tokens.insert(data.tokens.end(), {"<|return|>", "<|call|>"});
  data.types.insert(data.types.end(), {3, 3});
  CHECK(make(data)->info().end_of_generation == Ids{12, 13});
}

TEST_CASE("a file without a vocabulary has a tokenizer that refuses to work") {
  for (const char* model : {"", "none", "no_vocab"}) {
    VocabularyData data;
    data.model = model;
    const auto tokenizer = make(data);
    CHECK(tokenizer->info().kind == "none");
    Ids ids;
    std::string bytes;
    CHECK(tokenizer->encode(std::vector<std::string_view>{"a"}, &ids).code() == Code::TOKENIZER_UNSUPPORTED);
    CHECK(tokenizer->decode(Ids{0}, false, &bytes).code() == Code::TOKENIZER_UNSUPPORTED);
  }
}

TEST_CASE("empty tokens are gaps in the ids") {
  VocabularyData data = spm_data();
  data.tokens[11] = data.tokens[12] = "";
  const auto tokenizer = make(data);
  CHECK(decode(*tokenizer, {11, 4, 12}) == "a");
}

TEST_CASE("a word beyond any context is refused") {
  const std::string word(17 << 20, 'a');
  Ids ids;
  CHECK(make(spm_data())->encode(std::vector<std::string_view>{word}, &ids).code() == Code::CONTEXT_OVERFLOW);
  CHECK(ids.empty());
}

}  // namespace
}  // namespace hearth
