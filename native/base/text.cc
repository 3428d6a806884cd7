#include "base/text.h"

#include <cstdint>

namespace hearth {
namespace {

constexpr size_t kNameBytes = 80;

// Bytes of the well-formed sequence at the start of `text`, 0 when there is none.
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto continues = [&](size_t i, uint8_t low, uint8_t high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;   // else overlong
    const uint8_t high = lead == 0xED ? 0x9F : 0xBF;  // else a surrogate
    return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;   // else overlong
    const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;  // else above U+10FFFF
    return continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

// C0, DEL, or C1, which terminals may obey.
bool is_control(std::string_view character) {
  const auto lead = static_cast<uint8_t>(character[0]);
  return lead < 0x20 || lead == 0x7F || (lead == 0xC2 && static_cast<uint8_t>(character[1]) < 0xA0);
}

std::string quote(std::string_view text, size_t max_bytes) {
  std::string shown = "\"";
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    const std::string_view character = text.substr(0, length);
    if (shown.size() + length > max_bytes + 1) return shown + "...\"";
    shown += length == 0 || is_control(character) ? "?" : character;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return shown + "\"";
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string in_quotes(std::string_view name) { return quote(name, kNameBytes); }

std::string quoted_path(std::string_view path) { return quote(path, path.size()); }

}  // namespace hearth
