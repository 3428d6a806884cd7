// A vocabulary's texts as a tree of their bytes, laid out in preorder: a walk reads it from front to back and leaps
// over the subtrees that it refuses. Knows nothing of grammars.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

class Tokenizer;

namespace grammar {

// Tokens as a grammar sees them.
struct Pieces {
  std::vector<std::string> texts;  // [n_tokens] bytes; empty: the token writes nothing
  std::vector<int32_t> controls;   // tokens without a text that a grammar may name, ascending
  std::vector<int32_t> ends;       // tokens that end an answer
};

class TokenTrie {
 public:
  // Longer texts are left out: no published vocabulary has such.
  static constexpr size_t kMaxDepth = 255;

  static std::shared_ptr<const TokenTrie> create(const Tokenizer& tokenizer);
  explicit TokenTrie(Pieces pieces);

  size_t n_tokens() const { return texts_.size(); }
  std::string_view text(int32_t token) const { return texts_[static_cast<size_t>(token)]; }
  std::span<const int32_t> controls() const { return controls_; }
  std::span<const int32_t> ends() const { return ends_; }
  // It writes white space, or what rules and frames are drawn with.
  bool is_filler(int32_t token) const;

  // Nodes 0 to n_nodes() - 1 in preorder, without the root.
  size_t n_nodes() const { return bytes_.size(); }
  uint8_t byte(size_t node) const { return bytes_[node]; }
  size_t depth(size_t node) const { return depths_[node]; }  // 1 below the root
  size_t end(size_t node) const { return ends_of_subtrees_[node]; }
  // The tokens whose text ends here.
  std::span<const int32_t> tokens(size_t node) const {
    return {sorted_.data() + first_token_[node], sorted_.data() + first_token_[node + 1]};
  }

 private:
  std::vector<std::string> texts_;
  std::vector<int32_t> controls_, ends_;
  std::vector<int32_t> sorted_;  // tokens in the order of their texts
  std::vector<uint8_t> bytes_, depths_;
  std::vector<uint32_t> ends_of_subtrees_;
  std::vector<uint32_t> first_token_;  // [n_nodes + 1] into sorted_
};

}  // namespace grammar
}  // namespace hearth
