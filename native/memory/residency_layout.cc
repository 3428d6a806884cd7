#include "memory/residency_layout.h"

#include <algorithm>

#include "memory/direct_file.h"

namespace hearth {
namespace {

// Tiles are a thousandth of the weights: small enough to be spread, large enough for any storage to read at full speed.
constexpr uint64_t kTilesOfModel = 1024;
constexpr size_t kMostTileBytes = size_t{4} << 20;
// The ring bridges what a pass computes without streamed weights, such as attention, and the time between two passes.
constexpr size_t kMostSlots = 12, kLeastSlots = 4;
constexpr uint64_t kShareOfRing = 32;  // of the memory for weights, at most one part in so many
// The ring for experts has room for what two layers choose for a token: the one that computes, and the next.
constexpr uint64_t kShareOfExpertRing = 8;
constexpr size_t kLayersInRing = 2;

uint64_t bytes_of(std::span<const MappedMatrix> matrices) {
  uint64_t bytes = 0;
  for (const MappedMatrix& m : matrices) bytes += m.bytes();
  return bytes;
}

size_t most_part_bytes(const ExpertSizes& experts) {
  size_t most = 0;
  for (const auto& parts : experts.layers) most = std::max(most, std::ranges::max(parts));
  return most;
}

ExpertLayout lay_out_experts(const ExpertSizes& experts, uint64_t dense_bytes, const ResidencyOptions& options) {
  ExpertLayout layout;
  if (experts.layers.empty()) return layout;
  const size_t slot_bytes = DirectFile::direct_bytes(most_part_bytes(experts));
  const size_t wanted = std::max<size_t>(kLeastSlots, kLayersInRing * kExpertParts * experts.n_used);
  layout.slots = std::clamp<size_t>(options.weight_bytes / kShareOfExpertRing / slot_bytes, kLeastSlots, wanted);
  layout.ring_bytes = layout.slots * slot_bytes;
  const uint64_t others = dense_bytes + layout.ring_bytes;
  layout.may_keep = options.kept_expert_bytes.value_or(options.weight_bytes - std::min(options.weight_bytes, others));
  for (const auto& parts : experts.layers) {
    const uint64_t bytes = uint64_t{parts[kGate]} + parts[kUp] + parts[kDown];
    const uint64_t n_kept = std::min<uint64_t>(experts.n_expert, (layout.may_keep - layout.kept_bytes) / bytes);
    layout.kept_bytes += n_kept * bytes;
    layout.streamed_bytes += (experts.n_expert - n_kept) * bytes;
  }
  return layout;
}

}  // namespace

ResidencyLayout lay_out(std::span<const MappedMatrix> matrices, const ExpertSizes& experts,
                        const ResidencyOptions& options) {
  const uint64_t bytes = bytes_of(matrices);
  ResidencyLayout layout;
  layout.experts = lay_out_experts(experts, bytes, options);
  const uint64_t weight_bytes =
      options.weight_bytes - std::min(options.weight_bytes, layout.experts.may_keep + layout.experts.ring_bytes);
  const size_t tile_bytes = std::clamp<size_t>(bytes / kTilesOfModel, options.least_tile_bytes,
                                               std::max(options.least_tile_bytes, kMostTileBytes));
  layout.tiles = Tiles(matrices, tile_bytes);
  const size_t slot_bytes = DirectFile::direct_bytes(layout.tiles.most_bytes());
  layout.slots = std::clamp<size_t>(weight_bytes / kShareOfRing / slot_bytes, kLeastSlots, kMostSlots);
  const uint64_t ring_bytes = bytes <= weight_bytes ? 0 : layout.slots * slot_bytes;
  layout.tiles.keep_at_most(options.kept_bytes.value_or(weight_bytes - std::min(weight_bytes, ring_bytes)));
  layout.ring_bytes = layout.tiles.streamed_bytes() > 0 ? layout.slots * slot_bytes : 0;
  return layout;
}

}  // namespace hearth
