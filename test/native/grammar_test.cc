// Grammars: what the notation means, which texts match, and which tokens may follow.
#include "sample/grammar.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>
#include <string>

#include "sample/sampler.h"

using namespace hearth;
using grammar::CompiledGrammar;
using grammar::Pieces;
using grammar::Place;
using grammar::TokenTrie;

namespace {

// All bytes, so that any text can be said, and after them what the test names; then a control token and an end.
std::shared_ptr<const TokenTrie> vocabulary(const std::vector<std::string>& more = {}) {
  Pieces pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.texts.emplace_back(1, static_cast<char>(byte));
  pieces.texts.insert(pieces.texts.end(), more.begin(), more.end());
  pieces.controls = {static_cast<int32_t>(pieces.texts.size())};
  pieces.ends = {static_cast<int32_t>(pieces.texts.size()) + 1};
  pieces.texts.resize(pieces.texts.size() + 2);
  return std::make_shared<const TokenTrie>(std::move(pieces));
}

std::shared_ptr<const Grammar> compile(const std::string& gbnf, std::shared_ptr<const TokenTrie> trie = vocabulary()) {
  std::shared_ptr<const Grammar> result;
  const Status status = CompiledGrammar::compile(gbnf, std::move(trie), &result);
  INFO(gbnf);
  INFO(status.message());
  REQUIRE(status.ok());
  return result;
}

Status failure(const std::string& gbnf) {
  std::shared_ptr<const Grammar> result;
  return CompiledGrammar::compile(gbnf, vocabulary(), &result);
}

bool matches(const std::string& gbnf, const std::string& text) {
  return compile(gbnf)->match(text) == GrammarMatch::WHOLE;
}

// The tokens that may follow `text`, each told by its bytes; "END" for the end, "CONTROL" for the control token.
std::set<std::string> allowed(const std::string& gbnf, const std::string& text, const std::vector<std::string>& more) {
  const auto trie = vocabulary(more);
  const auto compiled = compile(gbnf, trie);
  std::vector<int32_t> tokens;
  for (const char c : text) tokens.push_back(static_cast<uint8_t>(c));
  std::vector<float> logits(trie->n_tokens(), 0.0f);
  Place place;
  const auto outcome = static_cast<const CompiledGrammar&>(*compiled).restrict(tokens, {}, &place, logits);
  REQUIRE(outcome == CompiledGrammar::Outcome::SOME);
  std::set<std::string> result;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (std::isinf(logits[id])) continue;
    const std::string piece(trie->text(static_cast<int32_t>(id)));
    result.insert(id == logits.size() - 1 ? "END" : id == logits.size() - 2 ? "CONTROL" : piece);
  }
  return result;
}

using Set = std::set<std::string>;

}  // namespace

TEST_CASE("the notation: literals, classes, choices, repetitions, groups, comments") {
  CHECK(matches("root ::= \"yes\" | \"no\"", "no"));
  CHECK(!matches("root ::= \"yes\" | \"no\"", "yesno"));
  CHECK(matches("root ::= [a-c^]+ [^x-z\\n] # a comment", "ab^y") == false);
  CHECK(matches("root ::= [a-c^]+ [^x-z\\n] # a comment", "ab^d"));
  CHECK(matches("root ::= \"\\x41\\u00e9\\\"\\\\\\n\"", "A\xC3\xA9\"\\\n"));
  CHECK(matches("root ::= (\"a\" | \"b\")* \"c\"? \"d\"{2,3}", "abbadd"));
  CHECK(!matches("root ::= (\"a\" | \"b\")* \"c\"? \"d\"{2,3}", "abbad"));
  CHECK(!matches("root ::= \"d\"{2,3}", "dddd"));
  CHECK(matches("root ::= \"d\"{2,}", "dddddd"));
  CHECK(matches("root ::= \"d\"{3}", "ddd"));
  CHECK(matches("# first\nroot ::= item\n  (\",\" item)*\nitem ::=\n  [0-9]+ |\n  \"x\"\n", "12,x,3"));
  CHECK(matches("root ::= .{3}", "\xE2\x82\xAC\xF0\x9F\x98\x80x"));
  CHECK(matches("root ::= \"\"", ""));
}

TEST_CASE("a grammar that is not one is refused with the line") {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "no rule"},
      {"a ::= \"x\"", "no rule \"root\""},
      {"root ::= b", "\"b\" is used and not defined"},
      {"root ::= \"x\"\nroot ::= \"y\"", "Line 2"},
      {"root ::= \"x", "does not end"},
      {"root ::= [a", "does not end"},
      {"root ::= (\"a\"", "\")\" was expected"},
      {"root ::= \"a\")", "not expected"},
      {"root = \"a\"", "::="},
      {"root ::= \"a\"{3,2}", "wrong order"},
      {"root ::= [z-a]", "wrong order"},
      {"root ::= \"\\q\"", "escape"},
      {"root ::= \"\\ud800\"", "no character"},
      {"root ::= \"a\"*****", "operators"},
      {"root ::= \xFF", "UTF-8"},
      {"root ::= <[400]>", "token 400"},
      {"root ::= []", "No text"},
      {"root ::= \"a\" root", "No text"},
  };
  for (const auto& pair : wrong) {
    const auto gbnf = pair.first, message = pair.second;
    const Status status = failure(gbnf);
    CAPTURE(gbnf);
    CAPTURE(status.message());
    CHECK(status.code() == Code::GRAMMAR_INVALID);
    CHECK(status.message().find(message) != std::string::npos);
  }
}

TEST_CASE("left recursion is refused, also behind what may be empty") {
  for (const char* gbnf : {"root ::= root \"a\" | \"b\"", "root ::= x root \"a\" | \"b\"\nx ::= \"c\"?",
                           "root ::= y\ny ::= z \"a\" | \"b\"\nz ::= y", "root ::= root"}) {
    const Status status = failure(gbnf);
    CAPTURE(gbnf);
    CHECK(status.code() == Code::GRAMMAR_INVALID);
  }
  CHECK(matches("root ::= \"a\" root | \"b\"", "aaab"));
  CHECK(matches("root ::= \"(\" root \")\" | \"\"", "((()))"));
  CHECK(!matches("root ::= \"(\" root \")\" | \"\"", "((())"));
}

TEST_CASE("rules that match nothing are dropped, and what needs none of them stays") {
  CHECK(matches("root ::= \"a\" | dead\ndead ::= \"x\" dead", "a"));
  CHECK(compile("root ::= \"a\" | dead\ndead ::= \"x\" dead")->match("x") == GrammarMatch::NONE);
  CHECK(matches("root ::= \"a\" [] | \"ab\"", "ab"));
}

TEST_CASE("characters are well-formed UTF-8, byte by byte") {
  const auto compiled = compile("root ::= [^\"]*");
  CHECK(compiled->match("\xC3") == GrammarMatch::BEGINNING);
  CHECK(compiled->match("\xC3\xA9") == GrammarMatch::WHOLE);
  CHECK(compiled->match("\xC0\x80") == GrammarMatch::NONE);      // overlong
  CHECK(compiled->match("\xED\xA0\x80") == GrammarMatch::NONE);  // a surrogate
  CHECK(compiled->match("\xF4\x90\x80\x80") == GrammarMatch::NONE);
  CHECK(compiled->match("\xF4\x8F\xBF\xBF") == GrammarMatch::WHOLE);
  CHECK(compiled->match("\x80") == GrammarMatch::NONE);
}

TEST_CASE("counted repetitions are exact, inside each other too") {
  const std::string long_text(5000, 'x');
  CHECK(matches("root ::= [a-z]{5000}", long_text));
  CHECK(!matches("root ::= [a-z]{5001}", long_text));
  CHECK(!matches("root ::= [a-z]{0,4999}", long_text));
  CHECK(matches("root ::= [a-z]{4999,}", long_text));
  CHECK(!matches("root ::= [a-z]{5001,}", long_text));
  const std::string rows = "root ::= (\"<\" [a-z]{60,70} \">\"){50,60}";
  std::string text;
  for (int i = 0; i < 50; ++i) {
    CHECK(!matches(rows, text));
    text += std::string("<").append(60 + i % 11, 'y').append(">");
  }
  CHECK(matches(rows, text));
}

TEST_CASE("a token may follow if its bytes lead on, through several rules at once") {
  const std::string json = "root ::= \"{\" string \":\" [0-9]+ \"}\"\nstring ::= \"\\\"\" [^\"]* \"\\\"\"";
  const std::vector<std::string> more = {"\":", "\":12", "\":12}", "\":12}x", "ab\"", "ab\":", "a:\"x", "12"};
  Set inside = allowed(json, "{\"k", more);
  for (const char* piece : {"\":", "\":12", "\":12}", "ab\"", "ab\":"}) CHECK(inside.count(piece) == 1);
  for (const char* piece : {"\":12}x", "a:\"x", "END", "CONTROL"}) CHECK(inside.count(piece) == 0);
  CHECK(allowed(json, "{\"k\":1}", more) == Set{"END"});
  CHECK(allowed(json, "", more) == Set{"{"});
  CHECK(allowed(json, "{\"k\":", more).count("12") == 1);
}

TEST_CASE("the tokens that a mask allows are those that a walk byte by byte allows") {
  const std::vector<std::string> more = {"ab",
                                         "abc",
                                         "abcabcabcabcabcabcabc",
                                         "c,",
                                         "c,a",
                                         "],[",
                                         "]]",
                                         "[[",
                                         "bc],[a",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                         "\xC3",
                                         "\xA9\xC3",
                                         "a\xC3"};
  for (const char* gbnf : {
           "root ::= \"[\" item (\",\" item)* \"]\"\nitem ::= [a-c]+ | root",
           "root ::= \"[\" [a-c]{2,40} \"]\"",
           "root ::= \"[\" ([a-c]{2,30} \",\"){3,50} \"]\"",
           "root ::= \"[\" (\"a\" | \"ab\" | \"abc\" | \"b\" | \"c\")* \"]\"",
           "root ::= \"[\" [^,]{20,25} \"]\"",
           "root ::= \"[\" (\"abc\" | \"a\" [a-z]{30})* \"]\"",
       }) {
    const auto trie = vocabulary(more);
    const auto compiled = compile(gbnf, trie);
    for (const std::string text :
         {"[", "[a", "[aabb", "[[a],b", "[abcabcabcabcabcabcabc", "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "[ab,cc,"}) {
      if (compiled->match(text) == GrammarMatch::NONE) continue;
      const Set mask = allowed(gbnf, text, more);
      for (size_t id = 0; id + 2 < trie->n_tokens(); ++id) {
        const std::string piece(trie->text(static_cast<int32_t>(id)));
        CAPTURE(gbnf);
        CAPTURE(text);
        CAPTURE(piece);
        CHECK((mask.count(piece) == 1) == (compiled->match(text + piece) != GrammarMatch::NONE));
      }
    }
  }
}

TEST_CASE("tokens are named by their ids: one that triggers, and all others without a text") {
  const int32_t control = 256;
  const std::string id = std::to_string(control);
  CHECK(allowed("root ::= \"a\" <[" + id + "]> \"b\"", "a", {}) == Set{"CONTROL"});
  CHECK(allowed("root ::= <[^" + id + "]> | \"b\"", "", {}) == Set{"b"});
  CHECK(allowed("root ::= <[^0]> | \"b\"", "", {}) == Set{"b", "CONTROL"});
  const auto trie = vocabulary();
  const auto compiled = compile("root ::= \"a\" <[" + id + "]> \"b\"", trie);
  std::vector<float> logits(trie->n_tokens());
  const auto restrict = [&](std::vector<int32_t> tokens) {
    Place place;
    return static_cast<const CompiledGrammar&>(*compiled).restrict(tokens, {}, &place, logits);
  };
  CHECK(restrict({'a', control, 'b'}) == CompiledGrammar::Outcome::SOME);
  CHECK(std::isfinite(logits.back()));
  CHECK(restrict({'a', control, control}) == CompiledGrammar::Outcome::STUCK);
}

TEST_CASE("an ambiguous grammar costs a bounded time and is then told to be too complex" *
          doctest::test_suite("bounded cost")) {
  // Each state set of the last letters is another configuration of hundreds of states.
  const std::string hostile = "root ::= [a-z]* \"a\" [a-z]{0,4000} [b-z]{4000}";
  std::vector<std::string> more;
  for (int i = 0; i < 3000; ++i) {
    std::string piece;
    for (int bit = 0; bit < 12; ++bit) piece += i >> bit & 1 ? 'a' : 'b';
    more.push_back(piece);
  }
  const auto trie = vocabulary(more);
  const auto compiled = compile(hostile, trie);
  std::vector<int32_t> tokens;
  Place place;
  bool too_complex = false;
  for (int i = 0; i < 400 && !too_complex; ++i) {
    std::vector<float> logits(trie->n_tokens());
    tokens.push_back('a');
    too_complex = static_cast<const CompiledGrammar&>(*compiled).restrict(tokens, {}, &place, logits) ==
                  CompiledGrammar::Outcome::TOO_COMPLEX;
  }
  CHECK(too_complex);
}

TEST_CASE("grammars beyond the limits are refused") {
  CHECK(failure("root ::= " + std::string(200, '(') + "\"a\"" + std::string(200, ')')).code() ==
        Code::GRAMMAR_TOO_COMPLEX);
  CHECK(failure("root ::= \"" + std::string(size_t{1} << 20, 'a') + "\"").code() == Code::GRAMMAR_TOO_COMPLEX);
  CHECK(failure("root ::= (\"a\"*){0,1000}").code() == Code::GRAMMAR_TOO_COMPLEX);
  std::string many = "root ::= \"a\"";
  for (int i = 0; i < 120'000; ++i) many += " .";
  CHECK(failure(many).code() == Code::GRAMMAR_TOO_COMPLEX);
}

TEST_CASE("a choice of very many rules costs no more than its size" * doctest::test_suite("bounded cost")) {
  // Processor time: what other programs take is not in it.
  const auto clocks = [](int n) {
    std::string gbnf, root = "root ::= \"y\"";
    for (int i = 0; i < n; ++i) {
      gbnf += "e" + std::to_string(i) + " ::= \"\"\n";
      root += "|e" + std::to_string(i) + " \"x\"";
    }
    const std::clock_t began = std::clock();
    CHECK(compile(gbnf + root)->match("x") == GrammarMatch::WHOLE);
    return std::clock() - began;
  };
  const std::clock_t few = std::min({clocks(2000), clocks(2000), clocks(2000)});
  CHECK(std::min(clocks(18'000), clocks(18'000)) < 30 * few);  // 81 times as long, were it the square
}

TEST_CASE("a sampler follows its grammar from where it begins, after a truncation and in a fork") {
  const auto trie = vocabulary({"ab"});
  SamplerOptions options;
  options.temperature = 0;
  options.grammar = compile("root ::= \"x\" [0-9]{2} | \"y\"", trie);
  options.grammar_from = 3;
  Sampler sampler;
  REQUIRE(Sampler::create(options, trie->n_tokens(), &sampler).ok());
  const auto draw = [&](Sampler& s, const char* wish) {
    std::vector<float> logits(trie->n_tokens(), 0.0f);
    for (int i = 0; wish[i] != '\0'; ++i) logits[static_cast<uint8_t>(wish[i])] = 2.0f + static_cast<float>(i);
    Drawn drawn;
    REQUIRE(s.sample(logits, &drawn).ok());
    return drawn.token;
  };
  sampler.accept(std::vector<int32_t>{'p', 'q', 'r'});
  CHECK(draw(sampler, "5x") == 'x');
  sampler.accept('x');
  CHECK(draw(sampler, "5x") == '5');
  sampler.accept('5');
  Sampler fork = sampler;
  sampler.accept('7');
  CHECK(draw(sampler, "9") == static_cast<int32_t>(trie->n_tokens()) - 1);
  fork.truncate(3);
  CHECK(draw(fork, "y") == 'y');
  fork.accept('y');
  CHECK(draw(fork, "9") == static_cast<int32_t>(trie->n_tokens()) - 1);
  sampler.truncate(5);
  CHECK(draw(sampler, "x8") == '8');
}

TEST_CASE("a sampler tells an end without a token from a dead end") {
  Pieces pieces;
  pieces.texts = {"a", "b"};
  const auto trie = std::make_shared<const TokenTrie>(std::move(pieces));
  const auto outcome = [&](const char* gbnf, std::vector<int32_t> tokens, std::vector<std::pair<int32_t, float>> bias) {
    SamplerOptions options;
    options.grammar = compile(gbnf, trie);
    options.logit_bias = std::move(bias);
    Sampler sampler;
    REQUIRE(Sampler::create(options, 2, &sampler).ok());
    sampler.accept(tokens);
    std::vector<float> logits(2, 0.0f);
    Drawn drawn;
    REQUIRE(sampler.sample(logits, &drawn).ok());
    return drawn;
  };
  CHECK(outcome("root ::= \"ab\"", {0}, {}).token == 1);
  CHECK(outcome("root ::= \"ab\"", {0}, {}).stopped == StopReason::NONE);
  CHECK(outcome("root ::= \"ab\"", {0, 1}, {}).stopped == StopReason::GRAMMAR_END);
  CHECK(outcome("root ::= \"ac\"", {0}, {}).stopped == StopReason::GRAMMAR_STUCK);
  CHECK(outcome("root ::= \"ab\"", {1}, {}).stopped == StopReason::GRAMMAR_STUCK);
  CHECK(outcome("root ::= \"ab\"", {0}, {{1, -100.0f}}).stopped == StopReason::GRAMMAR_STUCK);
}

TEST_CASE("a grammar of another vocabulary is refused") {
  SamplerOptions options;
  options.grammar = compile("root ::= \"a\"");
  Sampler sampler;
  CHECK(Sampler::create(options, 5, &sampler).code() == Code::SAMPLER_BAD_VALUE);
}
