#include "quantize/half.h"

#include "kernels/scalar.h"
#include "quantize/levels.h"

namespace hearth::quantize {

float float_of_half(uint16_t half) { return f32_of_f16(half); }

uint16_t half_of(float x) {
  constexpr float kLargest = 65504.0f;
  return f16_of_f32(clamp(x, -kLargest, kLargest));
}

}  // namespace hearth::quantize
