// Random weight blocks of any type that kernels support, for files that only have to weigh and to run like real ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gguf/types.h"

namespace hearth {

// A small, fast generator with a fixed sequence for each seed (SplitMix64: Steele, Lea and Flood 2014).
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

// About `n_bytes` of whole blocks, whose weights have a mean near 0 and a standard deviation near 0.02, as trained
// weights have. Equal seeds give equal bytes. Empty for types that no kernel computes with.
std::vector<uint8_t> random_blocks(HearthType type, size_t n_bytes, uint64_t seed);

}  // namespace hearth
