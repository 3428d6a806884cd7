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

}  // namespace

ResidencyLayout lay_out(std::span<const MappedMatrix> matrices, const ResidencyOptions& options) {
  uint64_t bytes = 0;
  for (const MappedMatrix& m : matrices) bytes += m.bytes();
  const size_t tile_bytes = std::clamp<size_t>(bytes / kTilesOfModel, options.least_tile_bytes,
                                               std::max(options.least_tile_bytes, kMostTileBytes));
  ResidencyLayout layout{.tiles = Tiles(matrices, tile_bytes)};
  const size_t slot_bytes = MappedFile::direct_bytes(layout.tiles.most_bytes());
  layout.slots = std::clamp<size_t>(options.weight_bytes / kShareOfRing / slot_bytes, kLeastSlots, kMostSlots);
  layout.ring_bytes = layout.slots * slot_bytes;
  const uint64_t beside_ring = options.weight_bytes > layout.ring_bytes ? options.weight_bytes - layout.ring_bytes : 0;
  layout.tiles.keep_at_most(options.kept_bytes.value_or(beside_ring));
  return layout;
}

Status Residency::create(const ModelParts& parts, std::span<const MappedMatrix> matrices,
                         const ResidencyOptions& options, std::unique_ptr<Residency>* result) {
  ResidencyLayout layout = lay_out(matrices, options);
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
    const MappedFile& file = parts.file_of(tile.data);
    streamed.push_back({&file, static_cast<size_t>(tile.data - file.bytes().data()), tile.bytes});
  }
  // A page that is touched must not bring in its neighbours, which may be streamed ones.
  residency->advise(MADV_NOHUGEPAGE);
  residency->advise(MADV_RANDOM);
  for (const TileSource& source : streamed) source.file->drop_cached(source.offset, source.bytes);
  residency->slots_ = stream.slots;
  residency->kept_ = KeptPages::create(std::move(kept), options.keep);
  if (!streamed.empty()) {
    HEARTH_RETURN_IF_ERROR(TileStream::create(std::move(streamed), stream, &residency->stream_));
  }
  *result = std::move(residency);
  return {};
}

Residency::~Residency() { advise(MADV_NORMAL); }

void Residency::advise(int advice) const {
  for (const auto& file : parts_.files()) {
    if (!file->bytes().empty()) madvise(const_cast<uint8_t*>(file->bytes().data()), file->bytes().size(), advice);
  }
}

void Residency::begin_pass() {
  next_ = 0;
  release();
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
  return counts;
}

}  // namespace hearth
