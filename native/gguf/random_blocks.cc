// Every number is composed from random bits, without arithmetic on floats: a block's quants are uniform, and its scale
// is a fixed power of two times a random factor from 1 to 2, chosen so that the weights' deviation comes out near 0.02.
#include "gguf/random_blocks.h"

#include <cstring>

namespace hearth {
namespace {

// +-[1, 2) * 2^exponent, as f32, f16 or bf16.
uint32_t random_f32(SplitMix64& random, int exponent) {
  const auto bits = static_cast<uint32_t>(random.next());
  return (bits & 0x80000000) | static_cast<uint32_t>(exponent + 127) << 23 | (bits & 0x007FFFFF);
}
uint16_t random_f16(SplitMix64& random, int exponent) {
  const auto bits = static_cast<uint32_t>(random.next());
  return static_cast<uint16_t>((bits & 0x8000) | static_cast<uint32_t>(exponent + 15) << 10 | (bits & 0x03FF));
}
uint16_t random_bf16(SplitMix64& random, int exponent) {
  return static_cast<uint16_t>(random_f32(random, exponent) >> 16);
}

// d * -(2^shift), exactly.
uint16_t negated_times_power(uint16_t d, int shift) { return static_cast<uint16_t>((d ^ 0x8000) + (shift << 10)); }

template <typename T>
void fill(SplitMix64& random, T* bytes) {
  for (size_t i = 0; i < sizeof *bytes; i += 8) {
    const uint64_t bits = random.next();
    std::memcpy(reinterpret_cast<uint8_t*>(bytes) + i, &bits, sizeof *bytes - i < 8 ? sizeof *bytes - i : 8);
  }
}

// The deviation of uniform integers of n values is n / sqrt(12): 4.6 for 16, 9.2 for 32, 74 for 256. Times 2^exponent
// and 1.5 on average, each block below comes to 0.02 to 0.03.
block_q4_0 make_q4_0(SplitMix64& random) {
  block_q4_0 b;
  b.d = random_f16(random, -8);
  fill(random, &b.qs);
  return b;
}
block_q4_1 make_q4_1(SplitMix64& random) {
  block_q4_1 b;
  b.d = random_f16(random, -8);
  b.m = negated_times_power(b.d, 3);
  fill(random, &b.qs);
  return b;
}
block_q5_0 make_q5_0(SplitMix64& random) {
  block_q5_0 b;
  b.d = random_f16(random, -9);
  fill(random, &b.qh);
  fill(random, &b.qs);
  return b;
}
block_q5_1 make_q5_1(SplitMix64& random) {
  block_q5_1 b;
  b.d = random_f16(random, -9);
  b.m = negated_times_power(b.d, 4);
  fill(random, &b.qh);
  fill(random, &b.qs);
  return b;
}
block_q8_0 make_q8_0(SplitMix64& random) {
  block_q8_0 b;
  b.d = random_f16(random, -12);
  fill(random, &b.qs);
  for (int8_t& q : b.qs) q = q == -128 ? int8_t{-127} : q;  // quantizers never write -128
  return b;
}

template <typename Block, typename Make>
std::vector<uint8_t> repeat(size_t n_bytes, SplitMix64& random, Make make) {
  std::vector<uint8_t> blocks(n_bytes / sizeof(Block) * sizeof(Block));
  for (size_t i = 0; i < blocks.size(); i += sizeof(Block)) {
    const Block block = make(random);
    std::memcpy(&blocks[i], &block, sizeof block);
  }
  return blocks;
}

}  // namespace

std::vector<uint8_t> random_blocks(HearthType type, size_t n_bytes, uint64_t seed) {
  SplitMix64 random(seed);
  switch (type) {
    case HEARTH_TYPE_F32:
      return repeat<uint32_t>(n_bytes, random, [](SplitMix64& r) { return random_f32(r, -6); });
    case HEARTH_TYPE_F16:
      return repeat<uint16_t>(n_bytes, random, [](SplitMix64& r) { return random_f16(r, -6); });
    case HEARTH_TYPE_BF16:
      return repeat<uint16_t>(n_bytes, random, [](SplitMix64& r) { return random_bf16(r, -6); });
    case HEARTH_TYPE_Q4_0:
      return repeat<block_q4_0>(n_bytes, random, make_q4_0);
    case HEARTH_TYPE_Q4_1:
      return repeat<block_q4_1>(n_bytes, random, make_q4_1);
    case HEARTH_TYPE_Q5_0:
      return repeat<block_q5_0>(n_bytes, random, make_q5_0);
    case HEARTH_TYPE_Q5_1:
      return repeat<block_q5_1>(n_bytes, random, make_q5_1);
    case HEARTH_TYPE_Q8_0:
      return repeat<block_q8_0>(n_bytes, random, make_q8_0);
    default:
      return {};
  }
}

}  // namespace hearth
