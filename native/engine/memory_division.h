// How an engine divides the memory that there is: among its KV cache, activations, and the weights, of which what does
// not fit is streamed.
#pragma once

#include <cstdint>
#include <optional>

#include "include/engine.h"
#include "memory/budget.h"
#include "memory/residency.h"

namespace hearth {

struct MemoryNeeds {
  uint64_t kv_bytes = 0;       // cache, windows, states, and room for prefixes
  uint64_t scratch_bytes = 0;  // activations and logits
};

// The most bytes that a KV cache is counted with.
uint64_t most_kv_bytes(const MemoryBudget& budget);

struct WeightBytes {
  uint64_t dense = 0;    // of the matrices of a pass that every token uses
  uint64_t experts = 0;  // of all experts

  uint64_t all() const { return dense + experts; }
};

// The bytes that the weights of a pass and the ring may take together; none when all of them fit.
std::optional<ResidencyOptions> divide_memory(const EngineOptions& options, const MemoryNeeds& needs,
                                              const WeightBytes& weights, const MemoryBudget& budget);

// For weights and a ring that may take so many bytes together.
ResidencyOptions residency_options(const EngineOptions& options, uint64_t weight_bytes);

}  // namespace hearth
