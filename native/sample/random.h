// Random numbers without state: the value at a position is a function of seed and position (SplitMix64, Steele et al.
// 2014, "Fast splittable pseudorandom number generators"), so that truncating or forking a sequence needs no
// bookkeeping.
#pragma once

#include <cstdint>

namespace hearth {

inline uint64_t splitmix64(uint64_t seed, uint64_t position) {
  uint64_t z = seed + (position + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

// 0 <= u < 1, a multiple of 2^-53. The seed is mixed first, so that neighbouring seeds are no shifted copies.
inline double uniform_at(uint64_t seed, uint64_t position) {
  return static_cast<double>(splitmix64(splitmix64(seed, 0), position) >> 11) * 0x1p-53;
}

}  // namespace hearth
