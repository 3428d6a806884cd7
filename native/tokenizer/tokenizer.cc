// The tokenizer's front: which encoder a model needs, and the bytes of each token.
#include "tokenizer/tokenizer.h"

#include <utility>

#include "base/text.h"
#include "tokenizer/bpe.h"
#include "tokenizer/byte_unicode.h"
#include "tokenizer/spm.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_encoder.h"

namespace hearth {

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

Status Tokenizer::create(VocabularyData data, std::unique_ptr<Tokenizer>* tokenizer) {
  std::unique_ptr<Tokenizer> result(new Tokenizer);
  if (data.model.empty() || data.model == "none" || data.model == "no_vocab") {
    result->info_.kind = "none";
    *tokenizer = std::move(result);
    return {};
  }
  if (data.model != "llama" && data.model != "gpt2" && data.model != "gemma4") {
    return {Code::TOKENIZER_UNSUPPORTED,
            "Key \"tokenizer.ggml.model\" is " + in_quotes(data.model) + "; llama, gpt2 and gemma4 are supported."};
  }
  auto vocabulary = std::make_unique<Vocabulary>();
  TokenIndex index;
  HEARTH_RETURN_IF_ERROR(Vocabulary::create(&data, vocabulary.get()));
  HEARTH_RETURN_IF_ERROR(TokenIndex::create(*vocabulary, &index));
  TokenizerInfo& info = result->info_;
  describe_vocabulary(data, *vocabulary, &info);
  HEARTH_RETURN_IF_ERROR(info.kind == "spm"
                             ? SpmEncoder::create(*vocabulary, std::move(index), info.unk, &result->encoder_)
                             : BpeEncoder::create(data, *vocabulary, std::move(index), info.unk, &result->encoder_));
  result->vocabulary_ = std::move(vocabulary);
  result->escapes_spaces_ = data.model != "gpt2";
  *tokenizer = std::move(result);
  return {};
}

Status Tokenizer::encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const {
  if (!encoder_) return {Code::TOKENIZER_UNSUPPORTED, "The model file has no tokenizer."};
  for (const std::string_view word : words) {
    if (word.size() > kMaxWordBytes) {
      return {Code::CONTEXT_OVERFLOW, "A text has " + std::to_string(word.size()) + " bytes without a break; at most " +
                                          std::to_string(kMaxWordBytes) + " can be encoded at once."};
    }
  }
  encoder_->encode(words, ids);
  return {};
}

namespace {

// "<0x0A>" to its byte; false when the text is not of that form.
bool parse_byte_token(std::string_view text, char* byte) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  };
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return false;
  const int high = digit(text[3]), low = digit(text[4]);
  if (high < 0 || low < 0) return false;
  *byte = static_cast<char>(high << 4 | low);
  return true;
}

void append_spm_text(std::string_view text, std::string* bytes) {
  for (size_t at = 0; at < text.size();) {
    const size_t space = text.find(kSpmSpace, at);
    bytes->append(text.substr(at, space - at));
    if (space == std::string_view::npos) return;
    bytes->push_back(' ');
    at = space + kSpmSpace.size();
  }
}

}  // namespace

Status Tokenizer::decode(std::span<const int32_t> ids, bool with_control_tokens, std::string* bytes) const {
  if (!vocabulary_) return {Code::TOKENIZER_UNSUPPORTED, "The model file has no tokenizer."};
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocabulary_->size()) {
      return {Code::TOKEN_OUT_OF_RANGE, "Token " + std::to_string(id) + " is not in the vocabulary of " +
                                            std::to_string(vocabulary_->size()) + " tokens."};
    }
  }
  for (const int32_t id : ids) {
    const std::string_view text = vocabulary_->text(id);
    switch (vocabulary_->type(id)) {
      case TokenType::CONTROL:
      case TokenType::UNKNOWN:
        if (with_control_tokens) bytes->append(text);
        break;
      case TokenType::USER_DEFINED:
        bytes->append(text);  // in plain text already, also where other tokens are escaped
        break;
      case TokenType::UNUSED:
        break;
      case TokenType::BYTE:
        if (char byte; parse_byte_token(text, &byte)) {
          bytes->push_back(byte);
          break;
        }
        [[fallthrough]];  // some files mark single characters so
      case TokenType::NORMAL:
        escapes_spaces_ ? append_spm_text(text, bytes) : alphabet_to_bytes(text, bytes);
        break;
    }
  }
  return {};
}

}  // namespace hearth
