// SPM merges with a heap of pairs: O(n log n) in the length of the text.
#include "tokenizer/spm.h"

#include <algorithm>
#include <utility>

#include "tokenizer/utf8.h"

namespace hearth {

Status SpmEncoder::create(const Vocabulary& vocabulary, TokenIndex index, std::optional<int32_t> unk,
                          std::unique_ptr<const WordEncoder>* encoder) {
  auto result = std::make_unique<SpmEncoder>();
  result->vocabulary_ = &vocabulary;
  result->index_ = std::move(index);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name = byte_token(byte);
    const int32_t id = result->index_.find(name);
    if (id < 0 && !unk) {
      return {Code::TOKENIZER_BAD_VOCABULARY,
              "Neither a token " + name + " nor an unknown token stands for a character without a token."};
    }
    result->byte_ids_[static_cast<size_t>(byte)] = id >= 0 ? id : *unk;
  }
  *encoder = std::move(result);
  return {};
}

void SpmEncoder::encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const {
  Work work;
  for (const std::string_view word : words) {
    work.text.clear();
    for (const char c : word) c == ' ' ? work.text.append(kSpmSpace) : work.text.append(1, c);
    split(&work);
    merge(&work);
    for (const Piece& piece : work.pieces) {
      if (piece.size == 0) continue;
      if (piece.id >= 0) {
        ids->push_back(piece.id);
        continue;
      }
      for (uint32_t i = 0; i < piece.size; ++i) {
        ids->push_back(byte_ids_[static_cast<uint8_t>(work.text[piece.begin + i])]);
      }
    }
  }
}

void SpmEncoder::split(Work* work) const {
  work->pieces.clear();
  for (size_t at = 0; at < work->text.size();) {
    const size_t size = utf8_length(work->text, at);
    const auto index = static_cast<int32_t>(work->pieces.size());
    const int32_t id = find(std::string_view(work->text).substr(at, size));
    work->pieces.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(size), index - 1, index + 1, id});
    at += size;
  }
  if (!work->pieces.empty()) work->pieces.back().next = -1;
}

void SpmEncoder::push_pair(Work* work, int32_t left) const {
  if (left < 0) return;
  const Piece& first = work->pieces[static_cast<size_t>(left)];
  if (first.next < 0) return;
  const uint32_t size = first.size + work->pieces[static_cast<size_t>(first.next)].size;
  const int32_t id = find(std::string_view(work->text).substr(first.begin, size));
  if (id < 0) return;
  work->pairs.push_back({vocabulary_->score(id), left, size, id});
}

void SpmEncoder::merge(Work* work) const {
  work->pairs.clear();
  for (size_t i = 0; i < work->pieces.size(); ++i) push_pair(work, static_cast<int32_t>(i));
  std::make_heap(work->pairs.begin(), work->pairs.end());
  while (!work->pairs.empty()) {
    std::pop_heap(work->pairs.begin(), work->pairs.end());
    const Pair pair = work->pairs.back();
    work->pairs.pop_back();

    Piece& left = work->pieces[static_cast<size_t>(pair.left)];
    if (left.size == 0 || left.next < 0) continue;
    Piece& right = work->pieces[static_cast<size_t>(left.next)];
    if (left.size + right.size != pair.size) continue;

    left.size = pair.size;
    left.id = pair.id;
    left.next = right.next;
    right.size = 0;
    if (left.next >= 0) work->pieces[static_cast<size_t>(left.next)].prev = pair.left;
    for (const int32_t first : {left.prev, pair.left}) {
      const size_t before = work->pairs.size();
      push_pair(work, first);
      if (work->pairs.size() > before) std::push_heap(work->pairs.begin(), work->pairs.end());
    }
  }
}

int32_t SpmEncoder::find(std::string_view text) const {
  if (text.size() > vocabulary_->max_token_bytes()) return -1;
  const int32_t id = index_.find(text);
  return id >= 0 && vocabulary_->is_text(id) ? id : -1;
}

}  // namespace hearth
