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
#include "engine/memory_division.h"
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

  // The memory at the start. What a pass multiplies with, in order: matrices, and experts of its layers.
  void measure(std::vector<Matrix> matrices, std::span<const Experts> experts);
  const MemoryBudget& budget() const { return budget_; }
  uint64_t bytes() const { return bytes_.all(); }  // that a pass may read
  // Whether an engine with these needs has to stream.
  bool has_to_stream(const MemoryNeeds& needs) const { return divide(needs).has_value(); }
  // Chooses the weights' places by what the engine needs beside them. OUT_OF_MEMORY.
  Status create(const MemoryNeeds& needs);

  // The methods below, but for the last two, are for when no pass runs.

  // Does what Engine::fit_weights() says.
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
  std::optional<ResidencyOptions> divide(const MemoryNeeds& needs) const {
    return divide_memory(options_, needs, bytes_, budget_);
  }
  Status reside(std::optional<ResidencyOptions> options);
  std::optional<ResidencyCounts> counts() const;
  void measure_experts(std::span<const Experts> experts);

  const std::shared_ptr<const LoadedModel> model_;
  const EngineOptions& options_;
  MemoryBudget budget_;
  std::vector<Matrix> matrices_;
  ResidentExperts experts_;
  std::string counts_path_;  // empty: they are not kept
  uint64_t counts_key_ = 0;
  WeightBytes bytes_;
  uint64_t generation_ = 0;                 // of the files, before the pass
  std::optional<ResidencyOptions> chosen_;  // for residency_
  std::atomic<uint64_t> held_{0};           // what weights and ring may take
  mutable std::mutex mutex_;                // of the two below, which others report on
  std::shared_ptr<Residency> residency_;    // null: all weights are where they are mapped
  StreamCounts read_before_;                // by the residencies before this one
};

}  // namespace hearth
