#include "gguf/writer.h"

#include <array>

#include "base/checked.h"
#include "base/text.h"

namespace hearth {
namespace {

template <typename T>
void put(std::string* bytes, T value) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string* bytes, std::string_view text) {
  put<uint64_t>(bytes, text.size());
  bytes->append(text);
}

template <GgufNumber T>
constexpr GgufType type_of() {
  if constexpr (std::same_as<T, uint8_t>) return GgufType::UINT8;
  if constexpr (std::same_as<T, int8_t>) return GgufType::INT8;
  if constexpr (std::same_as<T, uint16_t>) return GgufType::UINT16;
  if constexpr (std::same_as<T, int16_t>) return GgufType::INT16;
  if constexpr (std::same_as<T, uint32_t>) return GgufType::UINT32;
  if constexpr (std::same_as<T, int32_t>) return GgufType::INT32;
  if constexpr (std::same_as<T, uint64_t>) return GgufType::UINT64;
  if constexpr (std::same_as<T, int64_t>) return GgufType::INT64;
  if constexpr (std::same_as<T, float>) return GgufType::FLOAT32;
  if constexpr (std::same_as<T, double>) return GgufType::FLOAT64;
  if constexpr (std::same_as<T, bool>) return GgufType::BOOL;
}

uint64_t padding_after(uint64_t n_bytes) {
  return (GgufWriter::kAlignment - n_bytes % GgufWriter::kAlignment) % GgufWriter::kAlignment;
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

void GgufWriter::begin_key(std::string_view key, GgufType type) {
  put_string(&keys_, key);
  put(&keys_, type);
  ++n_keys_;
}

template <GgufNumber T>
void GgufWriter::add(std::string_view key, T value) {
  begin_key(key, type_of<T>());
  put(&keys_, value);
}

void GgufWriter::add(std::string_view key, std::string_view value) {
  begin_key(key, GgufType::STRING);
  put_string(&keys_, value);
}

template <GgufNumber T>
void GgufWriter::add(std::string_view key, std::span<const T> values) {
  begin_key(key, GgufType::ARRAY);
  put(&keys_, type_of<T>());
  put<uint64_t>(&keys_, values.size());
  for (const T value : values) put(&keys_, value);
}

void GgufWriter::add(std::string_view key, std::span<const std::string> values) {
  begin_key(key, GgufType::ARRAY);
  put(&keys_, GgufType::STRING);
  put<uint64_t>(&keys_, values.size());
  for (const std::string& value : values) put_string(&keys_, value);
}

void GgufWriter::add(const GgufKey& key) {
  begin_key(key.name, key.is_array ? GgufType::ARRAY : key.type);
  if (key.is_array) {
    put(&keys_, key.type);
    put<uint64_t>(&keys_, key.count);
  }
  keys_.append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
}

#define HEARTH_GGUF_NUMBER(T)                            \
  template void GgufWriter::add<T>(std::string_view, T); \
  template void GgufWriter::add<T>(std::string_view, std::span<const T>);
HEARTH_GGUF_NUMBER(uint8_t)
HEARTH_GGUF_NUMBER(int8_t)
HEARTH_GGUF_NUMBER(uint16_t)
HEARTH_GGUF_NUMBER(int16_t)
HEARTH_GGUF_NUMBER(uint32_t)
HEARTH_GGUF_NUMBER(int32_t)
HEARTH_GGUF_NUMBER(uint64_t)
HEARTH_GGUF_NUMBER(int64_t)
HEARTH_GGUF_NUMBER(float)
HEARTH_GGUF_NUMBER(double)
HEARTH_GGUF_NUMBER(bool)
#undef HEARTH_GGUF_NUMBER

Status GgufWriter::add_tensor(std::string_view name, HearthType type, std::span<const uint64_t> shape) {
  const Status bad_shape{Code::GGUF_TENSOR_BAD_SHAPE,
                         "Tensor " + in_quotes(name) + " cannot have this shape as " + type_name(type) + "."};
  uint64_t n_bytes = 0, padded = 0, total = 0;
  if (shape.empty() || shape.size() > gguf_limits::kDimensions || !row_size(type, shape[0], &n_bytes)) return bad_shape;
  for (const uint64_t n : shape.subspan(1)) {
    if (!checked_mul(n_bytes, n, &n_bytes)) return bad_shape;
  }
  if (n_bytes == 0 || !checked_align_up(n_bytes, kAlignment, &padded) || !checked_add(data_bytes_, padded, &total)) {
    return bad_shape;
  }
  put_string(&tensors_, name);
  put(&tensors_, static_cast<uint32_t>(shape.size()));
  for (const uint64_t n : shape) put(&tensors_, n);
  put(&tensors_, static_cast<uint32_t>(type));
  put(&tensors_, data_bytes_);
  data_bytes_ = total;
  tensor_bytes_.push_back(n_bytes);
  return {};
}

Status GgufWriter::begin(const std::string& path) {
  std::string header = "GGUF";
  put<uint32_t>(&header, 3);
  put<uint64_t>(&header, tensor_bytes_.size());
  put<uint64_t>(&header, n_keys_);
  header += keys_;
  header += tensors_;
  header.append(padding_after(header.size()), '\0');
  HEARTH_RETURN_IF_ERROR(file_.open(path, header.size() + data_bytes_));
  return file_.write(bytes_of(header));
}

Status GgufWriter::write(std::span<const uint8_t> bytes) {
  if (current_ == tensor_bytes_.size() || bytes.size() > tensor_bytes_[current_] - written_) {
    return {Code::INTERNAL, "There are more data than tensor " + std::to_string(current_) + " holds."};
  }
  HEARTH_RETURN_IF_ERROR(file_.write(bytes));
  written_ += bytes.size();
  if (written_ < tensor_bytes_[current_]) return {};
  constexpr std::array<uint8_t, kAlignment> kZeros{};
  HEARTH_RETURN_IF_ERROR(file_.write(std::span(kZeros).first(padding_after(written_))));
  ++current_;
  written_ = 0;
  return {};
}

Status GgufWriter::finish() {
  if (current_ != tensor_bytes_.size())
    return {Code::INTERNAL, "The data of tensor " + std::to_string(current_) + " are missing."};
  return file_.commit();
}

}  // namespace hearth
