// The codebooks of the IQ types, as bytes that kernels multiply with. Data only: shared by all instruction sets.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Each entry is 8 (IQ1, IQ2) or 4 (IQ3) int8 values, the first weight's in the lowest byte.
typedef struct HearthCodebooks {
  const uint64_t* iq2_xxs;  // [256] magnitudes 8, 25, 43
  const uint64_t* iq2_xs;   // [512]
  const uint64_t* iq2_s;    // [1024]
  const uint32_t* iq3_xxs;  // [256] magnitudes 4, 12, ... 52, 62
  const uint32_t* iq3_s;    // [512] magnitudes 1, 3, ... 15
  const uint64_t* iq1;      // [2048] -8, 0, 8: eight times a ternary weight
} HearthCodebooks;

constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int8_t kMxfp4Values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                     0, -1, -2, -3, -4, -6, -8, -12};  // twice the 4-bit floats

extern const HearthCodebooks hearth_codebooks;
