// The vocabulary of a model file, before it is checked. Text stays in the mapped file until the vocabulary is made.
// Knows nothing of the file format, so that tests build vocabularies by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth {

// tokenizer.ggml.token_type, as SentencePiece numbers them.
enum class TokenType : uint8_t { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6 };

// In place of a special token's id: the model has no such token.
inline constexpr uint32_t kNoToken = 4294967295;

// One member a key of tokenizer.ggml.*; an empty optional or vector is a key that the file lacks.
struct VocabularyData {
  std::string_view model;                // "llama" (SPM), "gpt2", "gemma4" (BPE), "no_vocab", "none" or empty
  std::string_view pre;                  // names the regex of the pre-tokenizer
  std::vector<std::string_view> tokens;  // [n_tokens]
  std::vector<float> scores;             // [n_tokens], SPM only; the highest is merged first
  std::vector<int32_t> types;            // [n_tokens] of TokenType, or empty: all normal
  std::vector<std::string_view> merges;  // BPE only: "left right", the first has the lowest rank

  std::optional<uint32_t> bos, eos, eot, eom, unk, pad;  // ids, or kNoToken
  std::optional<bool> add_bos, add_eos, add_space_prefix;
};

}  // namespace hearth
