// Reads little-endian values from bytes of unknown origin, never past their end. Knows nothing of GGUF beyond its
// strings.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace hearth {

static_assert(std::endian::native == std::endian::little,
              "tensor data is used in place, so the host must be little-endian");

// Every read returns false, and leaves the cursor where it is, when too few bytes are left.
class Cursor {
 public:
  explicit Cursor(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  template <typename T>
  [[nodiscard]] bool read(T* value) {
    static_assert(std::is_arithmetic_v<T>);
    if (remaining() < sizeof(T)) return false;
    std::memcpy(value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return true;
  }

  [[nodiscard]] bool take(uint64_t n_bytes, std::span<const uint8_t>* taken) {
    if (remaining() < n_bytes) return false;
    *taken = bytes_.subspan(position_, n_bytes);
    position_ += n_bytes;
    return true;
  }

  // A string as GGUF writes it: its length as 64 bits, then its bytes, without a terminator.
  [[nodiscard]] bool read_string(std::string_view* text) {
    const size_t start = position_;
    uint64_t length = 0;
    std::span<const uint8_t> characters;
    if (!read(&length) || !take(length, &characters)) {
      position_ = start;
      return false;
    }
    *text = {reinterpret_cast<const char*>(characters.data()), characters.size()};
    return true;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
};

}  // namespace hearth
