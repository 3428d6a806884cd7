// A recursive descent over the notation, one function a production; only parentheses recurse, and their depth is
// bounded.
#include "sample/gbnf.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"

namespace hearth::grammar {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr size_t kMaxNodes = 100'000;
constexpr int kMaxDepth = 100;
constexpr int kMaxOperators = 4;  // on one element: each is a level more
constexpr int32_t kMaxRepeat = 1'000'000;
constexpr uint32_t kMaxCodePoint = 0x10FFFF;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

void append_utf8(uint32_t c, std::string* text) {
  const auto tail = [&](int shift) { text->push_back(static_cast<char>(0x80 | (c >> shift & 0x3F))); };
  if (c < 0x80) {
    text->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    text->push_back(static_cast<char>(0xC0 | c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    text->push_back(static_cast<char>(0xE0 | c >> 12));
    tail(6);
    tail(0);
  } else {
    text->push_back(static_cast<char>(0xF0 | c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;

// Ascending, and neighbours joined.
Ranges normalized(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  Ranges result;
  for (const auto& [low, high] : ranges) {
    if (!result.empty() && low <= result.back().second + 1) {
      result.back().second = std::max(result.back().second, high);
    } else {
      result.push_back({low, high});
    }
  }
  return result;
}

Ranges complement(const Ranges& ranges) {
  Ranges result;
  uint32_t next = 0;
  for (const auto& [low, high] : ranges) {
    if (low > next) result.push_back({next, low - 1});
    next = high + 1;
  }
  if (next <= kMaxCodePoint) result.push_back({next, kMaxCodePoint});
  return result;
}

class Parser {
 public:
  Parser(std::string_view text, Tree* tree) : text_(text), tree_(tree) {}

  Status parse() {
    skip_space();
    while (at_ < text_.size()) HEARTH_RETURN_IF_ERROR(rule());
    for (const Tree::Rule& r : tree_->rules) {
      if (r.body < 0) return {Code::GRAMMAR_INVALID, "The rule " + in_quotes(r.name) + " is used and not defined."};
    }
    const auto root = ids_.find("root");
    if (root == ids_.end()) return {Code::GRAMMAR_INVALID, "The grammar has no rule \"root\"."};
    tree_->root = root->second;
    return {};
  }

 private:
  Status wrong(const std::string& what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return {Code::GRAMMAR_INVALID, "Line " + std::to_string(line) + " of the grammar: " + what + "."};
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
        return;
      }
    }
  }

  std::string_view name() {
    const size_t start = at_;
    while (is_name(peek())) ++at_;
    return text_.substr(start, at_ - start);
  }

  // Whether a rule's definition begins here, which ends the rule before it.
  bool at_definition() {
    const size_t start = at_;
    const bool named = !name().empty();
    skip_space();
    const bool result = named && text_.substr(at_, 3) == "::=";
    at_ = start;
    return result;
  }

  int32_t rule_id(std::string_view rule_name) {
    const auto [found, added] = ids_.emplace(std::string(rule_name), static_cast<int32_t>(tree_->rules.size()));
    if (added) tree_->rules.push_back({std::string(rule_name), -1});
    return found->second;
  }

  Status add(Node node, int32_t* id) {
    if (tree_->nodes.size() >= kMaxNodes) {
      return {Code::GRAMMAR_TOO_COMPLEX, "The grammar has more than " + std::to_string(kMaxNodes) + " parts."};
    }
    *id = static_cast<int32_t>(tree_->nodes.size());
    tree_->nodes.push_back(std::move(node));
    return {};
  }

  Status rule() {
    const std::string_view rule_name = name();
    if (rule_name.empty()) return wrong("a rule's name was expected");
    skip_space();
    if (!take("::=")) return wrong("\"::=\" was expected after " + in_quotes(std::string(rule_name)));
    skip_space();
    const int32_t id = rule_id(rule_name);
    int32_t body = -1;
    HEARTH_RETURN_IF_ERROR(choice(0, &body));
    if (tree_->rules[static_cast<size_t>(id)].body >= 0)
      return wrong("the rule " + in_quotes(std::string(rule_name)) + " is defined twice");
    tree_->rules[static_cast<size_t>(id)].body = body;
    if (at_ < text_.size() && !at_definition()) return wrong("\")\" was not expected");
    return {};
  }

  Status choice(int depth, int32_t* id) {
    Node node{Node::Kind::CHOICE};
    do {
      skip_space();
      int32_t child = -1;
      HEARTH_RETURN_IF_ERROR(sequence(depth, &child));
      node.children.push_back(child);
    } while (take("|"));
    if (node.children.size() == 1) {
      *id = node.children[0];
      return {};
    }
    return add(std::move(node), id);
  }

  Status sequence(int depth, int32_t* id) {
    Node node{Node::Kind::SEQUENCE};
    while (at_ < text_.size() && peek() != '|' && peek() != ')' && !at_definition()) {
      int32_t child = -1;
      HEARTH_RETURN_IF_ERROR(element(depth, &child));
      skip_space();
      HEARTH_RETURN_IF_ERROR(repeats(&child));
      node.children.push_back(child);
    }
    return add(std::move(node), id);
  }

  Status element(int depth, int32_t* id) {
    const char c = peek();
    if (c == '"') return literal(id);
    if (c == '[') return character_class(id);
    if (c == '<') return tokens(id);
    if (c == '(') {
      if (depth >= kMaxDepth) {
        return {Code::GRAMMAR_TOO_COMPLEX,
                "The grammar nests more than " + std::to_string(kMaxDepth) + " levels deep."};
      }
      ++at_;
      HEARTH_RETURN_IF_ERROR(choice(depth + 1, id));
      if (!take(")")) return wrong("\")\" was expected");
      return {};
    }
    if (c == '.') {
      ++at_;
      Node node{Node::Kind::CLASS};
      node.ranges = {{0, kMaxCodePoint}};
      return add(std::move(node), id);
    }
    if (!is_name(c)) return wrong(in_quotes(std::string(1, c)) + " was not expected");
    Node node{Node::Kind::RULE};
    node.rule = rule_id(name());
    return add(std::move(node), id);
  }

  Status repeats(int32_t* id) {
    for (int n = 0;; skip_space(), ++n) {
      if (n > kMaxOperators) return wrong("too many operators on one element");
      Node node{Node::Kind::REPEAT};
      node.children = {*id};
      if (take("*")) {
        node.most = kUnlimited;
      } else if (take("+")) {
        node.least = 1;
        node.most = kUnlimited;
      } else if (take("?")) {
        node.most = 1;
      } else if (take("{")) {
        HEARTH_RETURN_IF_ERROR(bounds(&node));
      } else {
        return {};
      }
      HEARTH_RETURN_IF_ERROR(add(std::move(node), id));
    }
  }

  Status bounds(Node* node) {
    HEARTH_RETURN_IF_ERROR(number(kMaxRepeat, &node->least));
    node->most = node->least;
    skip_space();
    if (take(",")) {
      skip_space();
      node->most = kUnlimited;
      if (peek() != '}') HEARTH_RETURN_IF_ERROR(number(kMaxRepeat, &node->most));
    }
    skip_space();
    if (!take("}")) return wrong("\"}\" was expected");
    if (node->most != kUnlimited && node->most < node->least)
      return wrong("a repetition's bounds are in the wrong order");
    return {};
  }

  Status number(int32_t limit, int32_t* value) {
    if (!(peek() >= '0' && peek() <= '9')) return wrong("a number was expected");
    int64_t n = 0;
    while (peek() >= '0' && peek() <= '9') {
      n = n * 10 + (text_[at_++] - '0');
      if (n > limit) return wrong("a number exceeds " + std::to_string(limit));
    }
    *value = static_cast<int32_t>(n);
    return {};
  }

  Status literal(int32_t* id) {
    ++at_;
    Node node{Node::Kind::LITERAL};
    while (peek() != '"') {
      uint32_t c = 0;
      HEARTH_RETURN_IF_ERROR(character("a literal", &c));
      append_utf8(c, &node.literal);
    }
    ++at_;
    return add(std::move(node), id);
  }

  Status character_class(int32_t* id) {
    ++at_;
    const bool negated = take("^");
    Ranges ranges;
    while (peek() != ']') {
      uint32_t low = 0;
      HEARTH_RETURN_IF_ERROR(character("a class", &low));
      uint32_t high = low;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        HEARTH_RETURN_IF_ERROR(character("a class", &high));
        if (high < low) return wrong("a range of characters is in the wrong order");
      }
      ranges.push_back({low, high});
    }
    ++at_;
    Node node{Node::Kind::CLASS};
    node.ranges = normalized(std::move(ranges));
    if (negated) node.ranges = complement(node.ranges);
    return add(std::move(node), id);
  }

  Status tokens(int32_t* id) {
    if (!take("<[")) return wrong("a token is written <[ID]>");
    Node node{Node::Kind::TOKENS};
    node.all_but = take("^");
    do {
      skip_space();
      int32_t token = 0;
      HEARTH_RETURN_IF_ERROR(number(INT32_MAX, &token));
      node.tokens.push_back(token);
      skip_space();
    } while (take(","));
    if (!take("]>")) return wrong("\"]>\" was expected");
    return add(std::move(node), id);
  }

  // One character, written as itself or as an escape.
  Status character(const char* where, uint32_t* c) {
    if (at_ >= text_.size() || peek() == '\n') return wrong(std::string(where) + " does not end");
    if (take("\\")) return escape(c);
    // The text is UTF-8: a lead byte says how long the character is.
    const auto lead = static_cast<uint8_t>(text_[at_++]);
    int tail = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    *c = tail == 0 ? lead : lead & (0x3Fu >> tail);
    for (; tail > 0; --tail) *c = *c << 6 | (static_cast<uint8_t>(text_[at_++]) & 0x3Fu);
    return {};
  }

  Status escape(uint32_t* c) {
    const char kind = peek();
    ++at_;
    switch (kind) {
      case 'n':
        *c = '\n';
        return {};
      case 'r':
        *c = '\r';
        return {};
      case 't':
        *c = '\t';
        return {};
      case 'x':
        return hexadecimal(2, c);
      case 'u':
        return hexadecimal(4, c);
      case 'U':
        return hexadecimal(8, c);
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        *c = static_cast<uint8_t>(kind);
        return {};
      default:
        --at_;
        return wrong("an unknown escape");
    }
  }

  Status hexadecimal(int digits, uint32_t* c) {
    *c = 0;
    for (; digits > 0; --digits) {
      const int digit = hex_digit(peek());
      if (digit < 0) return wrong("a hexadecimal digit was expected");
      *c = *c << 4 | static_cast<uint32_t>(digit);
      ++at_;
    }
    if (*c > kMaxCodePoint || (*c >= 0xD800 && *c <= 0xDFFF)) return wrong("an escape is no character");
    return {};
  }

  const std::string_view text_;
  Tree* const tree_;
  size_t at_ = 0;
  std::unordered_map<std::string, int32_t> ids_;  // of rules, by name
};

}  // namespace

Status parse_gbnf(std::string_view text, Tree* tree) {
  if (text.size() > kMaxBytes) {
    return {Code::GRAMMAR_TOO_COMPLEX, "The grammar has " + std::to_string(text.size()) + " bytes, and at most " +
                                           std::to_string(kMaxBytes) + " are read."};
  }
  if (!is_utf8(text)) return {Code::GRAMMAR_INVALID, "The grammar is not UTF-8."};
  *tree = {};
  return Parser(text, tree).parse();
}

}  // namespace hearth::grammar
