// Names of GGUF's tensor types and the sizes of their blocks, also of types that no kernel supports
// yet, so that any file can be read and sized. Knows nothing of what the blocks mean; base/blocks.h does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/blocks.h"

namespace hearth {

struct TypeTraits {
  const char* name;         // as GGUF tools print it: "Q4_0", "Q4_K", "BF16"
  uint32_t block_elements;  // weights in a block; a row holds whole blocks
  uint32_t block_bytes;
};

// Null for ids that GGUF does not define, or no longer does.
const TypeTraits* type_traits(uint32_t id);

// "Q4_0"; "?" for an id that GGUF does not define.
const char* type_name(uint32_t id);

// Finds a type by its name in any case ("q4_k"). False when there is none.
bool find_type(std::string_view name, HearthType* type);

// Bytes of a row of `n_elements`. False when they are no whole number of blocks, or the bytes overflow.
bool row_size(HearthType type, uint64_t n_elements, uint64_t* bytes);

}  // namespace hearth
