// Which tensor gets which type: the named mixes of types that GGUF files are published in. Knows names and shapes of
// tensors, no weights.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocks.h"
#include "include/status.h"

namespace hearth::quantize {

// general.quantization_version of the block layouts that base/blocks.h describes.
inline constexpr uint32_t kQuantizationVersion = 2;

// A mix: "Q4_K_M".
struct Mix {
  const char* name;
  uint32_t file_type;  // general.file_type, as llama.cpp numbers it
  HearthType type;     // of most tensors
};

// By name in any case; "Q3_K", "Q4_K" and "Q5_K" mean their _M. OPTION_OUT_OF_RANGE, which lists all.
Status find_mix(std::string_view name, const Mix** mix);

// The facts that recipes need beside names and shapes.
struct ModelFacts {
  uint64_t n_layer = 0;
  uint64_t n_expert = 0;
  uint64_t heads_per_kv_head = 1;
};

struct TensorShape {
  std::string_view name;
  HearthType type;  // in the source
  uint32_t n_dims;
  uint64_t row_elements;
};

// The type of each tensor in the quantized file. Norms, biases, routers, convolutions and all that is no matrix of
// weights keep theirs; so does everything with `pure` but then matrices all get the mix's main type.
std::vector<HearthType> choose_types(const Mix& mix, bool pure, const ModelFacts& facts,
                                     std::span<const TensorShape> tensors);

}  // namespace hearth::quantize
