#include "kv/shape.h"

#include <algorithm>

namespace hearth::kv {
namespace {

uint64_t token_bytes(const LayerShape& layer) {
  return uint64_t{2} * sizeof(uint16_t) * layer.n_kv_head * layer.head_dim;
}

}  // namespace

int32_t Shape::window() const {
  int32_t widest = 0;
  for (const LayerShape& layer : layers) widest = std::max(widest, layer.window);
  return widest;
}

size_t Shape::state_floats() const {
  size_t sum = 0;
  for (const LayerShape& layer : layers) sum += layer.state_floats;
  return sum;
}

uint64_t Shape::bytes_per_token() const {
  uint64_t sum = 0;
  for (const LayerShape& layer : layers) sum += layer.window == 0 ? token_bytes(layer) : 0;
  return sum;
}

uint64_t Shape::bytes_per_sequence() const {
  uint64_t sum = state_floats() * sizeof(float);
  for (const LayerShape& layer : layers) sum += layer.window * token_bytes(layer);
  return sum;
}

std::string Shape::describe() const {
  std::string text = "f16, " + std::to_string(kBlockTokens) + " tokens a block";
  for (const LayerShape& layer : layers) {
    text += "; " + std::to_string(layer.n_kv_head) + " x " + std::to_string(layer.head_dim) + ", window " +
            std::to_string(layer.window) + ", state " + std::to_string(layer.state_floats);
  }
  return text;
}

}  // namespace hearth::kv
