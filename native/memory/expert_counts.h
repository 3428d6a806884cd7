// How often each expert of each layer was chosen, the uses of long ago counting less. Kept in a file from run to run.
// Knows numbers only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "include/status.h"

namespace hearth {

class ExpertCounts {
 public:
  ExpertCounts() = default;
  ExpertCounts(size_t n_layers, size_t n_experts)
      : n_experts_(n_experts), counts_(n_layers * n_experts), totals_(n_layers) {}

  size_t layers() const { return totals_.size(); }
  size_t experts() const { return n_experts_; }
  uint32_t of(size_t layer, size_t expert) const { return counts_[layer * n_experts_ + expert]; }
  uint64_t total(size_t layer) const { return totals_[layer]; }
  // `uses` by rows of a batch. When a layer has seen enough, all of its counts are halved.
  void add(size_t layer, size_t expert, uint32_t uses);
  uint32_t halvings() const { return halvings_; }  // so far, of any layer: between two of them counts only grow
  bool changed() const { return changed_; }        // since load() or save()

  // Reads what save() wrote for the model of this `key`; anything else leaves the counts as they are. False then.
  bool load(const std::string& path, uint64_t key);
  // The file appears when it is complete. FILE_WRITE_FAILED.
  Status save(const std::string& path, uint64_t key);

 private:
  size_t n_experts_ = 0;
  std::vector<uint32_t> counts_;  // [layers, experts]
  std::vector<uint64_t> totals_;  // [layers]
  uint32_t halvings_ = 0;
  bool changed_ = false;
};

}  // namespace hearth
