// Ranges of code points as ranges of the bytes of their UTF-8 (the method of Thompson's utf8 ranges in RE2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace hearth::grammar {

using ByteRange = std::pair<uint8_t, uint8_t>;

namespace detail {

inline int encode(uint32_t c, uint8_t* bytes) {
  const auto tail = [c](int shift) { return static_cast<uint8_t>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return bytes[0] = static_cast<uint8_t>(c), 1;
  if (c < 0x800) return bytes[0] = static_cast<uint8_t>(0xC0 | c >> 6), bytes[1] = tail(0), 2;
  if (c < 0x10000) return bytes[0] = static_cast<uint8_t>(0xE0 | c >> 12), bytes[1] = tail(6), bytes[2] = tail(0), 3;
  return bytes[0] = static_cast<uint8_t>(0xF0 | c >> 18), bytes[1] = tail(12), bytes[2] = tail(6), bytes[3] = tail(0),
         4;
}

// low and high have encodings of one length.
template <typename Emit>
void split(uint32_t low, uint32_t high, Emit emit) {
  // Cut until all tail bytes of low are the lowest and of high the highest wherever a byte before them differs.
  for (int tails = 1; tails < 4; ++tails) {
    const uint32_t mask = (1u << (6 * tails)) - 1;
    if ((low & ~mask) == (high & ~mask)) continue;
    if ((low & mask) != 0) {
      split(low, low | mask, emit);
      return split((low | mask) + 1, high, emit);
    }
    if ((high & mask) != mask) {
      split(low, (high & ~mask) - 1, emit);
      return split(high & ~mask, high, emit);
    }
  }
  uint8_t first[4], last[4];
  const int n = encode(low, first);
  encode(high, last);
  std::vector<ByteRange> sequence;
  for (int i = 0; i < n; ++i) sequence.push_back({first[i], last[i]});
  emit(sequence);
}

}  // namespace detail

// Calls emit(vector<ByteRange>) for sequences of byte ranges that together match the characters from low to high,
// without surrogates.
template <typename Emit>
void utf8_ranges(uint32_t low, uint32_t high, Emit emit) {
  constexpr std::pair<uint32_t, uint32_t> kLengths[] = {
      {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, 0x10FFFF}};
  for (const auto& [least, most] : kLengths) {
    const uint32_t from = std::max(low, least), to = std::min(high, most);
    if (from <= to) detail::split(from, to, emit);
  }
}

}  // namespace hearth::grammar
