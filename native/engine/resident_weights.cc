#include "engine/resident_weights.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/hash64.h"
#include "base/text.h"

namespace hearth {

ResidentWeights::~ResidentWeights() {
  residency_.reset();
  // Counts that cannot be written are made anew by the next run.
  if (counts_path_.empty() || !experts_.counts->changed()) return;
  mkdir(options_.counts_folder.c_str(), 0700);
  (void)experts_.counts->save(counts_path_, counts_key_);
}

void ResidentWeights::measure_experts(std::span<const Experts> experts) {
  const ModelParts& parts = model_->parts();
  for (const Experts& e : experts) {
    MappedExperts& layer = experts_.layers.emplace_back();
    const Matrix* const matrices[kExpertParts] = {&e.gates, &e.ups, &e.downs};
    for (int part = 0; part < kExpertParts; ++part) {
      const Matrix& m = *matrices[part];
      auto file = parts.file_of(m.data);
      const auto offset = static_cast<size_t>(m.data - file->bytes().data());
      layer.parts[part] = {std::move(file), offset, m.rows / e.n_expert * m.row_bytes};
    }
  }
  experts_.n_used = experts[0].n_used;
  experts_.counts = std::make_shared<ExpertCounts>(experts.size(), experts[0].n_expert);
  if (options_.counts_folder.empty()) return;
  counts_key_ = hash64(std::as_bytes(parts.header_bytes()), parts.bytes());
  char name[32];
  std::snprintf(name, sizeof name, "/%016llx.experts", static_cast<unsigned long long>(counts_key_));
  counts_path_ = options_.counts_folder + name;
  experts_.counts->load(counts_path_, counts_key_);
}

Status ResidentWeights::create(const MemoryLayout& layout, const MemoryBudget& budget) {
  budget_ = budget;
  bytes_ = layout.weights;
  matrices_ = mapped_matrices(layout.pass.matrices);
  if (!layout.pass.experts.empty()) measure_experts(layout.pass.experts);
  return reside(layout.residency);
}

// To make a residency, or to end one, may take as long as its storage does: who reports on it never waits for that.
Status ResidentWeights::reside(std::optional<ResidencyOptions> options) {
  std::unique_ptr<Residency> old;
  {
    const std::lock_guard lock(mutex_);
    old = std::move(residency_);
    if (old != nullptr) read_before_ += old->counts().stream;
  }
  // The old one goes first: the new one takes its memory, and gives the same mapping other advice.
  old.reset();
  chosen_ = options;
  generation_ = model_->parts().generation();
  held_ = options ? std::min(options->weight_bytes, bytes_.all()) : bytes_.all();
  if (!options) return {};
  std::unique_ptr<Residency> residency;
  HEARTH_RETURN_IF_ERROR(Residency::create(model_->parts(), matrices_, experts_, *options, &residency));
  const std::lock_guard lock(mutex_);
  residency_ = std::move(residency);
  return {};
}

Status ResidentWeights::fit(uint64_t bytes) {
  if (options_.kept_share >= 0) return {};  // forced
  const bool fits = bytes >= bytes_.all();
  if (fits && !chosen_) return {};
  return reside(fits ? std::nullopt : std::optional(residency_options(options_, bytes)));
}

Status ResidentWeights::prepare() {
  const ModelParts& parts = model_->parts();
  HEARTH_RETURN_IF_ERROR(parts.restore());
  // A new mapping has none of the old one's locks and advice; and one that could not be made for want of memory is
  // tried again.
  const bool is_missing = chosen_ && residency_ == nullptr;
  if (parts.generation() != generation_ || is_missing) HEARTH_RETURN_IF_ERROR(reside(chosen_));
  return parts.health();
}

Status ResidentWeights::check() const {
  HEARTH_RETURN_IF_ERROR(model_->health());
  if (model_->parts().generation() == generation_) return {};
  return {Code::FILE_READ_FAILED,
          "A part of " + quoted_path(model_->parts().path()) + " could not be read for a moment."};
}

std::optional<ResidencyCounts> ResidentWeights::counts() const {
  const std::lock_guard lock(mutex_);  // so that it is there until it is counted
  if (residency_ == nullptr) return std::nullopt;
  ResidencyCounts counts = residency_->counts();
  counts.stream += read_before_;
  return counts;
}

std::optional<WeightResidency> ResidentWeights::report() const {
  const std::optional<ResidencyCounts> now = counts();
  if (!now) return std::nullopt;
  return WeightResidency{.kept_bytes = now->kept_bytes,
                         .locked_bytes = now->locked_bytes,
                         .resident_bytes = now->resident_bytes,
                         .streamed_bytes = now->streamed_bytes,
                         .ring_bytes = now->ring_bytes,
                         .budget_bytes = budget_.bytes,
                         .limit = budget_.limit,
                         .read_bytes = now->stream.bytes_read,
                         .reading_ms = now->stream.reading_ms,
                         .waited_ms = now->stream.waited_ms};
}

EngineMemory ResidentWeights::memory() const {
  const std::optional<ResidencyCounts> now = counts();
  const uint64_t ring = now ? now->ring_bytes : 0, locked = now ? now->locked_bytes : 0;
  // The system counts as free what it can take: pages of files that nobody has locked, among them kept weights.
  const MemoryBudget system = memory_budget(0);
  uint64_t affordable = system.bytes + std::min(UINT64_MAX - system.bytes, locked + ring);
  if (options_.memory_budget > 0) affordable = std::min(affordable, memory_budget(options_.memory_budget).bytes + ring);
  return {.weights = bytes_.all(),
          .held = held_,
          .affordable = affordable - std::min(affordable, system.missing),
          .stalled_percent = stalled_percent().value_or(-1)};
}

}  // namespace hearth
