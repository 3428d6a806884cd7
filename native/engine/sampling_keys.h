// The sampling that a model's file recommends: its numbers under general.sampling. Knows no sampler and no ranges.
#pragma once

#include <vector>

#include "gguf/gguf.h"
#include "include/engine.h"

namespace hearth {

// In the order of the keys' names; at most 64. What is no finite number is left out: these keys only inform.
std::vector<SamplingKey> sampling_keys(const GgufFile& header);

}  // namespace hearth
