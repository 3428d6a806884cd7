#include "engine/memory_division.h"

#include <algorithm>

namespace hearth {
namespace {

// Streaming less than this would not be worth its ring and its threads.
constexpr uint64_t kLeastStreamedModel = uint64_t{64} << 20;
// A KV cache is given one part in so many of the budget, however large it may become: it is touched as conversations
// grow, and few boards see all of it used.
constexpr uint64_t kShareOfKv = 3;
constexpr size_t kLeastForcedTileBytes = 4096;

}  // namespace

std::optional<ResidencyOptions> divide_memory(bool has_experts, const EngineOptions& options, const MemoryNeeds& needs,
                                              std::span<const Matrix> matrices, const MemoryBudget& budget) {
  if (has_experts) return std::nullopt;
  uint64_t weights = 0;
  for (const Matrix& m : matrices) weights += uint64_t{m.rows} * m.row_bytes;
  if (options.kept_share >= 0) {
    const auto kept = static_cast<uint64_t>(static_cast<double>(options.kept_share) * static_cast<double>(weights));
    return ResidencyOptions{
        .weight_bytes = 0, .kept_bytes = kept, .least_tile_bytes = kLeastForcedTileBytes, .keep = {}};
  }
  const uint64_t kv = std::min(needs.kv_bytes, budget.bytes / kShareOfKv);
  const uint64_t others = kv + needs.scratch_bytes;
  const uint64_t left = budget.bytes > others ? budget.bytes - others : 0;
  if (weights <= left || weights < kLeastStreamedModel) return std::nullopt;
  // Locked pages are those of an owner who said how much this process may have. Else the kernel takes some of them when
  // another program wants memory at once, and they are read again; were they locked, it would end a program.
  const bool is_configured = options.memory_budget > 0;
  const KeepOptions keep{.lock = is_configured, .spare = [] { return memory_budget(0).bytes; }};
  return ResidencyOptions{.weight_bytes = left, .kept_bytes = {}, .keep = keep};
}

}  // namespace hearth
