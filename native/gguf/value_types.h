// The value types of GGUF keys, for the reader's own files.
#pragma once

#include <cstdint>

#include "gguf/gguf.h"

namespace hearth {

inline constexpr uint32_t kGgufTypeCount = 13;

// Bytes of a value, 0 for STRING and ARRAY, whose sizes stand in the file.
inline constexpr uint64_t fixed_size(GgufType type) {
  switch (type) {
    case GgufType::UINT8:
    case GgufType::INT8:
    case GgufType::BOOL:
      return 1;
    case GgufType::UINT16:
    case GgufType::INT16:
      return 2;
    case GgufType::UINT32:
    case GgufType::INT32:
    case GgufType::FLOAT32:
      return 4;
    case GgufType::UINT64:
    case GgufType::INT64:
    case GgufType::FLOAT64:
      return 8;
    case GgufType::STRING:
    case GgufType::ARRAY:
      return 0;
  }
  return 0;
}

// The fewest bytes that a value takes: a string has its length, an array its type and its length.
inline constexpr uint64_t minimum_size(GgufType type) {
  if (type == GgufType::STRING) return 8;
  if (type == GgufType::ARRAY) return 12;
  return fixed_size(type);
}

inline constexpr const char* value_type_name(GgufType type) {
  constexpr const char* kNames[kGgufTypeCount] = {"UINT8", "INT8",   "UINT16", "INT16",  "UINT32", "INT32",  "FLOAT32",
                                                  "BOOL",  "STRING", "ARRAY",  "UINT64", "INT64",  "FLOAT64"};
  return static_cast<uint32_t>(type) < kGgufTypeCount ? kNames[static_cast<uint32_t>(type)] : "?";
}

}  // namespace hearth
