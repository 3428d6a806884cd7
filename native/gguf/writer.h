// Writes GGUF files, version 3: first all keys and tensor entries are added, then the data follow in the same order.
// Knows nothing of what keys and tensors mean.
// Source: the GGUF specification, github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/gguf.h"
#include "gguf/output_file.h"
#include "include/status.h"

namespace hearth {

template <typename T>
concept GgufNumber = std::same_as<T, uint8_t> || std::same_as<T, int8_t> || std::same_as<T, uint16_t> ||
    std::same_as<T, int16_t> || std::same_as<T, uint32_t> || std::same_as<T, int32_t> || std::same_as<T, uint64_t> ||
    std::same_as<T, int64_t> || std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, bool>;

class GgufWriter {
 public:
  static constexpr uint64_t kAlignment = 32;  // the format's default

  // Keys. The number's type is the one that stands in the file. Names have to be unique; the reader checks.
  template <GgufNumber T>
  void add(std::string_view key, T value);
  void add(std::string_view key, std::string_view value);
  template <GgufNumber T>
  void add(std::string_view key, std::span<const T> values);
  void add(std::string_view key, std::span<const std::string> values);
  void add(const GgufKey& key);  // of another file, as it stands there

  // A tensor of `shape` (the fastest dimension first, one to four).
  // GGUF_TENSOR_BAD_SHAPE when a dimension is 0, a row is no whole number of blocks, or the size overflows.
  Status add_tensor(std::string_view name, HearthType type, std::span<const uint64_t> shape);

  // Starts the file and writes the header; nothing can be added afterwards. FILE_WRITE_FAILED.
  Status begin(const std::string& path);
  // The next bytes of the tensors' data, in the order in which they were added; a call may not cross the end of a
  // tensor. FILE_WRITE_FAILED; INTERNAL for bytes that belong to no tensor.
  Status write(std::span<const uint8_t> bytes);
  // Flushes the file and gives it its name. Without it, or after an error, no file is left. FILE_WRITE_FAILED; INTERNAL
  // when data are missing.
  Status finish();

  // Bytes of each tensor, in order, without padding.
  const std::vector<uint64_t>& tensor_bytes() const { return tensor_bytes_; }

 private:
  void begin_key(std::string_view key, GgufType type);

  std::string keys_, tensors_;  // entries as they stand in the file
  uint64_t n_keys_ = 0;
  uint64_t data_bytes_ = 0;  // of all tensors added, padded
  std::vector<uint64_t> tensor_bytes_;

  OutputFile file_;
  size_t current_ = 0;    // the tensor whose data come next
  uint64_t written_ = 0;  // of its bytes
};

}  // namespace hearth
