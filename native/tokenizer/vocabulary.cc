// Checks a vocabulary and answers for its tokens.
#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "base/text.h"
#include "tokenizer/token_names.h"

namespace hearth {

namespace {

Status bad(std::string message) { return {Code::TOKENIZER_BAD_VOCABULARY, std::move(message) + "."}; }

// An empty list is a key that the file lacks.
Status no_key(const char* key) { return bad("The file has no key " + in_quotes(key) + ", or an empty one"); }

}  // namespace

std::string byte_token(int byte) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  return {'<', '0', 'x', kHex[static_cast<size_t>(byte / 16)], kHex[static_cast<size_t>(byte % 16)], '>'};
}

bool is_llama3_pre(std::string_view pre) {
  constexpr std::array<std::string_view, 9> names = {"llama-bpe", "llama3",   "llama-v3", "falcon3",     "falcon-h1",
                                                     "pixtral",   "midm-2.0", "lfm2",     "jina-v5-nano"};
  return std::find(names.begin(), names.end(), pre) != names.end();
}

Status Vocabulary::create(VocabularyData* data, Vocabulary* vocabulary) {
  Vocabulary result;
  result.tokens_ = std::move(data->tokens);
  result.scores_ = std::move(data->scores);
  HEARTH_RETURN_IF_ERROR(result.check_sizes(*data));
  result.own_texts();
  HEARTH_RETURN_IF_ERROR(result.set_types(*data));
  *vocabulary = std::move(result);
  return {};
}

Status Vocabulary::check_sizes(const VocabularyData& data) const {
  if (tokens_.empty()) return no_key("tokenizer.ggml.tokens");
  if (tokens_.size() > INT32_MAX) return bad("Key \"tokenizer.ggml.tokens\" holds more than 2^31 tokens");
  const std::string n_tokens = std::to_string(tokens_.size()) + " tokens";
  if (data.model == "llama" && scores_.empty()) return no_key("tokenizer.ggml.scores");
  // Without merges every text would fall into bytes, which the model has hardly seen.
  if (data.model != "llama" && data.merges.empty()) return no_key("tokenizer.ggml.merges");
  if (data.model == "llama" && scores_.size() != tokens_.size()) {
    return bad("Key \"tokenizer.ggml.scores\" holds " + std::to_string(scores_.size()) + " scores for " + n_tokens);
  }
  if (!data.types.empty() && data.types.size() != tokens_.size()) {
    return bad("Key \"tokenizer.ggml.token_type\" holds " + std::to_string(data.types.size()) + " types for " +
               n_tokens);
  }
  for (size_t id = 0; id < tokens_.size(); ++id) {
    if (tokens_[id].size() > kMaxTokenBytes) {
      return bad("Token " + std::to_string(id) + " has " + std::to_string(tokens_[id].size()) +
                 " bytes; the limit is " + std::to_string(kMaxTokenBytes));
    }
  }
  for (size_t id = 0; id < scores_.size(); ++id) {
    if (std::isnan(scores_[id])) return bad("The score of token " + std::to_string(id) + " is not a number");
  }
  return {};
}

// Takes the texts out of the mapped file: the thread of the clients asks for them, and must not wait for a card that
// hangs; and one that fails would turn them into zeros, and a prompt into other tokens.
void Vocabulary::own_texts() {
  size_t bytes = 0;
  for (const std::string_view text : tokens_) bytes += text.size();
  texts_ = std::make_unique<char[]>(bytes);
  char* at = texts_.get();
  for (std::string_view& text : tokens_) {
    char* const end = std::ranges::copy(text, at).out;
    text = {at, text.size()};
    at = end;
  }
}

Status Vocabulary::set_types(const VocabularyData& data) {
  const std::vector<int32_t>& types = data.types;
  const TokenNames names(tokens_);
  types_.assign(tokens_.size(), TokenType::NORMAL);
  for (size_t id = 0; id < tokens_.size(); ++id) {
    max_token_bytes_ = std::max(max_token_bytes_, tokens_[id].size());
    const int32_t type = types.empty() ? 1 : types[id];
    if (type < static_cast<int32_t>(TokenType::NORMAL) || type > static_cast<int32_t>(TokenType::BYTE)) {
      return bad("Key \"tokenizer.ggml.token_type\" of token " + std::to_string(id) + " is " + std::to_string(type) +
                 "; 1 to 6 are defined");
    }
    types_[id] = static_cast<TokenType>(type);
    const TokenRole role = names.role(tokens_[id], types_[id]);
    if (role != TokenRole::NONE) types_[id] = TokenType::CONTROL;
    if (role == TokenRole::END) ends_.push_back(static_cast<int32_t>(id));
  }
  // A token that the file itself calls an end or a beginning is no text either.
  for (const std::optional<uint32_t>& id : {data.bos, data.eos, data.eot, data.eom}) {
    if (id && *id < types_.size() && types_[*id] == TokenType::USER_DEFINED) types_[*id] = TokenType::CONTROL;
  }
  return {};
}

uint64_t hash_seed() {
  static const char anchor = 0;  // where the loader put it differs from run to run
  const auto now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return mix_bits(now) ^ mix_bits(reinterpret_cast<uintptr_t>(&anchor));
}

Status TokenIndex::create(const Vocabulary& vocabulary, TokenIndex* index) {
  index->vocabulary_ = &vocabulary;
  index->seed_ = hash_seed();
  size_t n_slots = 16;
  while (n_slots < 2 * static_cast<size_t>(vocabulary.size())) n_slots *= 2;
  index->mask_ = n_slots - 1;
  index->slots_.assign(n_slots, Slot{0, -1});
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view text = vocabulary.text(id);
    if (text.empty()) continue;  // a gap in the ids that no text can name
    const uint64_t h = index->hash(text);
    const auto tag = static_cast<uint32_t>(h >> 32);
    size_t at = h & index->mask_;
    for (; index->slots_[at].id >= 0; at = (at + 1) & index->mask_) {
      if (index->slots_[at].tag == tag && vocabulary.text(index->slots_[at].id) == text) {
        return bad("Tokens " + std::to_string(index->slots_[at].id) + " and " + std::to_string(id) +
                   " have the same text " + in_quotes(text));
      }
    }
    index->slots_[at] = {tag, id};
  }
  return {};
}

int32_t TokenIndex::find(std::string_view text) const {
  const uint64_t h = hash(text);
  const auto tag = static_cast<uint32_t>(h >> 32);
  for (size_t at = h & mask_; slots_[at].id >= 0; at = (at + 1) & mask_) {
    if (slots_[at].tag == tag && vocabulary_->text(slots_[at].id) == text) return slots_[at].id;
  }
  return -1;
}

uint64_t TokenIndex::hash(std::string_view text) const {
  uint64_t h = seed_ ^ text.size();
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= text.size(); at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    h = mix_bits(h ^ word) + seed_;
  }
  uint64_t tail = 0;
  if (at < text.size()) std::memcpy(&tail, text.data() + at, text.size() - at);
  return mix_bits(h ^ tail);
}

namespace {

// One of tokenizer.ggml.*_token_id; `fallback` is what the tokenizer's model means where the key is missing.
// An id that no token has is left out with a warning: such files are published, and work without it.
void special_id(const char* key, std::optional<uint32_t> value, std::optional<int32_t> fallback, TokenizerInfo* info,
                std::optional<int32_t>* id) {
  const auto n_tokens = static_cast<int32_t>(info->n_tokens);
  id->reset();
  if (!value) {
    if (fallback && *fallback < n_tokens) *id = fallback;
    return;
  }
  if (*value == kNoToken) return;
  if (*value >= static_cast<uint32_t>(n_tokens)) {
    info->warnings.push_back("Key " + in_quotes(key) + " is " + std::to_string(*value) + " and the vocabulary has " +
                             std::to_string(n_tokens) + " tokens: the model goes without it.");
    return;
  }
  *id = static_cast<int32_t>(*value);
}

}  // namespace

void describe_vocabulary(const VocabularyData& data, const Vocabulary& vocabulary, TokenizerInfo* info) {
  const bool spm = data.model == "llama";
  const int32_t n = vocabulary.size();
  info->kind = spm ? "spm" : "bpe";
  info->pre_tokenizer = data.model == "gemma4" ? data.model : data.pre;
  info->n_tokens = static_cast<size_t>(n);

  // SentencePiece numbers <unk>, <s> and </s> so unless it is told otherwise.
  using Id = std::optional<int32_t>;
  special_id("tokenizer.ggml.unknown_token_id", data.unk, spm ? Id(0) : Id(), info, &info->unk);
  special_id("tokenizer.ggml.bos_token_id", data.bos, spm ? Id(1) : Id(), info, &info->bos);
  special_id("tokenizer.ggml.eos_token_id", data.eos, spm ? Id(2) : Id(), info, &info->eos);
  special_id("tokenizer.ggml.eot_token_id", data.eot, {}, info, &info->eot);
  special_id("tokenizer.ggml.eom_token_id", data.eom, {}, info, &info->eom);
  special_id("tokenizer.ggml.padding_token_id", data.pad, {}, info, &info->pad);

  info->add_bos =
      data.add_bos.value_or(spm || is_llama3_pre(data.pre) || data.pre == "tekken") && info->bos.has_value();
  info->add_eos = data.add_eos.value_or(false) && info->eos.has_value();
  info->add_space_prefix = data.add_space_prefix.value_or(spm);

  bool has_return = false, has_call = false;
  std::optional<int32_t> end;
  for (int32_t id = 0; id < n; ++id) {
    const std::string_view text = vocabulary.text(id);
    const TokenType type = vocabulary.type(id);
    const bool control = type == TokenType::CONTROL || type == TokenType::UNKNOWN;
    if ((control || type == TokenType::USER_DEFINED) && !text.empty()) {
      info->special_tokens.push_back({id, std::string(text), control});
    }
    if (text == "<|return|>") has_return = true;
    if (text == "<|call|>") has_call = true;
    if (text == "<|end|>") end = id;
    if (id == info->eos || id == info->eot || id == info->eom || std::ranges::binary_search(vocabulary.ends(), id)) {
      info->end_of_generation.push_back(id);
    }
  }
  // gpt-oss ends its answer with <|return|> or <|call|>; its <|end|> stands between the parts of one answer.
  if (has_return && has_call && end && end != info->eos) std::erase(info->end_of_generation, *end);
}

}  // namespace hearth
