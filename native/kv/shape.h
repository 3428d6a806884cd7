// The shape of a model's KV cache and recurrent states, layer by layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::kv {

inline constexpr int32_t kBlockTokens = 32;

// How keys and values are kept.
enum class Type {
  f16,
  q8_0,  // 8 bits and a float32 scale for 32 dimensions of a token; heads are a multiple of that
};

inline constexpr int32_t kQ8Dims = 32;

struct LayerShape {
  int32_t n_kv_head = 0;    // 0: the layer has no keys and values of its own
  int32_t head_dim = 0;     // of keys and of values
  int32_t window = 0;       // tokens that its attention looks back at, the current one included; 0: all
  size_t state_floats = 0;  // recurrent state of a sequence
};

struct Shape {
  std::vector<LayerShape> layers;
  Type type = Type::f16;

  static Shape uniform(int32_t n_layer, int32_t n_kv_head, int32_t head_dim) {
    return {std::vector<LayerShape>(n_layer, {n_kv_head, head_dim}), Type::f16};
  }
  // The shape with keys and values of the type `as`.
  Shape with(Type as) const { return {layers, as}; }
  // A head whose size does not go into the type's blocks; 0: there is none.
  int32_t unsuitable_head() const;
  // Keys, or values, of one head for so many tokens.
  size_t bytes(int32_t n_tokens, int32_t head_dim) const;
  // The largest window; 0: no layer has one.
  int32_t window() const;
  // The floats of all layers' states.
  size_t state_floats() const;
  // Keys and values of the layers that keep all tokens.
  uint64_t bytes_per_token() const;
  // The bytes of a sequence beside that, however long it is: windows and state.
  uint64_t bytes_per_sequence() const;
  // Says what blocks and states look like: equal texts, equal bytes.
  std::string describe() const;

 private:
  uint64_t token_bytes(const LayerShape& layer) const { return 2 * layer.n_kv_head * bytes(1, layer.head_dim); }
};

}  // namespace hearth::kv
