// Scales as blocks store them: half precision.
#pragma once

#include <cstdint>

namespace hearth::quantize {

float float_of_half(uint16_t half);

// The nearest finite one: an infinite scale would make every weight of its block infinite.
uint16_t half_of(float x);

}  // namespace hearth::quantize
