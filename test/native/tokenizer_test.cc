// The tokenizer: ids against llama.cpp's and against naive merges, bytes of tokens, and what each bad vocabulary gives.
#include "tokenizer/tokenizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <string>

#include "gguf/gguf.h"
#include "gguf_bytes.h"
#include "tokenizer/byte_unicode.h"
#include "tokenizer/from_gguf.h"

namespace hearth {
namespace {

using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> make(const VocabularyData& data) {
  std::unique_ptr<Tokenizer> tokenizer;
  const Status status = Tokenizer::create(data, &tokenizer);
  CAPTURE(status.message());
  REQUIRE(status.ok());
  return tokenizer;
}

Ids encode(const Tokenizer& tokenizer, const std::vector<std::string_view>& words) {
  Ids ids;
  REQUIRE(tokenizer.encode(words, &ids).ok());
  return ids;
}

std::string decode(const Tokenizer& tokenizer, const Ids& ids, bool with_control_tokens = false) {
  std::string bytes;
  REQUIRE(tokenizer.decode(ids, with_control_tokens, &bytes).ok());
  return bytes;
}

void check_error(const VocabularyData& data, Code code, std::string_view mentioned) {
  std::unique_ptr<Tokenizer> tokenizer;
  const Status status = Tokenizer::create(data, &tokenizer);
  CAPTURE(status.message());
  CHECK(std::string(code_name(status.code())) == code_name(code));
  CHECK(status.message().find(mentioned) != std::string::npos);
  CHECK(tokenizer == nullptr);
}

// <unk> <s> </s>, a space, and letters that merge to "ab", "bc" and "abc".
VocabularyData spm_data() {
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

VocabularyData bpe_data() {
  VocabularyData data;
  data.model = "gpt2";
  data.pre = "gpt-2";
  data.tokens = {"a", "b", "c", "ab", "bc", "abc", "<|end|>", "\xC4\xA0", "\xC3\x83", "\xC2\xA9", "\xC3\x83\xC2\xA9",
                 "zz"};
  data.types = {1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1};
  data.merges = {"b c", "a b", "a bc", "\xC3\x83 \xC2\xA9"};
  return data;
}

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

// Random vocabularies over "abcd": whatever the heap does, it is what one merge after another by hand gives.
struct RandomVocabulary {
  explicit RandomVocabulary(uint32_t seed) : random(seed) {
    for (const char* letter : {"a", "b", "c", "d"}) add(letter);
    while (texts.size() < 40) {
      const std::string& left = texts[random() % texts.size()];
      const std::string joined = left + texts[random() % texts.size()];
      if (joined.size() <= 8 && ids.count(joined) == 0) add(joined);
    }
  }

  void add(const std::string& text) {
    ids[text] = static_cast<int32_t>(texts.size());
    texts.push_back(text);
  }

  std::string word() {
    std::string text;
    for (size_t n = random() % 60; n > 0; --n) text.push_back(static_cast<char>('a' + random() % 4));
    return text;
  }

  VocabularyData data(const char* model) const {
    VocabularyData result;
    result.model = model;
    result.tokens.assign(texts.begin(), texts.end());
    return result;
  }

  std::mt19937 random;
  std::deque<std::string> texts;
  std::map<std::string, int32_t> ids;
};

// Joins the best pair of neighbours, the leftmost of equals, until none is left. `rank` is lower for better, -1 for
// none.
template <typename Rank>
Ids naive_merges(const RandomVocabulary& vocabulary, const std::string& word, Rank rank) {
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  for (;;) {
    int64_t best = -1;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const int64_t r = rank(parts[i], parts[i + 1]);
      if (r >= 0 && (best < 0 || r < best)) {
        best = r;
        at = i;
      }
    }
    if (best < 0) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) ids.push_back(vocabulary.ids.at(part));
  return ids;
}

TEST_CASE("SPM equals naive merging on random vocabularies") {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    RandomVocabulary vocabulary(seed);
    VocabularyData data = vocabulary.data("llama");
    for (size_t id = 0; id < data.tokens.size(); ++id) {
      data.scores.push_back(-static_cast<float>(vocabulary.random() % 10));  // with ties
    }
    const auto tokenizer = make(data);
    for (int i = 0; i < 40; ++i) {
      const std::string word = vocabulary.word();
      CAPTURE(word);
      CHECK(encode(*tokenizer, {word}) ==
            naive_merges(vocabulary, word, [&](const std::string& left, const std::string& right) -> int64_t {
              const auto found = vocabulary.ids.find(left + right);
              return found == vocabulary.ids.end()
                         ? -1
                         : static_cast<int64_t>(-data.scores[static_cast<size_t>(found->second)]);
            }));
    }
  }
}

TEST_CASE("BPE equals naive merging on random vocabularies") {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    RandomVocabulary vocabulary(seed);
    std::deque<std::string> merges;
    std::map<std::string, int64_t> ranks;
    for (int i = 0; i < 120; ++i) {
      const std::string& left = vocabulary.texts[vocabulary.random() % vocabulary.texts.size()];
      const std::string& right = vocabulary.texts[vocabulary.random() % vocabulary.texts.size()];
      if (vocabulary.ids.count(left + right) == 0) continue;
      merges.push_back(left + " " + right);
      ranks.emplace(merges.back(), static_cast<int64_t>(merges.size()) - 1);  // of equal merges the first counts
    }
    if (merges.empty()) continue;  // no such vocabulary is taken
    VocabularyData data = vocabulary.data("gpt2");
    data.merges.assign(merges.begin(), merges.end());
    const auto tokenizer = make(data);
    for (int i = 0; i < 40; ++i) {
      const std::string word = vocabulary.word();
      CAPTURE(word);
      CHECK(encode(*tokenizer, {word}) ==
            naive_merges(vocabulary, word, [&](const std::string& left, const std::string& right) -> int64_t {
              const auto found = ranks.find(left + " " + right);
              return found == ranks.end() ? -1 : found->second;
            }));
    }
  }
}

TEST_CASE("GPT-2's alphabet is a bijection of bytes") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  std::string text, back;
  bytes_to_alphabet(all, &text);
  alphabet_to_bytes(text, &back);
  CHECK(back == all);
  std::string space;
  bytes_to_alphabet(" \n", &space);
  CHECK(space == "\xC4\xA0\xC4\x8A");  // U+0120, U+010A
  std::string foreign;
  alphabet_to_bytes("\xE2\x96\x81\xC5\x84 \xFF", &foreign);  // U+2581, U+0144 and invalid bytes are copied
  CHECK(foreign == "\xE2\x96\x81\xC5\x84 \xFF");
}

// The vocabularies of published models lie beside the repository.
const std::filesystem::path kGolden = std::filesystem::path(__FILE__).parent_path() / "../../../shared/golden/vocab";

struct Golden {
  std::vector<uint8_t> file;
  GgufFile gguf;
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> texts;
  std::vector<Ids> ids;
};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// False when the data is not there.
bool load_golden(const std::string& name, Golden* golden) {
  const std::string path = (kGolden / ("ggml-vocab-" + name + ".gguf")).string();
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: no ", path);
    return false;
  }
  const std::string bytes = read_text(path);
  golden->file.assign(bytes.begin(), bytes.end());
  REQUIRE(GgufFile::parse(golden->file, &golden->gguf).ok());
  VocabularyData data;
  REQUIRE(read_vocabulary(golden->gguf, &data).ok());
  golden->tokenizer = make(data);

  const std::string separator = "\n__ggml_vocab_test__\n", texts = read_text(path + ".inp");
  for (size_t at = 0; at < texts.size();) {
    const size_t end = std::min(texts.find(separator, at), texts.size());
    golden->texts.push_back(texts.substr(at, end - at));
    at = end + separator.size();
  }
  std::istringstream lines(read_text(path + ".out"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    golden->ids.emplace_back(std::istream_iterator<int32_t>(numbers), std::istream_iterator<int32_t>());
  }
  REQUIRE(golden->texts.size() > 40);
  REQUIRE(golden->ids.size() == golden->texts.size());
  return true;
}

TEST_CASE("SPM gives llama.cpp's ids") {
  for (const char* name : {"llama-spm", "phi-3"}) {
    Golden golden;
    if (!load_golden(name, &golden)) continue;
    for (size_t i = 0; i < golden.texts.size(); ++i) {
      const std::string& text = golden.texts[i];
      CAPTURE(text);
      const Ids ids = text.empty() ? Ids{} : encode(*golden.tokenizer, {" " + text});
      CHECK(ids == golden.ids[i]);
      if (!text.empty()) CHECK(decode(*golden.tokenizer, ids) == " " + text);
    }
  }
}

TEST_CASE("BPE gives back the text of llama.cpp's ids, and each of these tokens from its own bytes") {
  for (const char* name : {"llama-bpe", "qwen2", "gpt-2", "starcoder"}) {
    Golden golden;
    if (!load_golden(name, &golden)) continue;
    for (size_t i = 0; i < golden.texts.size(); ++i) {
      CAPTURE(golden.texts[i]);
      CHECK(decode(*golden.tokenizer, golden.ids[i]) == golden.texts[i]);
      for (const int32_t id : golden.ids[i]) {
        CHECK(encode(*golden.tokenizer, {decode(*golden.tokenizer, {id})}) == Ids{id});
      }
    }
  }
}

TEST_CASE("one word of a megabyte is encoded in time" * doctest::test_suite("bounded cost")) {
  for (const char* name : {"llama-spm", "llama-bpe"}) {
    Golden golden;
    if (!load_golden(name, &golden)) continue;
    for (const std::string_view unit : {" ", "a", "ab", "\xF0\x9F\x98\x80"}) {
      std::string word;
      while (word.size() < 1 << 20) word += unit;
      const auto start = std::chrono::steady_clock::now();
      const Ids ids = encode(*golden.tokenizer, {word});
      CHECK(decode(*golden.tokenizer, ids) == word);
      // A quadratic encoder takes minutes; the limit leaves room for a busy machine.
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
    }
  }
}

}  // namespace
}  // namespace hearth
