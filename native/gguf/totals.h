// Totals of a file's tensors.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/gguf.h"

namespace hearth {

struct TensorTotals {
  uint64_t n_elements = 0;
  uint64_t bytes = 0;
  std::string main_type;  // the type that holds most bytes, "Q4_0"; empty without tensors
};

TensorTotals total_tensors(const GgufFile& file);

// Whether a tensor holds the matrices of a layer's experts, of which a token uses some.
bool is_of_experts(const GgufTensor& tensor);

}  // namespace hearth
