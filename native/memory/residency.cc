#include "memory/residency.h"

#include <sys/mman.h>

#include <algorithm>

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

}  // namespace

ResidencyLayout lay_out(std::span<const MappedMatrix> matrices, const ResidencyOptions& options) {
  uint64_t bytes = 0;
  for (const MappedMatrix& m : matrices) bytes += m.bytes();
  const size_t tile_bytes = std::clamp<size_t>(bytes / kTilesOfModel, options.least_tile_bytes,
                                               std::max(options.least_tile_bytes, kMostTileBytes));
  ResidencyLayout layout{.tiles = Tiles(matrices, tile_bytes)};
  const size_t slot_bytes = MappedFile::direct_bytes(layout.tiles.most_bytes());
  layout.slots = std::clamp<size_t>(options.weight_bytes / kShareOfRing / slot_bytes, kLeastSlots, kMostSlots);
  layout.ring_bytes = bytes <= options.weight_bytes ? 0 : layout.slots * slot_bytes;
  const uint64_t beside_ring = options.weight_bytes > layout.ring_bytes ? options.weight_bytes - layout.ring_bytes : 0;
  layout.tiles.keep_at_most(options.kept_bytes.value_or(beside_ring));
  return layout;
}

namespace {

// The largest part of an expert.
size_t most_part_bytes(const ResidentExperts& experts) {
  size_t most = 0;
  for (const MappedExperts& layer : experts.layers) {
    for (const MappedExperts::Part& part : layer.parts) most = std::max(most, part.bytes);
  }
  return most;
}

uint64_t expert_ring_bytes(const ResidentExperts& experts, const ExpertOptions& options) {
  return experts.layers.empty() ? 0 : options.slots * MappedFile::direct_bytes(most_part_bytes(experts));
}

// Every token uses the other matrices, which are of `dense_bytes`: experts get what these leave.
ExpertOptions options_of(const ResidentExperts& experts, uint64_t dense_bytes, const ResidencyOptions& options) {
  ExpertOptions of;
  of.n_used = experts.n_used;
  if (experts.layers.empty()) return of;
  const size_t slot_bytes = MappedFile::direct_bytes(most_part_bytes(experts));
  const size_t wanted = std::max<size_t>(kLeastSlots, kLayersInRing * kExpertParts * experts.n_used);
  of.slots = std::clamp<size_t>(options.weight_bytes / kShareOfExpertRing / slot_bytes, kLeastSlots, wanted);
  const uint64_t others = dense_bytes + of.slots * slot_bytes;
  of.kept_bytes = options.kept_expert_bytes.value_or(options.weight_bytes - std::min(options.weight_bytes, others));
  return of;
}

}  // namespace

Status Residency::create(const ModelParts& parts, std::span<const MappedMatrix> matrices, ResidentExperts experts,
                         const ResidencyOptions& options, std::unique_ptr<Residency>* result) {
  uint64_t dense_bytes = 0;
  for (const MappedMatrix& m : matrices) dense_bytes += m.bytes();
  const ExpertOptions expert_options = options_of(experts, dense_bytes, options);
  const uint64_t of_experts = expert_options.kept_bytes + expert_ring_bytes(experts, expert_options);
  ResidencyOptions dense = options;
  dense.weight_bytes -= std::min(options.weight_bytes, of_experts);
  ResidencyLayout layout = lay_out(matrices, dense);
  StreamOptions stream;
  stream.slots = layout.slots;
  std::unique_ptr<Residency> residency(new Residency(parts, std::move(layout.tiles)));
  std::vector<std::span<const uint8_t>> kept;
  std::vector<TileSource> streamed;
  for (const Tile& tile : residency->tiles_.all()) {
    residency->place_.push_back(tile.kept ? kept.size() : streamed.size());
    if (tile.kept) {
      kept.push_back({tile.data, tile.bytes});
      continue;
    }
    auto file = parts.file_of(tile.data);
    const auto offset = static_cast<size_t>(tile.data - file->bytes().data());
    streamed.push_back({std::move(file), offset, tile.bytes});
  }
  // A page that is touched must not bring in its neighbours, which may be streamed ones.
  residency->advise(MADV_NOHUGEPAGE);
  residency->advise(MADV_RANDOM);
  for (const TileSource& source : streamed) source.file->drop_cached(source.offset, source.bytes);
  residency->slots_ = stream.slots;
  residency->kept_ = KeptPages::create(parts.files(), std::move(kept), options.keep);
  if (!streamed.empty()) {
    HEARTH_RETURN_IF_ERROR(TileStream::create(std::move(streamed), stream, &residency->stream_));
  }
  if (!experts.layers.empty()) {
    HEARTH_RETURN_IF_ERROR(ExpertWeights::create(std::move(experts.layers), std::move(experts.counts), expert_options,
                                                 &residency->experts_));
  }
  *result = std::move(residency);
  return {};
}

Residency::~Residency() {
  if (experts_ != nullptr) experts_->close();
  if (stream_ != nullptr) stream_->close();
  if (kept_ != nullptr) kept_->close();
  advise(MADV_NORMAL);
}

void Residency::advise(int advice) const {
  for (const auto& file : parts_.files()) {
    if (!file->bytes().empty()) madvise(const_cast<uint8_t*>(file->bytes().data()), file->bytes().size(), advice);
  }
}

void Residency::begin_pass() {
  next_ = 0;
  release();
  if (experts_ != nullptr) experts_->begin_pass();
}

Status Residency::wait_kept(size_t tile, const std::atomic<bool>& stop) {
  next_ = tile + 1;
  if (kept_->wait(place_[tile], stop)) return {};
  return {Code::STOPPED, "The step was stopped."};
}

Status Residency::take(size_t tile, const std::atomic<bool>& stop, const uint8_t** data) {
  HEARTH_RETURN_IF_ERROR(stream_->take(place_[tile], stop, data));
  next_ = tile + 1;
  ++held_;
  return {};
}

const uint8_t* Residency::take_ready(size_t tile) {
  if (held_ >= slots_ / 2) return nullptr;
  const uint8_t* data = stream_->take_ready(place_[tile]);
  if (data == nullptr) return nullptr;
  next_ = tile + 1;
  ++held_;
  return data;
}

void Residency::release() {
  held_ = 0;
  if (stream_ != nullptr) stream_->release();
}

ResidencyCounts Residency::counts() const {
  ResidencyCounts counts{.kept_bytes = tiles_.kept_bytes(),
                         .locked_bytes = kept_->locked_bytes(),
                         .resident_bytes = kept_->resident_bytes(),
                         .streamed_bytes = tiles_.streamed_bytes(),
                         .ring_bytes = 0,
                         .stream = {}};
  if (stream_ != nullptr) {
    counts.ring_bytes = stream_->ring_bytes();
    counts.stream = stream_->counts();
  }
  if (experts_ != nullptr) {
    const ExpertWeightCounts of = experts_->counts();
    counts.kept_bytes += of.kept_bytes;
    counts.resident_bytes += of.kept_bytes;
    counts.streamed_bytes += of.streamed_bytes;
    counts.ring_bytes += experts_->ring_bytes();
    counts.stream += of.stream;
  }
  return counts;
}

}  // namespace hearth
