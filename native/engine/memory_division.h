// How an engine divides the memory that there is: among its KV cache, activations, and the weights, of which what does
// not fit is streamed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "include/engine.h"
#include "memory/budget.h"
#include "memory/residency.h"
#include "model/tensor.h"

namespace hearth {

struct MemoryNeeds {
  uint64_t kv_bytes = 0;       // cache, windows, states, and room for prefixes
  uint64_t scratch_bytes = 0;  // activations and logits
};

// The bytes that the weights of a pass and the ring may take together; none when all of them fit, or when the model has
// experts, which are read where they are mapped. `matrices`: those of a pass.
std::optional<ResidencyOptions> divide_memory(bool has_experts, const EngineOptions& options, const MemoryNeeds& needs,
                                              std::span<const Matrix> matrices, const MemoryBudget& budget);

}  // namespace hearth
