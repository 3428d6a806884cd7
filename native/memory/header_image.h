// The address space of a file of which only the beginning is there, so that a header can be read as if the file were
// mapped: the rest are zeros that take no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "include/status.h"

namespace hearth {

class HeaderImage {
 public:
  // GGUF_LIMIT_EXCEEDED for a file that no address space holds; OUT_OF_MEMORY.
  static Status create(std::span<const uint8_t> beginning, uint64_t file_bytes, std::unique_ptr<HeaderImage>* image);
  ~HeaderImage();
  HeaderImage(const HeaderImage&) = delete;
  HeaderImage& operator=(const HeaderImage&) = delete;

  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  explicit HeaderImage(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  std::span<const uint8_t> bytes_;
};

}  // namespace hearth
