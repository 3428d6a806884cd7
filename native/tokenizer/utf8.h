// The little of UTF-8 that tokenizers need: where a character ends, and code points below U+0800.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

// Bytes of the character at text[at]; 1 if the bytes there are no whole character (invalid bytes stand for themselves).
inline size_t utf8_length(std::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  const size_t length = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (length > text.size() - at) return 1;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<uint8_t>(text[at + i]) & 0xC0) != 0x80) return 1;
  }
  return length;
}

// Appends a code point below U+0800.
inline void utf8_append(uint32_t code_point, std::string* text) {
  if (code_point < 0x80) {
    text->push_back(static_cast<char>(code_point));
  } else {
    text->push_back(static_cast<char>(0xC0 | code_point >> 6));
    text->push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  }
}

}  // namespace hearth
