// The places of an engine's weights: all of them mapped, or a part kept and the rest streamed, as memory allows at the
// moment. Maps the file again after a reading that failed. Knows nothing of steps and sequences.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/memory_layout.h"
#include "include/engine.h"
#include "memory/budget.h"
#include "memory/residency.h"
#include "model/pass.h"
#include "model/tensor.h"

namespace hearth {

class ResidentWeights {
 public:
  // `options` are those of the engine, and outlive this.
  ResidentWeights(std::shared_ptr<const LoadedModel> model, const EngineOptions& options)
      : model_(std::move(model)), options_(options) {}

  ~ResidentWeights();  // keeps the counts of experts

  // Puts the weights where `layout` says, which `budget` led to. OUT_OF_MEMORY.
  Status create(const MemoryLayout& layout, const MemoryBudget& budget);

  // The methods below, but for the last two, are for when no pass runs.

  // Does what Engine::fit_weights() says, and takes as long.
  Status fit(uint64_t bytes);
  // Before a pass: FILE_CHANGED and the like where the file is no longer what was loaded. Otherwise the weights can be
  // asked for, also after a fault.
  Status prepare();
  // After a pass: whether all that it read was the file's.
  Status check() const;
  Residency* residency() const { return residency_.get(); }

  std::optional<WeightResidency> report() const;
  // Tells what Engine::memory() says.
  EngineMemory memory() const;

 private:
  Status reside(std::optional<ResidencyOptions> options);
  std::optional<ResidencyCounts> counts() const;
  void measure_experts(std::span<const Experts> experts);

  const std::shared_ptr<const LoadedModel> model_;
  const EngineOptions& options_;
  MemoryBudget budget_;
  std::vector<MappedMatrix> matrices_;
  ResidentExperts experts_;
  std::string counts_path_;  // empty: they are not kept
  uint64_t counts_key_ = 0;
  WeightBytes bytes_;
  uint64_t generation_ = 0;                 // of the files, before the pass
  std::optional<ResidencyOptions> chosen_;  // for residency_
  std::atomic<uint64_t> held_{0};           // what weights and ring may take
  mutable std::mutex mutex_;                // of the two below, which others report on; held for moments
  std::unique_ptr<Residency> residency_;    // null: all weights are where they are mapped
  StreamCounts read_before_;                // by the residencies before this one
};

}  // namespace hearth
