// How an engine for a model would lie in memory, told from the model's header and the engine's options: the one place
// that adds up what it needs. Engines are made so, and plans say so. Reads no weights and takes no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/counting_pass.h"
#include "engine/memory_division.h"
#include "include/engine.h"
#include "kernels/matmul_plan.h"
#include "kv/block_cache.h"
#include "memory/budget.h"
#include "memory/residency_layout.h"
#include "memory/tiles.h"
#include "model/architecture.h"

namespace hearth {

struct MemoryLayout {
  EngineOptions options;                      // as they were, but for longer batches where weights are streamed
  CountedPass pass;                           // of the longest batch
  MemoryNeeds needs;                          // beside weights
  WeightBytes weights;                        // of the pass
  std::optional<ResidencyOptions> residency;  // none: all weights fit
};

// `options` are completed, and `shape` is of their KV cache.
MemoryLayout lay_out_memory(const Architecture& architecture, const EngineOptions& options, const kv::Shape& shape,
                            const MatmulWay& way, const MemoryBudget& budget);

// A KV cache of so many tokens and sequences, with windows and states. UINT64_MAX: more than anybody has.
uint64_t kv_cache_bytes(const kv::Shape& shape, uint64_t n_tokens, uint64_t n_sequences);

std::vector<MappedMatrix> mapped_matrices(const std::vector<Matrix>& matrices);
// The sizes of experts that need not be in a file.
ExpertSizes expert_sizes(const std::vector<Experts>& experts);

}  // namespace hearth
