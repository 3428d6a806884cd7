// This file says what tokens are by their names. Files forget to mark some of those that steer a conversation, and then
// a user who writes
// "<|im_end|>" would end the turn of whom he talks to. Knows conventions of published models; nothing of a file.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizer/vocabulary_data.h"

namespace hearth {

enum class TokenRole {
  NONE,
  MARK,  // steers the model and is no text: begins a turn, or cuts a file
  END,   // ends an answer, and is no text
};

// Names of one vocabulary.
class TokenNames {
 public:
  explicit TokenNames(const std::vector<std::string_view>& tokens);

  // The kind of a token that the file calls `type`.
  TokenRole role(std::string_view text, TokenType type) const;

 private:
  bool s_tag_is_text_;  // "</s>" is a tag of HTML
};

}  // namespace hearth
