#include "tokenizer/token_names.h"

#include <algorithm>
#include <array>

namespace hearth {
namespace {

// Ends of a turn or a text whatever the file calls them: no text has such a name.
constexpr std::array<std::string_view, 16> kEnds = {
    "<|eot_id|>",
    "<|eom_id|>",  // Llama 3
    "<|im_end|>",  // ChatML: Qwen, SmolLM
    "<|end|>",     // Phi
    "<end_of_turn>",
    "<turn|>",  // Gemma
    "<|endoftext|>",
    "<|end_of_text|>",  // GPT-2, Granite
    "<|return|>",
    "<|call|>",  // gpt-oss
    "<|flush|>",
    "<|calls|>",  // Solar
    "<EOT>",
    "_<EOT>",
    "[EOT]",               // CodeLlama, DeepSeek, Kimi
    "<end_of_utterance>",  // SmolVLM
};

// Ends where the file says that they are no ordinary text: control or user-defined tokens.
constexpr std::array<std::string_view, 11> kMarkedEnds = {
    "</s>",                                            // Llama 2, Mistral, Phi 3
    "<eos>",                                           // Gemma
    "[EOS]",                                           // Kimi
    "<|fim_pad|>",   "<fim_pad>",        "<fim-pad>",  // of code models: what follows is another file
    "<|repo_name|>", "<|fim_repo|>",     "<reponame>",
    "<|file_sep|>",  "<|tool_response>",  // Qwen, Gemma 4: a result follows, which the model must not invent
};

// No ends, and yet nothing that a user can mean as text: they begin a turn, or a piece of a file to complete.
constexpr std::array<std::string_view, 20> kMarks = {
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<|tool|>",
    "<|im_start|>",
    "<start_of_turn>",
    "<|turn>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|begin_of_text|>",
    "<|start_of_role|>",
    "<|end_of_role|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<s>",
    "<bos>",
};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view text) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

}  // namespace

// A vocabulary whose texts end with "<eos>" is Gemma's, which has the tags of HTML as tokens.
TokenNames::TokenNames(const std::vector<std::string_view>& tokens)
    : s_tag_is_text_(std::find(tokens.begin(), tokens.end(), "<eos>") != tokens.end()) {}

TokenRole TokenNames::role(std::string_view text, TokenType type) const {
  if (is_one_of(kEnds, text)) return TokenRole::END;
  if (type != TokenType::CONTROL && type != TokenType::USER_DEFINED) return TokenRole::NONE;
  if (s_tag_is_text_ && text == "</s>") return TokenRole::NONE;
  if (is_one_of(kMarkedEnds, text)) return TokenRole::END;
  return is_one_of(kMarks, text) ? TokenRole::MARK : TokenRole::NONE;
}

}  // namespace hearth
