// The values that a quantized weight can take before its block's scale, and the rounding to them. Loops over these
// functions vectorize, and every sum runs in lanes of a fixed number, so that a file is the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "kernels/codebooks.h"

namespace hearth::quantize {

// To the nearest integer, ties to even, for |x| < 2^22. The C library's is a call on x86-64 without SSE 4.1.
inline float round_to_integer(float x) {
  constexpr float kUnit = 0x1.8p23f;  // a float of this size has no bits below one
  return (x + kUnit) - kUnit;
}

inline float clamp(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

template <int Low, int High>
struct Integers {
  static constexpr int kLow = Low, kHigh = High;
  static float nearest(float x) { return round_to_integer(clamp(x, Low, High)); }
};

// The codebook of IQ4_NL and IQ4_XS: dense near zero, as trained weights are.
struct NonLinear {
  static constexpr int kLow = kIq4Values[0], kHigh = kIq4Values[15];

  static float nearest(float x) {
    float value = kLow;
    for (size_t i = 1; i < std::size(kIq4Values); ++i) {
      const float middle = 0.5f * static_cast<float>(kIq4Values[i - 1] + kIq4Values[i]);
      value += x > middle ? static_cast<float>(kIq4Values[i] - kIq4Values[i - 1]) : 0.0f;
    }
    return value;
  }

  // The place of a value in the codebook.
  static uint8_t index_of(int8_t value) {
    uint8_t index = 0;
    for (const int8_t each : kIq4Values) index = static_cast<uint8_t>(index + (each < value));
    return index;
  }
};

// 1 / x, and 0 for what is too small to divide by: a block of such weights becomes zeros.
inline float inverse_of(float x) {
  constexpr float kTiny = 0x1p-100f;
  return x > kTiny || x < -kTiny ? 1.0f / x : 0.0f;
}

// Sums over a block, `kLanes` apart.
class Sum {
 public:
  static constexpr size_t kLanes = 8;
  float& operator[](size_t lane) { return lanes_[lane]; }
  float total() const {
    return ((lanes_[0] + lanes_[4]) + (lanes_[2] + lanes_[6])) + ((lanes_[1] + lanes_[5]) + (lanes_[3] + lanes_[7]));
  }

 private:
  float lanes_[kLanes] = {};
};

}  // namespace hearth::quantize
