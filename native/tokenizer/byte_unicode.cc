// Conversions between bytes and GPT-2's alphabet.
#include "tokenizer/byte_unicode.h"

#include "tokenizer/utf8.h"

namespace hearth {

void bytes_to_alphabet(std::string_view bytes, std::string* text) {
  for (const char byte : bytes) utf8_append(byte_unicode::kTables.to_code_point[static_cast<uint8_t>(byte)], text);
}

void alphabet_to_bytes(std::string_view text, std::string* bytes) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    const auto lead = static_cast<uint8_t>(text[at]);
    // The alphabet lies below U+0144: characters of one or two bytes.
    uint32_t code_point = byte_unicode::kEnd;
    if (length == 1 && lead < 0x80) code_point = lead;
    if (length == 2) code_point = (lead & 0x1Fu) << 6 | (static_cast<uint8_t>(text[at + 1]) & 0x3Fu);
    const int byte = code_point < byte_unicode::kEnd ? byte_unicode::kTables.to_byte[code_point] : -1;
    if (byte >= 0) {
      bytes->push_back(static_cast<char>(byte));
    } else {
      bytes->append(text.substr(at, length));
    }
    at += length;
  }
}

}  // namespace hearth
