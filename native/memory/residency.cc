#include "memory/residency.h"

#include <sys/mman.h>

#include <algorithm>

namespace hearth {

Status Residency::create(const ModelParts& parts, std::span<const MappedMatrix> matrices, ResidentExperts experts,
                         const ResidencyOptions& options, std::unique_ptr<Residency>* result) {
  ResidencyLayout layout = lay_out(matrices, experts.sizes(), options);
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
    const ExpertOptions of{
        .kept_bytes = layout.experts.may_keep, .n_used = experts.n_used, .slots = layout.experts.slots};
    HEARTH_RETURN_IF_ERROR(
        ExpertWeights::create(std::move(experts.layers), std::move(experts.counts), of, &residency->experts_));
  }
  *result = std::move(residency);
  return {};
}

ExpertSizes ResidentExperts::sizes() const {
  ExpertSizes sizes;
  for (const MappedExperts& layer : layers)
    sizes.layers.push_back({layer.parts[kGate].bytes, layer.parts[kUp].bytes, layer.parts[kDown].bytes});
  if (counts != nullptr) sizes.n_expert = counts->experts();
  sizes.n_used = n_used;
  return sizes;
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
