// Recurrent states: a fixed number of slots, each the state of all layers after some tokens of a sequence. A state that
// was computed never changes - a step reads one slot and writes another - so that sequences and checkpoints share them
// by counting references.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "include/status.h"
#include "kv/shape.h"
#include "memory/arena.h"

namespace hearth::kv {

inline constexpr int32_t kNoState = -1;  // before the first token: zeros

struct StateAfter {
  int32_t n_tokens;
  int32_t slot;
};

class States {
 public:
  // Reserves address space; memory is used as slots are first written.
  static Status create(const Shape& shape, int32_t n_slots, States* states);

  // False for models without recurrent layers, which take no slots.
  bool used() const { return floats_ > 0; }
  // A slot with one reference, or kNoState when all are taken.
  int32_t take();
  void share(int32_t slot) {
    if (slot != kNoState) ++references_[slot];
  }
  void release(int32_t slot) {
    if (slot != kNoState && --references_[slot] == 0) free_.push_back(slot);
  }
  // [state_floats of the layer]; null for kNoState.
  float* layer(int32_t slot, size_t il) const {
    return slot == kNoState ? nullptr : base_ + slot * floats_ + offsets_[il];
  }
  size_t bytes_of_slot() const { return floats_ * sizeof(float); }
  // All of a slot, for snapshots.
  std::span<std::byte> bytes(int32_t slot) const {
    return std::as_writable_bytes(std::span(base_ + slot * floats_, floats_));
  }

 private:
  Arena arena_;
  float* base_ = nullptr;
  size_t floats_ = 0;            // of a slot
  std::vector<size_t> offsets_;  // [n_layer]
  std::vector<int32_t> references_, free_;
};

}  // namespace hearth::kv
