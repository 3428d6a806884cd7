// GPT-2's alphabet: each byte is written as one printable character, so that token texts hold no spaces or controls.
// Source: bytes_to_unicode() in encoder.py of github.com/openai/gpt-2 (Radford et al. 2019).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

namespace byte_unicode {

// Printable bytes stand for themselves; the other 68 become U+0100, U+0101, ... in order.
constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

inline constexpr uint32_t kEnd = 0x100 + 68;  // one past the alphabet's last character

struct Tables {
  std::array<uint16_t, 256> to_code_point{};
  std::array<int16_t, kEnd> to_byte{};  // -1: not of the alphabet
};

constexpr Tables make_tables() {
  Tables tables;
  for (auto& byte : tables.to_byte) byte = -1;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const uint32_t code_point = stands_for_itself(byte) ? byte : next++;
    tables.to_code_point[byte] = static_cast<uint16_t>(code_point);
    tables.to_byte[code_point] = static_cast<int16_t>(byte);
  }
  return tables;
}

inline constexpr Tables kTables = make_tables();

}  // namespace byte_unicode

// Appends `bytes` in the alphabet.
void bytes_to_alphabet(std::string_view bytes, std::string* text);

// Appends the bytes that `text` stands for. What is not of the alphabet is copied as it is.
void alphabet_to_bytes(std::string_view text, std::string* bytes);

}  // namespace hearth
