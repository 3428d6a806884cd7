// BPE merges with a heap of pairs over a linked list: O(n log n) in the length of a word.
#include "tokenizer/bpe.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/text.h"
#include "tokenizer/byte_unicode.h"
#include "tokenizer/spm.h"
#include "tokenizer/utf8.h"

namespace hearth {

namespace {

constexpr int32_t kNoSymbolToken = -1;
constexpr int32_t kMerged = -2;

Status bad_merge(size_t rank, std::string_view merge, const std::string& what) {
  return {Code::TOKENIZER_BAD_VOCABULARY, "Merge " + std::to_string(rank) + " " + in_quotes(merge) + " " + what + "."};
}

// Pre-tokenizers whose tokenizer.json sets ignore_merges.
bool ignores_merges(std::string_view pre) { return is_llama3_pre(pre) || pre == "tekken"; }

// The token that a merge makes is mostly that of the merge before, or the next: files list both in the order of
// training. To look there first saves a third of a large vocabulary's load time.
int32_t find_near(std::string_view joined, size_t rank, const std::vector<MergeTable::Merge>& before,
                  const Vocabulary& vocabulary, const TokenIndex& index) {
  if (rank > 0) {
    const int32_t last = before[rank - 1].joined;
    if (vocabulary.text(last) == joined) return last;
    if (last + 1 < vocabulary.size() && vocabulary.text(last + 1) == joined) return last + 1;
  }
  return index.find(joined);
}

}  // namespace

Status MergeTable::create(const std::vector<std::string_view>& merges, const Vocabulary& vocabulary,
                          const TokenIndex& index, MergeTable* table) {
  if (merges.size() > INT32_MAX / 2)
    return {Code::TOKENIZER_BAD_VOCABULARY, "Key \"tokenizer.ggml.merges\" is too long."};
  table->seed_ = hash_seed();
  size_t n_slots = 16;
  while (n_slots < merges.size() + merges.size() / 2) n_slots *= 2;
  table->mask_ = n_slots - 1;
  table->slots_.assign(n_slots, -1);
  table->merges_.reserve(merges.size());

  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view text = merges[rank];
    const size_t space = text.find(' ', 1);  // no token text holds a space
    if (space == std::string_view::npos || space + 1 == text.size()) return bad_merge(rank, text, "is not two tokens");
    const std::string_view left = text.substr(0, space), right = text.substr(space + 1);
    joined.assign(left).append(right);
    const Merge merge = {index.find(left), index.find(right),
                         find_near(joined, rank, table->merges_, vocabulary, index)};
    if (merge.left < 0 || merge.right < 0) return bad_merge(rank, text, "joins something that is no token");
    if (merge.joined < 0) return bad_merge(rank, text, "makes something that is no token");
    table->merges_.push_back(merge);
    // Text must never become a control token, whatever the merges say. Of equal merges the first counts.
    if (!vocabulary.is_text(merge.joined) || table->find(merge.left, merge.right) >= 0) continue;
    size_t at = table->slot(merge.left, merge.right);
    while (table->slots_[at] >= 0) at = (at + 1) & table->mask_;
    table->slots_[at] = static_cast<int32_t>(rank);
  }
  return {};
}

size_t MergeTable::slot(int32_t left, int32_t right) const {
  const uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  return mix_bits(mix_bits(key ^ seed_) + seed_) & mask_;
}

int32_t MergeTable::find(int32_t left, int32_t right) const {
  for (size_t at = slot(left, right); slots_[at] >= 0; at = (at + 1) & mask_) {
    const Merge& merge = merges_[static_cast<size_t>(slots_[at])];
    if (merge.left == left && merge.right == right) return slots_[at];
  }
  return -1;
}

Status BpeEncoder::create(const VocabularyData& data, const Vocabulary& vocabulary, TokenIndex index,
                          std::optional<int32_t> unk, std::unique_ptr<const WordEncoder>* encoder) {
  auto result = std::make_unique<BpeEncoder>();
  result->vocabulary_ = &vocabulary;
  result->unk_ = unk;
  HEARTH_RETURN_IF_ERROR(MergeTable::create(data.merges, vocabulary, index, &result->merges_));
  const bool by_character = data.model == "gemma4";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    std::string text;
    if (by_character) {
      text = byte_token(byte);
    } else {
      bytes_to_alphabet({&c, 1}, &text);
    }
    const int32_t id = index.find(text);
    const bool usable = id >= 0 && (by_character || vocabulary.is_text(id));
    result->byte_ids_[static_cast<size_t>(byte)] = usable ? id : kNoSymbolToken;
  }
  if (by_character) {
    result->characters_ = std::move(index);
  } else if (ignores_merges(data.pre))
    result->whole_words_ = std::move(index);
  *encoder = std::move(result);
  return {};
}

void BpeEncoder::encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const {
  Work work;
  for (const std::string_view word : words) {
    if (const int32_t whole = find_whole(word, &work); whole >= 0) {
      ids->push_back(whole);
      continue;
    }
    merge(word, &work);
    for (const Symbol& symbol : work.symbols) {
      if (symbol.id >= 0) ids->push_back(symbol.id);
      if (symbol.id == kNoSymbolToken && unk_) ids->push_back(*unk_);
    }
  }
}

int32_t BpeEncoder::find_whole(std::string_view word, Work* work) const {
  // In GPT-2's alphabet a word is never shorter than its bytes.
  if (!whole_words_ || word.size() > vocabulary_->max_token_bytes()) return -1;
  work->text.clear();
  bytes_to_alphabet(word, &work->text);
  const int32_t id = whole_words_->find(work->text);
  return id >= 0 && vocabulary_->is_text(id) ? id : -1;
}

void BpeEncoder::push_pair(Work* work, int32_t left) const {
  if (left < 0) return;
  const Symbol& first = work->symbols[static_cast<size_t>(left)];
  if (first.next < 0) return;
  const int32_t rank = merges_.find(first.id, work->symbols[static_cast<size_t>(first.next)].id);
  if (rank < 0) return;
  work->pairs.push_back(static_cast<uint64_t>(rank) << 32 | static_cast<uint32_t>(left));
}

void BpeEncoder::split_bytes(std::string_view word, Work* work) const {
  for (const char c : word) work->symbols.push_back({byte_ids_[static_cast<uint8_t>(c)], 0, 0});
}

void BpeEncoder::split_characters(std::string_view word, Work* work) const {
  for (size_t at = 0; at < word.size();) {
    const size_t length = utf8_length(word, at);
    const std::string_view character = word[at] == ' ' ? kSpmSpace : word.substr(at, length);
    const int32_t id = characters_->find(character);
    if (id >= 0 && vocabulary_->is_text(id)) {
      work->symbols.push_back({id, 0, 0});
    } else {
      split_bytes(word.substr(at, length), work);
    }
    at += length;
  }
}

void BpeEncoder::merge(std::string_view word, Work* work) const {
  work->symbols.clear();
  work->pairs.clear();
  characters_ ? split_characters(word, work) : split_bytes(word, work);
  const auto size = static_cast<int32_t>(work->symbols.size());
  for (int32_t i = 0; i < size; ++i) {
    work->symbols[static_cast<size_t>(i)].prev = i - 1;
    work->symbols[static_cast<size_t>(i)].next = i + 1 < size ? i + 1 : -1;
  }
  for (int32_t i = 0; i < size; ++i) push_pair(work, i);
  std::make_heap(work->pairs.begin(), work->pairs.end(), std::greater<>());
  while (!work->pairs.empty()) {
    std::pop_heap(work->pairs.begin(), work->pairs.end(), std::greater<>());
    const uint64_t pair = work->pairs.back();
    work->pairs.pop_back();

    // Stale once either symbol has changed; then other pairs stand in the heap for the new neighbours.
    const MergeTable::Merge& merge = merges_[static_cast<int32_t>(pair >> 32)];
    const auto at = static_cast<int32_t>(pair & UINT32_MAX);
    Symbol& left = work->symbols[static_cast<size_t>(at)];
    if (left.id != merge.left || left.next < 0) continue;
    Symbol& right = work->symbols[static_cast<size_t>(left.next)];
    if (right.id != merge.right) continue;

    left.id = merge.joined;
    left.next = right.next;
    right.id = kMerged;
    if (left.next >= 0) work->symbols[static_cast<size_t>(left.next)].prev = at;
    for (const int32_t first : {left.prev, at}) {
      const size_t before = work->pairs.size();
      push_pair(work, first);
      if (work->pairs.size() > before) std::push_heap(work->pairs.begin(), work->pairs.end(), std::greater<>());
    }
  }
}

}  // namespace hearth
