// Reads a grammar in GBNF (the notation of llama.cpp: BNF with the operators of regular expressions) into a tree.
// Knows neither automata nor tokens' texts.
//
//   root  ::= "yes" | [0-9a-f]{2,8} | item ("," item)*   # a comment
//   item  ::= "\x41\u00e9" [^"\n] .                      # escapes, a negated class, any character
//   call  ::= <[128010]> | <[^128010]>                   # a token by its id; any other token without a text
//
// Literals and classes are characters, of which the automaton sees the bytes of their UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "include/status.h"

namespace hearth::grammar {

inline constexpr int32_t kUnlimited = -1;

struct Node {
  enum class Kind { LITERAL, CLASS, RULE, TOKENS, SEQUENCE, CHOICE, REPEAT };
  Kind kind;
  std::string literal{};                                // LITERAL: bytes
  std::vector<std::pair<uint32_t, uint32_t>> ranges{};  // CLASS: code points, both ends included, ascending, apart
  std::vector<int32_t> tokens{};                        // TOKENS
  bool all_but = false;                                 // TOKENS: every token without a text but those
  int32_t rule = -1;                                    // RULE
  int32_t least = 0, most = 0;                          // REPEAT; most may be kUnlimited
  std::vector<int32_t> children{};                      // SEQUENCE, CHOICE, REPEAT (one): nodes
};

struct Tree {
  std::vector<Node> nodes;
  struct Rule {
    std::string name;
    int32_t body;  // a node
  };
  std::vector<Rule> rules;
  int32_t root = -1;  // the rule of this name
};

// GRAMMAR_INVALID with the line and what is wrong there; GRAMMAR_TOO_COMPLEX beyond 1 MiB, 100,000 nodes or 100 levels
// of parentheses.
Status parse_gbnf(std::string_view text, Tree* tree);

}  // namespace hearth::grammar
