#include "kv/states.h"

namespace hearth::kv {

Status States::create(const Shape& shape, int32_t n_slots, States* states) {
  for (const LayerShape& layer : shape.layers) {
    states->offsets_.push_back(states->floats_);
    states->floats_ += layer.state_floats;
  }
  if (!states->used()) return {};
  const size_t floats = states->floats_ * n_slots;
  HEARTH_RETURN_IF_ERROR(Arena::create(Arena::bytes_for<float>(floats), "the recurrent states", &states->arena_));
  HEARTH_RETURN_IF_ERROR(states->arena_.allocate(floats, &states->base_));
  states->references_.assign(n_slots, 0);
  for (int32_t slot = n_slots; slot-- > 0;) states->free_.push_back(slot);
  return {};
}

int32_t States::take() {
  if (free_.empty()) return kNoState;
  const int32_t slot = free_.back();
  free_.pop_back();
  references_[slot] = 1;
  return slot;
}

}  // namespace hearth::kv
