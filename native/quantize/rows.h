// Rows of float32 to blocks of each type that `hearth quantize` writes. Knows nothing of files.
#pragma once

#include <cstddef>

#include "base/blocks.h"

namespace hearth::quantize {

// Larger magnitudes are no weights; their squares could not be summed.
inline constexpr float kLargestWeight = 0x1p50f;

// x[n] -> n / block whole blocks at `out`, of any alignment. |x| <= kLargestWeight; n is a multiple of the type's
// block.
using QuantizeRow = void (*)(const float* x, size_t n, void* out);

// Null for types that are only read.
QuantizeRow quantize_row(HearthType type);

// The rows of types with blocks of 256, for quantize_row.
QuantizeRow quantize_row_256(HearthType type);

}  // namespace hearth::quantize
