// Loops within a grammar: what goes round in circles is left, and the text finds its end.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sample/distances.h"
#include "sample/grammar.h"
#include "sample/sampler.h"

using namespace hearth;
using grammar::Automaton;
using grammar::CompiledGrammar;
using grammar::Distances;
using grammar::Pieces;
using grammar::TokenTrie;

namespace {

// All bytes, what the test names, and an end.
std::shared_ptr<const TokenTrie> vocabulary(const std::vector<std::string>& more) {
  Pieces pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.texts.emplace_back(1, static_cast<char>(byte));
  pieces.texts.insert(pieces.texts.end(), more.begin(), more.end());
  pieces.ends = {static_cast<int32_t>(pieces.texts.size())};
  pieces.texts.emplace_back();
  return std::make_shared<const TokenTrie>(std::move(pieces));
}

struct Speaker {
  std::string circle;             // what it says over and over, and from the start after each other token
  std::string else_wants = "\"";  // where it cannot: the last of these that is allowed
  std::vector<std::string> more{};
  LoopLimits limits{24, 64};
  size_t most = 2000;
};

// The said text, and "..." where it does not come to an end, "<loops>" where it is told that it loops.
std::string say(const std::string& gbnf, const Speaker& speaker, bool with_doubts = false) {
  const auto trie = vocabulary(speaker.more);
  SamplerOptions options;
  options.temperature = 0;
  options.loop_repeats = speaker.limits.repeats;
  options.loop_tokens = speaker.limits.tokens;
  REQUIRE(CompiledGrammar::compile(gbnf, trie, &options.grammar).ok());
  Sampler sampler;
  REQUIRE(Sampler::create(options, trie->n_tokens(), &sampler).ok());
  std::string text;
  size_t at = 0;
  while (sampler.history().size() < speaker.most) {
    std::vector<float> logits(trie->n_tokens(), 0.0f);
    for (size_t i = 0; i < speaker.more.size(); ++i) logits[256 + i] = 5;
    for (size_t i = 0; i < speaker.else_wants.size(); ++i) {
      logits[static_cast<uint8_t>(speaker.else_wants[i])] = 6.0f + static_cast<float>(i);
    }
    const auto wish = static_cast<uint8_t>(speaker.circle[at]);
    logits[wish] = 100;
    if (with_doubts) {
      // Its place is lost, and found again from the tokens.
      sampler.truncate(sampler.history().size() / 2);
      for (size_t i = sampler.history().size(); i < text.size(); ++i) sampler.accept(static_cast<uint8_t>(text[i]));
    }
    Drawn drawn;
    REQUIRE(sampler.sample(logits, &drawn).ok());
    if (drawn.stopped == StopReason::GRAMMAR_LOOPS) return text + "<loops>";
    REQUIRE(drawn.stopped == StopReason::NONE);
    const int32_t token = drawn.token;
    if (static_cast<size_t>(token) + 1 == trie->n_tokens()) return text;
    at = token == wish ? (at + 1) % speaker.circle.size() : 0;
    text += trie->text(token);
    sampler.accept(token);
  }
  return text + "...";
}

std::string x(size_t n) { return std::string(n, 'x'); }
std::string repeat(const std::string& text, size_t n) {
  std::string result;
  for (; n > 0; --n) result += text;
  return result;
}

const char* const kStrings = "root ::= \"[\" s (\",\" s)* \"]\"\ns ::= \"\\\"\" [a-z]* \"\\\"\"";

}  // namespace

TEST_CASE("a string that goes round in circles is closed, and the members after it are said") {
  const std::string object = "root ::= \"{A\" s \",B\" s \"}\"\ns ::= \"\\\"\" [a-z -]* \"\\\"\"";
  CHECK(say(object, {.circle = "x"}) == "{A\"" + x(24) + "\",B\"" + x(12) + "\"}");
  CHECK(say(object, {.circle = "xy"}) == "{A\"" + repeat("xy", 24) + "\",B\"" + repeat("xy", 12) + "\"}");
  CHECK(say(object, {.circle = "x", .limits = {0, 0}}) == "{A\"" + x(2000 - 3) + "...");
  for (const std::string circle : {"abc", "abcdefg", "abcdefghijklmnop", "abcdefghijklmnopqrstuvwxyz"}) {
    const std::string said = say(object, {.circle = circle});
    CHECK(said.substr(0, 3 + 64 + 4) == "{A\"" + repeat(circle, 30).substr(0, 64) + "\",B\"");
    CHECK(said.ends_with("\"}"));
  }
}

TEST_CASE("rules and indents are no loop before four times as many, and rows of numbers are") {
  const std::string text = "root ::= \"\\\"\" [a-z -]* \"\\\"\"";
  CHECK(say(text, {.circle = "-"}) == "\"" + std::string(96, '-') + "\"");
  CHECK(say(text, {.circle = " "}) == "\"" + std::string(96, ' ') + "\"");
  const std::string list = "root ::= \"[\" n (\",\" n)* \"]\"\nn ::= [0-9]+";
  CHECK(say(list, {.circle = "0,", .limits = {24, 512}}) == "[" + repeat("0,", 24) + "0]");
}

TEST_CASE("a list whose items are all the same ends, and one that has to go on does") {
  CHECK(say("root ::= \"[\" \"x\" (\",\" \"x\")* \"]\"", {.circle = ",x", .else_wants = ","}) ==
        "[x" + repeat(",x", 23) + ",x]");
  CHECK(say("root ::= \"[\" \"x\" (\",\" \"x\"){99} \"]\"", {.circle = ",x"}) == "[x" + repeat(",x", 99) + "]");
  CHECK(say("root ::= \"[\" \"x\" (\",\" \"x\"){99,} \"]\"", {.circle = ",x", .else_wants = ","}).substr(0, 200) ==
        "[x" + repeat(",x", 99));
  CHECK(say("root ::= \"\\\"\" [a-z]{300} \"\\\"\"", {.circle = "x"}) == "\"" + x(300) + "\"");
  CHECK(say("root ::= \"" + x(300) + "\"", {.circle = "x"}) == x(300));
  CHECK(say("root ::= o o\no ::= \"[\" (\"{ab:cd}\" \",\"?)* \"]\"",
            {.circle = "{ab:cd},", .else_wants = "[", .limits = {24, 64}})
            .ends_with("]"));
}

TEST_CASE("an answer that loops wherever it may is brought to its end") {
  CHECK(say(kStrings, {.circle = "x", .else_wants = "\","}) ==
        "[\"" + x(24) + "\",\"" + x(12) + "\",\"" + x(6) + "\",\"" + x(6) + "\"]");
  // Tokens that leave one string and enter the next.
  const std::string said = say(kStrings, {.circle = "x", .else_wants = "", .more = {"\",\"", "\","}});
  CHECK(said.ends_with("\"]"));
  CHECK(said.size() < 200);
}

TEST_CASE("a text that may end where it loops is told so") {
  CHECK(say("root ::= [a-z]*", {.circle = "x"}) == x(24) + "<loops>");
  CHECK(say("root ::= \"0.\" [0-9]*", {.circle = "0", .limits = {4, 64}}).ends_with("0<loops>"));
}

TEST_CASE("what follows a loop depends on the tokens alone") {
  for (const std::string circle : {"x", "xy", "abcde"}) {
    const Speaker speaker{.circle = circle, .else_wants = "\","};
    CHECK(say(kStrings, speaker, true) == say(kStrings, speaker));
  }
}

TEST_CASE("a grammar's distances are those of its shortest texts") {
  const auto distance = [](const char* gbnf) {
    Automaton automaton;
    REQUIRE(Automaton::compile(gbnf, &automaton).ok());
    return Distances(automaton).to_end(automaton.root());
  };
  CHECK(distance("root ::= \"\"") == 0);
  CHECK(distance("root ::= \"abc\" | \"de\" | \"f\"+ \"gh\"") == 2);
  CHECK(distance("root ::= v\nv ::= \"[\" (v (\",\" v)*)? \"]\" | \"null\"") == 2);
  CHECK(distance("root ::= [a-z]{100,200} \"!\"") == 101);
  CHECK(distance("root ::= ([a-z]{100} \",\"){100}") == 10100);
  CHECK(distance("root ::= ((.{1000000} \"x\"){1000000}){1000000}") == Distances::kMost);
}
