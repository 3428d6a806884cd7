// Changes grammars in GBNF at random and gives each to the compiler, then draws tokens at random within it: every one
// has to end in an error or in an allowed text. Crashes, hangs, huge allocations and leaks are for the sanitizers and
// the alarm to find.
//
//   hearth-fuzz-grammar [CASES [SEED]]
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sample/grammar.h"

extern "C" const char* __asan_default_options() { return "max_allocation_size_mb=512"; }

namespace hearth::fuzz {
namespace {

using grammar::CompiledGrammar;
using grammar::Place;
using grammar::TokenTrie;

constexpr unsigned kSecondsPerCase = 60;
constexpr int kTokens = 40;

const char* const kSeeds[] = {
    ("root ::= \" \"? object\nobject ::= \"{\" ws (member (\",\" ws member)*)? ws \"}\"\nmember ::= string \":\" ws "
     "value\n"
     "value ::= object | string | [0-9]{1,15} | \"true\"\nstring ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f] | \"\\\\\" [nrt])* "
     "\"\\\"\"\nws ::= \" \"? | \"\\n\" [ \\t]{0,32}\n"),
    ("root ::= ([a-f] | \"ab\"){3,70} <[261]> | <[^261]> text\ntext ::= \"\" | [<] tag | [^<] text\ntag ::= \"t\" "
     "root\n"),
    "root ::= \"\\u00e9\" .{2,} (x | y)+\nx ::= \"a\" y \"b\" | \"\"\ny ::= [\\U0001f600-\\U0001f64f]\n",
    "root ::= (\"<\" [a-z]{60,70} \">\"){50,60} | [a-z]* \"a\" [a-z]{0,400} [b-z]{400}\n",
};

std::shared_ptr<const TokenTrie> vocabulary(std::mt19937_64* random) {
  grammar::Pieces pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.texts.emplace_back(1, static_cast<char>(byte));
  pieces.texts.insert(pieces.texts.end(), {"\":", "{\"", "ab", "abc", "\xC3"});
  pieces.controls = {261, 262};
  pieces.ends = {263};
  pieces.texts.resize(264);
  for (int i = 0; i < 500; ++i) {
    std::string piece;
    for (size_t n = 1 + (*random)() % 20; n > 0; --n) piece += "abcdefxyz<>{}\":,\n "[(*random)() % 18];
    pieces.texts.push_back(piece);
  }
  return std::make_shared<const TokenTrie>(std::move(pieces));
}

std::string mutated(std::mt19937_64* random) {
  const auto below = [&](size_t n) { return static_cast<size_t>((*random)() % n); };
  std::string text = kSeeds[below(std::size(kSeeds))];
  for (size_t n = below(6); n > 0; --n) {
    const size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.erase(at, below(8));
        break;
      case 1:
        text.insert(at, 1, "\"[]()|*+?{}<>^.\\:=,0z\n#"[below(24)]);
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(30)));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>((*random)());
    }
  }
  return text;
}

// The result: a code, or how the text ended. A fault is printed.
std::string run(const std::string& gbnf, const std::shared_ptr<const TokenTrie>& trie, std::mt19937_64* random) {
  std::shared_ptr<const Grammar> compiled;
  const Status status = CompiledGrammar::compile(gbnf, trie, &compiled);
  if (!status.ok()) return code_name(status.code());
  Place place;
  std::vector<int32_t> tokens;
  for (int i = 0; i < kTokens; ++i) {
    std::vector<float> logits(trie->n_tokens(), 0.0f);
    const auto outcome = static_cast<const CompiledGrammar&>(*compiled).restrict(tokens, {2, 4}, &place, logits);
    if (outcome == CompiledGrammar::Outcome::TOO_COMPLEX) return "too complex";
    if (outcome == CompiledGrammar::Outcome::LOOPS) return "looped";
    // The vocabulary has every byte, and every state leads to an end.
    if (outcome != CompiledGrammar::Outcome::SOME) return "FAULT";
    std::vector<int32_t> allowed;
    for (size_t id = 0; id < logits.size(); ++id) {
      if (std::isfinite(logits[id])) allowed.push_back(static_cast<int32_t>(id));
    }
    const int32_t token = allowed[(*random)() % allowed.size()];
    if (token == 263) return "ended";
    tokens.push_back(token);
  }
  return "went on";
}

int fuzz(int cases, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto trie = vocabulary(&random);
  std::map<std::string, int> outcomes;
  for (int i = 0; i < cases; ++i) {
    alarm(kSecondsPerCase);
    const std::string gbnf = mutated(&random);
    const std::string outcome = run(gbnf, trie, &random);
    ++outcomes[outcome];
    if (outcome == "FAULT" || outcome == "INTERNAL") std::printf("FAULT in\n%s\n", gbnf.c_str());
  }
  for (const auto& [outcome, count] : outcomes) std::printf("%-20s %d\n", outcome.c_str(), count);
  return outcomes.count("FAULT") + outcomes.count("INTERNAL") > 0 ? 1 : 0;
}

}  // namespace
}  // namespace hearth::fuzz

int main(int argc, char** argv) {
  const int cases = argc > 1 ? std::atoi(argv[1]) : 2000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20261123;
  return hearth::fuzz::fuzz(cases, seed);
}
