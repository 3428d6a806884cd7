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
// Another program may want so much memory before anybody can look: what kept weights leave unlocked.
constexpr uint64_t kLeastUnlocked = uint64_t{128} << 20, kMostUnlocked = uint64_t{1} << 30;

}  // namespace

uint64_t most_kv_bytes(const MemoryBudget& budget) { return budget.bytes / kShareOfKv; }

std::optional<ResidencyOptions> divide_memory(const EngineOptions& options, const MemoryNeeds& needs,
                                              const WeightBytes& weights, const MemoryBudget& budget) {
  if (options.kept_share >= 0) {
    const auto share = [&](uint64_t bytes) {
      return static_cast<uint64_t>(static_cast<double>(options.kept_share) * static_cast<double>(bytes));
    };
    return ResidencyOptions{.weight_bytes = 0,
                            .kept_bytes = share(weights.dense),
                            .kept_expert_bytes = share(weights.experts),
                            .least_tile_bytes = kLeastForcedTileBytes,
                            .keep = {}};
  }
  const uint64_t kv = std::min(needs.kv_bytes, most_kv_bytes(budget));
  const uint64_t others = kv + needs.scratch_bytes;
  const uint64_t left = budget.bytes > others ? budget.bytes - others : 0;
  if (weights.all() <= left || weights.all() < kLeastStreamedModel) return std::nullopt;
  return residency_options(options, left);
}

ResidencyOptions residency_options(const EngineOptions& options, uint64_t weight_bytes) {
  // Locked pages are those of an owner who said how much this process may have, and not all: the kernel takes some of
  // the others when another program wants memory at once, and they are read again; were all locked, it would end one.
  const uint64_t unlocked = std::clamp(weight_bytes / 3, kLeastUnlocked, kMostUnlocked);
  const uint64_t lock_bytes = options.memory_budget > 0 && weight_bytes > unlocked ? weight_bytes - unlocked : 0;
  return {.weight_bytes = weight_bytes,
          .kept_bytes = {},
          .kept_expert_bytes = {},
          .keep = {.lock_bytes = lock_bytes, .spare = [] { return memory_budget(0).bytes; }}};
}

}  // namespace hearth
