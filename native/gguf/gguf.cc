// The parser of the header, and lookups by name. The values of keys are read by values.cc.
#include "gguf/gguf.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "gguf/cursor.h"
#include "gguf/value_types.h"

namespace hearth {
namespace {

constexpr uint32_t kMagic = 0x46554747;       // "GGUF"
constexpr uint64_t kMinimumKeyBytes = 13;     // an empty name, a type, one byte
constexpr uint64_t kMinimumTensorBytes = 24;  // an empty name, no dimensions, a type, an offset
// The specification asks for multiples of 8, and so do float weights that are read in place.
constexpr uint64_t kMinimumAlignment = 8;

// The element of a list sorted by name; null when missing.
template <typename T>
const T* find_by_name(const std::vector<T>& sorted, std::string_view name) {
  const auto found = std::ranges::lower_bound(sorted, name, {}, &T::name);
  return found != sorted.end() && found->name == name ? &*found : nullptr;
}

// Sorts by name. GGUF_DUPLICATE_NAME when one stands twice.
template <typename T>
Status sort_by_name(const char* kind, std::vector<T>* items) {
  std::ranges::sort(*items, {}, &T::name);
  const auto twice = std::ranges::adjacent_find(*items, {}, &T::name);
  if (twice == items->end()) return {};
  return {Code::GGUF_DUPLICATE_NAME, std::string("The ") + kind + " " + in_quotes(twice->name) + " stands twice."};
}

}  // namespace

// One pass over the header. Errors carry the name of what was being read.
class GgufParser {
 public:
  GgufParser(std::span<const uint8_t> file, GgufFile* result) : file_(file), cursor_(file), result_(*result) {}

  Status run() {
    HEARTH_RETURN_IF_ERROR(read_preamble());
    for (uint64_t i = 0; i < n_keys_; ++i) HEARTH_RETURN_IF_ERROR(read_key());
    HEARTH_RETURN_IF_ERROR(sort_by_name("key", &result_.keys_));
    for (uint64_t i = 0; i < n_tensors_; ++i) HEARTH_RETURN_IF_ERROR(read_tensor());
    HEARTH_RETURN_IF_ERROR(sort_by_name("tensor", &result_.tensors_));
    HEARTH_RETURN_IF_ERROR(read_alignment());
    for (GgufTensor& tensor : result_.tensors_) HEARTH_RETURN_IF_ERROR(locate(&tensor));
    return {};
  }

 private:
  Status truncated(const std::string& where) const {
    return {Code::GGUF_TRUNCATED, "The file ends after " + std::to_string(file_.size()) + " bytes, in " + where + "."};
  }

  Status read_preamble();
  Status read_key();
  Status read_value(GgufKey* key);
  Status skip_values(const GgufKey& key, GgufType type, uint64_t count, uint32_t depth);
  Status read_array_head(const GgufKey& key, GgufType* type, uint64_t* count);
  Status read_value_type(const GgufKey& key, GgufType* type);
  Status read_tensor();
  Status read_shape(GgufTensor* tensor);
  Status read_name(const char* kind, uint64_t limit, std::string* name);
  Status read_alignment();
  Status locate(GgufTensor* tensor);

  std::span<const uint8_t> file_;
  Cursor cursor_;
  GgufFile& result_;
  uint64_t n_keys_ = 0;
  uint64_t n_tensors_ = 0;
};

Status GgufParser::read_preamble() {
  uint32_t magic = 0;
  if (!cursor_.read(&magic) || magic != kMagic) {
    return {Code::GGUF_BAD_MAGIC, "The file does not start with GGUF."};
  }
  if (!cursor_.read(&result_.version_)) return truncated("the version");
  if (result_.version_ != 2 && result_.version_ != 3) {
    // A small number with its bytes reversed is what a big-endian file has here.
    const bool big_endian = result_.version_ != 0 && (result_.version_ & 0xFFFF) == 0;
    return {Code::GGUF_BAD_VERSION, big_endian ? std::string("The file is big-endian.")
                                               : "The file has version " + std::to_string(result_.version_) + "."};
  }
  if (!cursor_.read(&n_tensors_) || !cursor_.read(&n_keys_)) return truncated("the counts");
  const auto over = [](const char* what, uint64_t count, uint64_t limit) -> Status {
    return {Code::GGUF_LIMIT_EXCEEDED, "The header announces " + std::to_string(count) + " " + what +
                                           "; the limit is " + std::to_string(limit) + "."};
  };
  if (n_keys_ > gguf_limits::kKeys) return over("keys", n_keys_, gguf_limits::kKeys);
  if (n_tensors_ > gguf_limits::kTensors) return over("tensors", n_tensors_, gguf_limits::kTensors);
  // The limits keep both products small.
  if (cursor_.remaining() < n_keys_ * kMinimumKeyBytes + n_tensors_ * kMinimumTensorBytes) {
    return truncated("a header of " + std::to_string(n_keys_) + " keys and " + std::to_string(n_tensors_) + " tensors");
  }
  result_.keys_.reserve(n_keys_);
  result_.tensors_.reserve(n_tensors_);
  return {};
}

Status GgufParser::read_name(const char* kind, uint64_t limit, std::string* name) {
  uint64_t length = 0;
  std::span<const uint8_t> bytes;
  const auto where = [&] {
    return std::string("the name of the ") + kind + " at byte " + std::to_string(cursor_.position());
  };
  if (!cursor_.read(&length)) return truncated(where());
  if (length > limit) {
    return {Code::GGUF_LIMIT_EXCEEDED, "There are " + std::to_string(length) + " bytes in " + where() +
                                           "; the limit is " + std::to_string(limit) + "."};
  }
  if (!cursor_.take(length, &bytes)) return truncated(where());
  name->assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_utf8(*name)) return {};
  return {Code::GGUF_BAD_STRING, std::string("The ") + kind + " name " + in_quotes(*name) + " is not UTF-8."};
}

Status GgufParser::read_value_type(const GgufKey& key, GgufType* type) {
  uint32_t id = 0;
  if (!cursor_.read(&id)) return truncated("the type of key " + in_quotes(key.name));
  if (id >= kGgufTypeCount) {
    return {Code::GGUF_BAD_TYPE,
            "Key " + in_quotes(key.name) + " has the unknown value type " + std::to_string(id) + "."};
  }
  *type = static_cast<GgufType>(id);
  return {};
}

Status GgufParser::read_array_head(const GgufKey& key, GgufType* type, uint64_t* count) {
  HEARTH_RETURN_IF_ERROR(read_value_type(key, type));
  if (!cursor_.read(count)) return truncated("the array of key " + in_quotes(key.name));
  if (*count > gguf_limits::kArrayElements) {
    return {Code::GGUF_LIMIT_EXCEEDED, "The array of key " + in_quotes(key.name) + " has " + std::to_string(*count) +
                                           " elements; the limit is " + std::to_string(gguf_limits::kArrayElements) +
                                           "."};
  }
  return {};
}

Status GgufParser::read_key() {
  GgufKey key;
  HEARTH_RETURN_IF_ERROR(read_name("key", gguf_limits::kKeyBytes, &key.name));
  HEARTH_RETURN_IF_ERROR(read_value(&key));
  result_.keys_.push_back(std::move(key));
  return {};
}

Status GgufParser::read_value(GgufKey* key) {
  HEARTH_RETURN_IF_ERROR(read_value_type(*key, &key->type));
  if (key->type == GgufType::ARRAY) {
    key->is_array = true;
    HEARTH_RETURN_IF_ERROR(read_array_head(*key, &key->type, &key->count));
  }
  const uint64_t start = cursor_.position();
  HEARTH_RETURN_IF_ERROR(skip_values(*key, key->type, key->count, key->is_array ? 1 : 0));
  key->bytes = file_.subspan(start, cursor_.position() - start);
  return {};
}

// Passes over `count` values, checking all that they hold. `depth` is the number of arrays around them.
Status GgufParser::skip_values(const GgufKey& key, GgufType type, uint64_t count, uint32_t depth) {
  const auto cut_short = [&] { return truncated("the value of key " + in_quotes(key.name)); };
  if (count > cursor_.remaining() / minimum_size(type)) return cut_short();

  std::span<const uint8_t> skipped;
  if (const uint64_t size = fixed_size(type); size != 0)
    return cursor_.take(count * size, &skipped) ? Status() : cut_short();

  if (type == GgufType::STRING) {
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t length = 0;
      if (!cursor_.read(&length)) return cut_short();
      if (length > gguf_limits::kStringBytes) {
        return {Code::GGUF_LIMIT_EXCEEDED, "A string of key " + in_quotes(key.name) + " has " + std::to_string(length) +
                                               " bytes; the limit is " + std::to_string(gguf_limits::kStringBytes) +
                                               "."};
      }
      if (!cursor_.take(length, &skipped)) return cut_short();
    }
    return {};
  }

  if (depth >= gguf_limits::kArrayDepth) {
    return {Code::GGUF_LIMIT_EXCEEDED, "The arrays of key " + in_quotes(key.name) + " are nested more than " +
                                           std::to_string(gguf_limits::kArrayDepth) + " deep."};
  }
  for (uint64_t i = 0; i < count; ++i) {
    GgufType element_type;
    uint64_t n_elements = 0;
    HEARTH_RETURN_IF_ERROR(read_array_head(key, &element_type, &n_elements));
    HEARTH_RETURN_IF_ERROR(skip_values(key, element_type, n_elements, depth + 1));
  }
  return {};
}

Status GgufParser::read_tensor() {
  GgufTensor tensor{};
  HEARTH_RETURN_IF_ERROR(read_name("tensor", gguf_limits::kTensorNameBytes, &tensor.name));
  HEARTH_RETURN_IF_ERROR(read_shape(&tensor));
  uint32_t id = 0;
  if (!cursor_.read(&id) || !cursor_.read(&tensor.offset))
    return truncated("the entry of tensor " + in_quotes(tensor.name));
  if (type_traits(id) == nullptr) {
    return {Code::GGUF_BAD_TYPE,
            "Tensor " + in_quotes(tensor.name) + " has the unknown type " + std::to_string(id) + "."};
  }
  tensor.type = static_cast<HearthType>(id);
  if (!row_size(tensor.type, tensor.ne[0], &tensor.row_bytes)) {
    return {Code::GGUF_TENSOR_BAD_SHAPE, "Tensor " + in_quotes(tensor.name) + " has rows of " +
                                             std::to_string(tensor.ne[0]) + " elements, which are no whole blocks of " +
                                             type_name(id) + "."};
  }
  result_.tensors_.push_back(std::move(tensor));
  return {};
}

Status GgufParser::read_shape(GgufTensor* tensor) {
  if (!cursor_.read(&tensor->n_dims)) return truncated("the shape of tensor " + in_quotes(tensor->name));
  if (tensor->n_dims > gguf_limits::kDimensions) {
    return {Code::GGUF_LIMIT_EXCEEDED, "Tensor " + in_quotes(tensor->name) + " has " + std::to_string(tensor->n_dims) +
                                           " dimensions; the limit is " + std::to_string(gguf_limits::kDimensions) +
                                           "."};
  }
  tensor->ne.fill(1);
  tensor->n_elements = 1;
  for (uint32_t i = 0; i < tensor->n_dims; ++i) {
    if (!cursor_.read(&tensor->ne[i])) return truncated("the shape of tensor " + in_quotes(tensor->name));
    if (tensor->ne[i] == 0) {
      return {Code::GGUF_TENSOR_BAD_SHAPE,
              "Dimension " + std::to_string(i) + " of tensor " + in_quotes(tensor->name) + " is 0."};
    }
    if (!checked_mul(tensor->n_elements, tensor->ne[i], &tensor->n_elements)) {
      return {Code::GGUF_TENSOR_BAD_SHAPE, "Tensor " + in_quotes(tensor->name) + " has more than 2^64 elements."};
    }
  }
  return {};
}

Status GgufParser::read_alignment() {
  HEARTH_RETURN_IF_ERROR(result_.optional("general.alignment", &result_.alignment_));
  const uint64_t alignment = result_.alignment_;
  if (!std::has_single_bit(alignment) || alignment < kMinimumAlignment) {
    return {Code::GGUF_BAD_ALIGNMENT, "The key general.alignment is " + std::to_string(alignment) +
                                          ", which is no power of two of at least " +
                                          std::to_string(kMinimumAlignment) + "."};
  }
  if (!checked_align_up(cursor_.position(), alignment, &result_.data_offset_)) {
    return {Code::GGUF_BAD_ALIGNMENT, "The key general.alignment is " + std::to_string(alignment) + "."};
  }
  return {};
}

// Turns the offset from the start of the data into one from the start of the file, and into a range inside it.
Status GgufParser::locate(GgufTensor* tensor) {
  if (tensor->offset % result_.alignment_ != 0) {
    return {Code::GGUF_BAD_ALIGNMENT, "Tensor " + in_quotes(tensor->name) + " lies at offset " +
                                          std::to_string(tensor->offset) + ", which is no multiple of " +
                                          std::to_string(result_.alignment_) + "."};
  }
  uint64_t n_bytes = 0, end = 0;
  const uint64_t data_offset = tensor->offset;
  if (!checked_mul(tensor->row_bytes, tensor->n_elements / tensor->ne[0], &n_bytes) ||
      !checked_add(result_.data_offset_, data_offset, &tensor->offset) || !checked_add(tensor->offset, n_bytes, &end) ||
      end > file_.size()) {
    return {Code::GGUF_TENSOR_OUT_OF_BOUNDS, "The data of tensor " + in_quotes(tensor->name) + " at offset " +
                                                 std::to_string(data_offset) + " end beyond the file's " +
                                                 std::to_string(file_.size()) + " bytes."};
  }
  tensor->data = file_.subspan(tensor->offset, n_bytes);
  return {};
}

Status GgufFile::parse(std::span<const uint8_t> file, GgufFile* result) {
  GgufFile parsed;
  HEARTH_RETURN_IF_ERROR(GgufParser(file, &parsed).run());
  *result = std::move(parsed);
  return {};
}

Status GgufFile::append_part(GgufFile part, uint32_t number) {
  if (tensors_.size() + part.tensors_.size() > gguf_limits::kTensors) {
    return {Code::GGUF_LIMIT_EXCEEDED,
            "The parts hold more than " + std::to_string(gguf_limits::kTensors) + " tensors together."};
  }
  for (GgufTensor& tensor : part.tensors_) {
    tensor.part = number;
    tensors_.push_back(std::move(tensor));
  }
  return sort_by_name("tensor", &tensors_);
}

const GgufKey* GgufFile::find_key(std::string_view name) const { return find_by_name(keys_, name); }

const GgufTensor* GgufFile::find_tensor(std::string_view name) const { return find_by_name(tensors_, name); }

Status GgufFile::require_tensor(std::string_view name, const GgufTensor** tensor) const {
  *tensor = find_tensor(name);
  if (*tensor == nullptr) return {Code::GGUF_TENSOR_MISSING, "The file has no tensor " + in_quotes(name) + "."};
  return {};
}

}  // namespace hearth
