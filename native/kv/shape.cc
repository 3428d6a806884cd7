#include "kv/shape.h"

#include <algorithm>

namespace hearth::kv {

int32_t Shape::unsuitable_head() const {
  if (type == Type::f16) return 0;
  for (const LayerShape& layer : layers) {
    if (layer.head_dim % kQ8Dims != 0) return layer.head_dim;
  }
  return 0;
}

size_t Shape::bytes(int32_t n_tokens, int32_t head_dim) const {
  const size_t n = static_cast<size_t>(n_tokens) * head_dim;
  return type == Type::f16 ? n * sizeof(uint16_t) : n + n / kQ8Dims * sizeof(float);
}

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
  std::string text = (type == Type::f16 ? "f16, " : "q8_0, ") + std::to_string(kBlockTokens) + " tokens a block";
  for (const LayerShape& layer : layers) {
    text += "; " + std::to_string(layer.n_kv_head) + " x " + std::to_string(layer.head_dim) + ", window " +
            std::to_string(layer.window) + ", state " + std::to_string(layer.state_floats);
  }
  return text;
}

}  // namespace hearth::kv
