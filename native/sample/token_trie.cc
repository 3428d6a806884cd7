#include "sample/token_trie.h"

#include <algorithm>

#include "tokenizer/tokenizer.h"

namespace hearth::grammar {

std::shared_ptr<const TokenTrie> TokenTrie::create(const Tokenizer& tokenizer) {
  const TokenizerInfo& info = tokenizer.info();
  Pieces pieces;
  pieces.texts.resize(info.n_tokens);
  for (size_t id = 0; id < info.n_tokens; ++id) {
    const auto token = static_cast<int32_t>(id);
    // No id is out of range, and so nothing fails.
    (void)tokenizer.decode({&token, 1}, false, &pieces.texts[id]).ok();
  }
  pieces.ends = info.end_of_generation;
  for (const SpecialToken& token : info.special_tokens) {
    if (token.control) pieces.controls.push_back(token.id);
  }
  return std::make_shared<const TokenTrie>(std::move(pieces));
}

TokenTrie::TokenTrie(Pieces pieces)
    : texts_(std::move(pieces.texts)), controls_(std::move(pieces.controls)), ends_(std::move(pieces.ends)) {
  const auto is_end = [this](int32_t id) { return std::find(ends_.begin(), ends_.end(), id) != ends_.end(); };
  std::erase_if(controls_, is_end);
  std::sort(controls_.begin(), controls_.end());
  for (size_t id = 0; id < texts_.size(); ++id) {
    const size_t size = texts_[id].size();
    if (size > 0 && size <= kMaxDepth && !is_end(static_cast<int32_t>(id))) sorted_.push_back(static_cast<int32_t>(id));
  }
  const auto text_of = [this](int32_t id) -> const std::string& { return texts_[static_cast<size_t>(id)]; };
  std::sort(sorted_.begin(), sorted_.end(), [&](int32_t a, int32_t b) {
    const int order = text_of(a).compare(text_of(b));
    return order < 0 || (order == 0 && a < b);
  });

  std::vector<size_t> path;  // the nodes above the next one
  std::string_view previous;
  const auto leave = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back()) ends_of_subtrees_[path.back()] = static_cast<uint32_t>(bytes_.size());
  };
  for (size_t i = 0; i < sorted_.size(); ++i) {
    const std::string_view piece = text_of(sorted_[i]);
    const auto differs = std::mismatch(piece.begin(), piece.end(), previous.begin(), previous.end());
    const auto shared = static_cast<size_t>(differs.first - piece.begin());
    leave(shared);
    for (size_t depth = shared; depth < piece.size(); ++depth) {
      path.push_back(bytes_.size());
      bytes_.push_back(static_cast<uint8_t>(piece[depth]));
      depths_.push_back(static_cast<uint8_t>(depth + 1));
      ends_of_subtrees_.push_back(0);
      first_token_.push_back(static_cast<uint32_t>(i));
    }
    previous = piece;
  }
  leave(0);
  first_token_.push_back(static_cast<uint32_t>(sorted_.size()));
}

bool TokenTrie::is_filler(int32_t token) const {
  if (token < 0 || static_cast<size_t>(token) >= texts_.size()) return false;
  const std::string& piece = texts_[static_cast<size_t>(token)];
  constexpr std::string_view kFiller = " \t\r\n-=_~*#+.|";
  // U+2000 to U+2FFF: dashes, arrows, boxes.
  constexpr uint8_t kSymbols = 0xE2;
  bool in_symbol = false;
  for (const char c : piece) {
    const auto byte = static_cast<uint8_t>(c);
    if (in_symbol && byte >= 0x80 && byte < 0xC0) continue;
    in_symbol = byte == kSymbols;
    if (!in_symbol && kFiller.find(c) == std::string_view::npos) return false;
  }
  return !piece.empty();
}

}  // namespace hearth::grammar
