// Builds GGUF headers byte by byte, right or wrong, and puts bytes in front of a page that must not be touched.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/gguf.h"

namespace hearth::test {

class GgufBytes {
 public:
  // A right start, for `n_tensors` tensors and `n_keys` keys to be added.
  static GgufBytes header(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
    GgufBytes b;
    b.raw("GGUF").put(version).put(n_tensors).put(n_keys);
    return b;
  }

  template <typename T>
  GgufBytes& put(T value) {
    return append(&value, sizeof(T));
  }
  GgufBytes& raw(std::string_view text) { return append(text.data(), text.size()); }
  GgufBytes& text(std::string_view text) { return put<uint64_t>(text.size()).raw(text); }

  GgufBytes& type(GgufType type) { return put(static_cast<uint32_t>(type)); }
  template <typename T>
  GgufBytes& key(std::string_view name, GgufType value_type, T value) {
    return text(name).type(value_type).put(value);
  }
  GgufBytes& string_key(std::string_view name, std::string_view value) {
    return text(name).type(GgufType::STRING).text(value);
  }
  GgufBytes& array_key(std::string_view name, GgufType element, uint64_t count) {
    return text(name).type(GgufType::ARRAY).type(element).put(count);
  }
  GgufBytes& tensor(std::string_view name, std::vector<uint64_t> shape, uint32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(shape.size()));
    for (const uint64_t n : shape) put(n);
    return put(type).put(offset);
  }
  GgufBytes& pad_to(uint64_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  GgufBytes& zeros(size_t n) {
    bytes_.resize(bytes_.size() + n);
    return *this;
  }

  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  // Not insert(): GCC 12 takes it for an overflow.
  GgufBytes& append(const void* data, size_t n) {
    const size_t end = bytes_.size();
    bytes_.resize(end + n);
    if (n > 0) std::memcpy(bytes_.data() + end, data, n);
    return *this;
  }

  std::vector<uint8_t> bytes_;
};

// A copy of bytes whose last byte is followed by a page without access.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::span<const uint8_t> bytes) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t body = (bytes.size() + page - 1) / page * page;
    mapped_ = body + page;
    base_ = static_cast<uint8_t*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + body, page, PROT_NONE) != 0) throw std::runtime_error("no guard page");
    bytes_ = {base_ + body - bytes.size(), bytes.size()};
    if (!bytes.empty()) std::memcpy(bytes_.data(), bytes.data(), bytes.size());
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  uint8_t* base_ = nullptr;
  size_t mapped_ = 0;
  std::span<uint8_t> bytes_;
};

}  // namespace hearth::test
