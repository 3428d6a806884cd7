// Vocabularies of files: what is wrong with bad ones, and which tokens steer a conversation.
#include "tokenizer/vocabulary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gguf/gguf.h"
#include "gguf_bytes.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer_vocabularies.h"

namespace hearth {
namespace {

TEST_CASE("each bad vocabulary gives an error that says what is wrong") {
  const auto spm = [](auto change) {
    VocabularyData data = spm_data();
    change(data);
    return data;
  };
  const auto bpe = [](auto change) {
    VocabularyData data = bpe_data();
    change(data);
    return data;
  };
  const Code bad = Code::TOKENIZER_BAD_VOCABULARY;
  const std::string long_text(5000, 'x');
  check_error(spm([](auto& d) { d.model = "t5"; }), Code::TOKENIZER_UNSUPPORTED, "\"t5\"");
  check_error(spm([](auto& d) { d.tokens.clear(); }), bad, "has no key \"tokenizer.ggml.tokens\"");
  check_error(spm([](auto& d) { d.scores.pop_back(); }), bad, "14 scores for 15 tokens");
  check_error(spm([](auto& d) { d.scores.clear(); }), bad, "has no key \"tokenizer.ggml.scores\"");
  check_error(bpe([](auto& d) { d.merges.clear(); }), bad, "has no key \"tokenizer.ggml.merges\"");
  check_error(spm([](auto& d) { d.scores[3] = NAN; }), bad, "score of token 3");
  check_error(spm([](auto& d) { d.types.push_back(1); }), bad, "16 types for 15 tokens");
  check_error(spm([](auto& d) { d.types[4] = 0; }), bad, "of token 4 is 0");
  check_error(spm([](auto& d) { d.types[4] = 7; }), bad, "of token 4 is 7");
  check_error(spm([](auto& d) { d.tokens[5] = "a"; }), bad, "Tokens 4 and 5 have the same text \"a\"");
  check_error(spm([&](auto& d) { d.tokens[5] = long_text; }), bad, "Token 5 has 5000 bytes");
  check_error(spm([](auto& d) { d.unk = kNoToken; }), bad, "<0x00>");
  check_error(bpe([](auto& d) { d.merges.push_back("ab"); }), bad, "Merge 4 \"ab\" is not two tokens");
  check_error(bpe([](auto& d) { d.merges.push_back(""); }), bad, "Merge 4 \"\" is not two tokens");
  check_error(bpe([](auto& d) { d.merges.push_back("a "); }), bad, "Merge 4 \"a \" is not two tokens");
  check_error(bpe([](auto& d) { d.merges.push_back("q b"); }), bad, "joins something that is no token");
  check_error(bpe([](auto& d) { d.merges.push_back("b q"); }), bad, "joins something that is no token");
  check_error(bpe([](auto& d) { d.merges.push_back("c c"); }), bad, "makes something that is no token");
}

TEST_CASE("a special id beyond the vocabulary is left out with a warning") {
  VocabularyData data = spm_data();
  data.bos = 15;
  data.eos = 4294967294u;
  data.eot = 14;
  const auto tokenizer = make(data);
  const TokenizerInfo& info = tokenizer->info();
  CHECK_FALSE(info.bos.has_value());
  CHECK_FALSE(info.add_bos);
  CHECK(info.end_of_generation == Ids{2, 14});  // "</s>" by its name
  REQUIRE(info.warnings.size() == 2);
  CHECK(info.warnings[0].find("bos_token_id\" is 15") != std::string::npos);
  CHECK(info.warnings[1].find("eos_token_id\" is 4294967294") != std::string::npos);
}

// Whether the file's user-defined `text` became a control token, and whether it ends an answer.
std::pair<bool, bool> fate_of(const char* text, const std::vector<std::string_view>& others = {}) {
  VocabularyData data = bpe_data();
  for (const std::string_view other : others) {
    data.tokens.push_back(other);
    data.types.push_back(3);
  }
  const auto id = static_cast<int32_t>(data.tokens.size());
  data.tokens.push_back(text);
  data.types.push_back(4);
  const auto tokenizer = make(data);
  const TokenizerInfo& info = tokenizer->info();
  return {info.special_tokens.back().control, std::ranges::binary_search(info.end_of_generation, id)};
}

TEST_CASE("user-defined tokens that end a turn or a text in their family are control tokens, and end answers") {
  for (const char* text : {"</s>", "<|eot_id|>", "[EOS]", "<eos>", "<|file_sep|>", "<|endoftext|>"}) {
    CAPTURE(text);
    CHECK(fate_of(text) == std::pair(true, true));
  }
}

TEST_CASE("user-defined tokens that begin a turn are control tokens, and end nothing") {
  for (const char* text : {"<|user|>", "<|assistant|>", "<|im_start|>", "<start_of_turn>", "<|fim_prefix|>"}) {
    CAPTURE(text);
    CHECK(fate_of(text) == std::pair(true, false));
  }
}

TEST_CASE("user-defined tokens that are text stay text: calls, reasoning, and Gemma's HTML") {
  for (const char* text : {"<tool_call>", "</think>", "<|tool_call>", "</b>", "<|\"|>"}) {
    CAPTURE(text);
    CHECK(fate_of(text) == std::pair(false, false));
  }
  CHECK(fate_of("</s>", {"<eos>", "<bos>"}) == std::pair(false, false));
}

TEST_CASE("a user-defined token that the file calls its end is a control token") {
  VocabularyData data = bpe_data();
  data.tokens.push_back("<fin>");
  data.types.push_back(4);
  data.eos = 12;
  CHECK(make(data)->info().special_tokens.back().control);
}

TEST_CASE("a key of a wrong type is an error of the vocabulary") {
  test::GgufBytes tokens = test::GgufBytes::header(0, 1), bos = test::GgufBytes::header(0, 1);
  tokens.array_key("tokenizer.ggml.tokens", GgufType::UINT32, 1).put<uint32_t>(7);
  bos.string_key("tokenizer.ggml.bos_token_id", "one");
  for (const auto& [built, key] : {std::pair(&tokens, "tokens"), std::pair(&bos, "bos_token_id")}) {
    const test::GuardedBytes guarded(built->bytes());
    GgufFile file;
    REQUIRE(GgufFile::parse(guarded.bytes(), &file).ok());
    VocabularyData data;
    const Status status = read_vocabulary(file, &data);
    CAPTURE(status.message());
    CHECK(status.code() == Code::TOKENIZER_BAD_VOCABULARY);
    CHECK(status.message().find(key) != std::string::npos);
  }
}

}  // namespace
}  // namespace hearth
