// Merges: ids against naive merges on random vocabularies and against llama.cpp's, and how long they may take.
#include "tokenizer/tokenizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "tokenizer/byte_unicode.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer_vocabularies.h"

namespace hearth {
namespace {

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
