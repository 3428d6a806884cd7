// The GGUF header (versions 2 and 3) of a file in memory: its keys and tensors, each checked against the file before
// use. Owns no file and maps nothing; knows neither architectures nor tokenizers, only what the format says. Source:
// the GGUF specification, github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/types.h"
#include "include/status.h"

namespace hearth {

// Limits of a header; more is GGUF_LIMIT_EXCEEDED. Published files stay a factor of ten and more below.
namespace gguf_limits {
inline constexpr uint64_t kKeys = 65536;
inline constexpr uint64_t kTensors = 65536;
inline constexpr uint64_t kKeyBytes = 65535;          // the specification's own limit
inline constexpr uint64_t kTensorNameBytes = 64;      // the specification's own limit
inline constexpr uint64_t kStringBytes = 64u << 20;   // the largest seen are tokenizer.json files of 30 MB
inline constexpr uint64_t kArrayElements = 4u << 20;  // the largest vocabularies have 262,144 tokens, 514,906 merges
inline constexpr uint32_t kArrayDepth = 4;            // arrays in arrays
inline constexpr uint32_t kDimensions = 4;            // the format's own limit
}  // namespace gguf_limits

// Ids as they stand in the file.
enum class GgufType : uint32_t {
  UINT8 = 0,
  INT8 = 1,
  UINT16 = 2,
  INT16 = 3,
  UINT32 = 4,
  INT32 = 5,
  FLOAT32 = 6,
  BOOL = 7,
  STRING = 8,
  ARRAY = 9,
  UINT64 = 10,
  INT64 = 11,
  FLOAT64 = 12,
};

struct GgufKey {
  std::string name;
  GgufType type;  // of the value, or of an array's elements
  bool is_array = false;
  uint64_t count = 1;              // elements of an array
  std::span<const uint8_t> bytes;  // the value, or the array's elements, in the file
};

struct GgufTensor {
  std::string name;
  HearthType type;
  uint32_t n_dims;
  std::array<uint64_t, 4> ne;  // ne[0] is the fastest (the length of a row); 1 beyond n_dims
  uint64_t n_elements;
  uint64_t row_bytes;             // of ne[0] elements; rows follow one another without gaps
  uint64_t offset;                // from the start of the file
  std::span<const uint8_t> data;  // in the file, at a multiple of its alignment (8 or more)
  uint32_t part = 0;              // which of a model's files that is
};

class GgufFile {
 public:
  // Reads the header of `file`, which has to outlive this object: values and tensors stay where they are. Names are
  // copied, so that a file changed under the map cannot make lookups inconsistent. Every GGUF_ code but those of the
  // getters below can be returned; the message names the key or tensor.
  static Status parse(std::span<const uint8_t> file, GgufFile* result);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  uint64_t data_offset() const { return data_offset_; }  // where tensor data starts, from the start of the file

  // Whether the tensors' data are there, and not only their places.
  bool has_data() const { return has_data_; }
  void forget_data() { has_data_ = false; }

  // Takes over the tensors of the model's next file, which has to outlive this object too. GGUF_DUPLICATE_NAME,
  // GGUF_LIMIT_EXCEEDED.
  Status append_part(GgufFile part, uint32_t number);

  const std::vector<GgufKey>& keys() const { return keys_; }           // in the order of their names
  const std::vector<GgufTensor>& tensors() const { return tensors_; }  // in the order of their names

  const GgufKey* find_key(std::string_view name) const;        // null when missing
  const GgufTensor* find_tensor(std::string_view name) const;  // null when missing
  // GGUF_TENSOR_MISSING with the name.
  Status require_tensor(std::string_view name, const GgufTensor** tensor) const;

  // Values by key. T is one of
  //   bool
  //   uint32_t, int32_t, uint64_t, int64_t     from any integer type that holds the value: writers differ
  //   float                                    from FLOAT32 or FLOAT64; finite
  //   std::string_view                         UTF-8, a view into the file (else GGUF_BAD_STRING)
  //   std::vector of uint32_t, int32_t, float  a copy of an array, with the rules above, but floats may be infinite or
  //                                            NaN, and uint32_t may be 0 or 1 from BOOL
  //   std::vector<std::string_view>            views into the file, any bytes: tokens may be parts of characters
  // Another type, or a value out of T's range, is GGUF_KEY_BAD_VALUE.

  // A missing key is GGUF_KEY_MISSING.
  template <typename T>
  Status require(std::string_view key, T* value) const;
  // A missing key leaves `value` as it is, which is how a default is given.
  template <typename T>
  Status optional(std::string_view key, T* value) const;
  // A missing key leaves `value` empty.
  template <typename T>
  Status optional(std::string_view key, std::optional<T>* value) const {
    value->reset();
    if (find_key(key) == nullptr) return {};
    T read{};
    HEARTH_RETURN_IF_ERROR(require(key, &read));
    *value = read;
    return {};
  }

 private:
  friend class GgufParser;

  uint32_t version_ = 0;
  uint64_t alignment_ = 32;  // the format's default
  uint64_t data_offset_ = 0;
  std::vector<GgufKey> keys_;
  std::vector<GgufTensor> tensors_;
  bool has_data_ = true;
};

}  // namespace hearth
