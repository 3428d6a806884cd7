// The typed values of keys. Values are read from the file again at each call, within bounds that parse() fixed: should
// the file change under the map, a value may be wrong, but no read leaves its key.
#include <cmath>
#include <utility>

#include "base/text.h"
#include "gguf/cursor.h"
#include "gguf/gguf.h"
#include "gguf/value_types.h"

namespace hearth {
namespace {

template <typename T>
constexpr bool kIsVector = false;
template <typename T>
constexpr bool kIsVector<std::vector<T>> = true;

Status bad_value(const GgufKey& key, const std::string& problem) {
  return {Code::GGUF_KEY_BAD_VALUE, "Key " + in_quotes(key.name) + " " + problem + "."};
}

std::string type_of(const GgufKey& key) {
  return key.is_array ? std::string("an array of ") + value_type_name(key.type) : value_type_name(key.type);
}

template <typename Stored, typename T>
Status read_integer_as(const GgufKey& key, Cursor* cursor, T* value) {
  Stored stored{};
  if (!cursor->read(&stored)) return bad_value(key, "changed while it was read");
  if (!std::in_range<T>(stored))
    return bad_value(key, "has the value " + std::to_string(stored) + ", which is out of range");
  *value = static_cast<T>(stored);
  return {};
}

template <typename T>
Status read_integer(const GgufKey& key, Cursor* cursor, T* value) {
  switch (key.type) {
    case GgufType::UINT8:
      return read_integer_as<uint8_t>(key, cursor, value);
    case GgufType::INT8:
      return read_integer_as<int8_t>(key, cursor, value);
    case GgufType::UINT16:
      return read_integer_as<uint16_t>(key, cursor, value);
    case GgufType::INT16:
      return read_integer_as<int16_t>(key, cursor, value);
    case GgufType::UINT32:
      return read_integer_as<uint32_t>(key, cursor, value);
    case GgufType::INT32:
      return read_integer_as<int32_t>(key, cursor, value);
    case GgufType::UINT64:
      return read_integer_as<uint64_t>(key, cursor, value);
    case GgufType::INT64:
      return read_integer_as<int64_t>(key, cursor, value);
    default:
      return bad_value(key, "is " + type_of(key) + ", not an integer");
  }
}

Status read_float(const GgufKey& key, Cursor* cursor, float* value) {
  if (key.type == GgufType::FLOAT32)
    return cursor->read(value) ? Status() : bad_value(key, "changed while it was read");
  if (key.type != GgufType::FLOAT64) return bad_value(key, "is " + type_of(key) + ", not a floating-point number");
  double wide = 0;
  if (!cursor->read(&wide)) return bad_value(key, "changed while it was read");
  *value = static_cast<float>(wide);
  return {};
}

Status read_bool(const GgufKey& key, Cursor* cursor, bool* value) {
  if (key.type != GgufType::BOOL) return bad_value(key, "is " + type_of(key) + ", not a BOOL");
  uint8_t stored = 0;
  if (!cursor->read(&stored)) return bad_value(key, "changed while it was read");
  if (stored > 1) return bad_value(key, "is a BOOL of value " + std::to_string(stored));
  *value = stored == 1;
  return {};
}

Status read_string(const GgufKey& key, Cursor* cursor, std::string_view* value) {
  if (key.type != GgufType::STRING) return bad_value(key, "is " + type_of(key) + ", not a STRING");
  if (!cursor->read_string(value)) return bad_value(key, "changed while it was read");
  return {};
}

template <typename T>
Status read_element(const GgufKey& key, Cursor* cursor, T* value) {
  if constexpr (std::is_same_v<T, bool>) {
    return read_bool(key, cursor, value);
  } else if constexpr (std::is_integral_v<T>) {
    return read_integer(key, cursor, value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return read_float(key, cursor, value);
  } else {
    return read_string(key, cursor, value);
  }
}

template <typename T>
Status read_scalar(const GgufKey& key, T* value) {
  if (key.is_array) return bad_value(key, "is " + type_of(key) + ", not a single value");
  Cursor cursor(key.bytes);
  HEARTH_RETURN_IF_ERROR(read_element(key, &cursor, value));
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(*value)) return bad_value(key, "is not a finite number");
  }
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (!is_utf8(*value)) return {Code::GGUF_BAD_STRING, "The value of key " + in_quotes(key.name) + " is not UTF-8."};
  }
  return {};
}

template <typename T>
Status read_array(const GgufKey& key, std::vector<T>* values) {
  if (!key.is_array) return bad_value(key, "is " + type_of(key) + ", not an array");
  Cursor cursor(key.bytes);
  std::vector<T> read(key.count);  // parse() bounded the count by the bytes of the file and by kArrayElements
  for (T& value : read) {
    if constexpr (std::is_same_v<T, uint32_t>) {
      if (key.type == GgufType::BOOL) {
        bool flag = false;
        HEARTH_RETURN_IF_ERROR(read_bool(key, &cursor, &flag));
        value = flag ? 1 : 0;
        continue;
      }
    }
    HEARTH_RETURN_IF_ERROR(read_element(key, &cursor, &value));
  }
  *values = std::move(read);
  return {};
}

template <typename T>
Status read_value(const GgufKey& key, T* value) {
  if constexpr (kIsVector<T>) {
    return read_array(key, value);
  } else {
    T read{};
    HEARTH_RETURN_IF_ERROR(read_scalar(key, &read));
    *value = read;
    return {};
  }
}

}  // namespace

template <typename T>
Status GgufFile::require(std::string_view name, T* value) const {
  const GgufKey* key = find_key(name);
  if (key == nullptr) return {Code::GGUF_KEY_MISSING, "The file has no key " + in_quotes(name) + "."};
  return read_value(*key, value);
}

template <typename T>
Status GgufFile::optional(std::string_view name, T* value) const {
  const GgufKey* key = find_key(name);
  return key == nullptr ? Status() : read_value(*key, value);
}

#define HEARTH_GGUF_VALUE(T)                                        \
  template Status GgufFile::require<T>(std::string_view, T*) const; \
  template Status GgufFile::optional<T>(std::string_view, T*) const;
HEARTH_GGUF_VALUE(bool)
HEARTH_GGUF_VALUE(uint32_t)
HEARTH_GGUF_VALUE(int32_t)
HEARTH_GGUF_VALUE(uint64_t)
HEARTH_GGUF_VALUE(int64_t)
HEARTH_GGUF_VALUE(float)
HEARTH_GGUF_VALUE(std::string_view)
HEARTH_GGUF_VALUE(std::vector<uint32_t>)
HEARTH_GGUF_VALUE(std::vector<int32_t>)
HEARTH_GGUF_VALUE(std::vector<float>)
HEARTH_GGUF_VALUE(std::vector<std::string_view>)
#undef HEARTH_GGUF_VALUE

}  // namespace hearth
