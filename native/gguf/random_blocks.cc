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
  const uint32_t mantissa = bits & 0x03FF;
  const uint32_t magnitude = exponent < -14 ? (0x0400 | mantissa) >> (-14 - exponent)  // subnormal
                                            : static_cast<uint32_t>(exponent + 15) << 10 | mantissa;
  return static_cast<uint16_t>((bits & 0x8000) | magnitude);
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

// Below, the deviation of a scale and that of a quant multiply. Minimums that cancel the mean follow the scales.
block_q2_k make_q2_k(SplitMix64& random) {
  block_q2_k b;
  b.d = random_f16(random, -9);
  b.dmin = b.d;
  for (uint8_t& pair : b.scales) {
    const auto scale = static_cast<uint8_t>(random.next() % 11);
    pair = static_cast<uint8_t>(scale | (scale + scale / 2) << 4);
  }
  fill(random, &b.qs);
  return b;
}
// Scales of six bits and minimums equal to them.
void fill_six_bits(SplitMix64& random, uint8_t (*scales)[12]) {
  const uint64_t bits = random.next();
  for (int i = 0; i < 4; ++i) {
    (*scales)[i] = (*scales)[4 + i] = static_cast<uint8_t>(bits >> 8 * i);
    const auto low = static_cast<uint8_t>(bits >> (32 + 4 * i) & 15);
    (*scales)[8 + i] = static_cast<uint8_t>(low | low << 4);
  }
}
template <typename Block>
Block make_q45_k(SplitMix64& random, int exponent, int bits) {
  Block b;
  fill(random, &b);
  b.d = random_f16(random, exponent);
  b.dmin = static_cast<uint16_t>(b.d + ((bits - 1) << 10));
  fill_six_bits(random, &b.scales);
  return b;
}
// Types whose bits may all be random but for d. The exponents: see the deviations of their scales and quants.
template <typename Block>
Block make_super(SplitMix64& random, int exponent) {
  Block b;
  fill(random, &b);
  b.d = random_f16(random, exponent);
  return b;
}
block_mxfp4 make_mxfp4(SplitMix64& random) {
  block_mxfp4 b;
  fill(random, &b.qs);
  b.e = static_cast<uint8_t>(119 + random.next() % 2);
  return b;
}
block_iq1_m make_iq1_m(SplitMix64& random) {
  block_iq1_m b;
  fill(random, &b);
  const uint16_t d = random_f16(random, -9);
  for (int i = 0; i < 4; ++i) {
    uint8_t& upper = b.scales[2 * i + 1];
    upper = static_cast<uint8_t>((upper & 15) | (d >> 4 * i & 15) << 4);
  }
  return b;
}
block_tq2_0 make_tq2_0(SplitMix64& random) {
  auto b = make_super<block_tq2_0>(random, -6);
  for (uint8_t& four : b.qs) four = static_cast<uint8_t>(four & ~(four >> 1 & 0x55));  // 3 becomes 2
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
    case HEARTH_TYPE_Q2_K:
      return repeat<block_q2_k>(n_bytes, random, make_q2_k);
    case HEARTH_TYPE_Q3_K:
      return repeat<block_q3_k>(n_bytes, random, [](SplitMix64& r) { return make_super<block_q3_k>(r, -12); });
    case HEARTH_TYPE_Q4_K:
      return repeat<block_q4_k>(n_bytes, random, [](SplitMix64& r) { return make_q45_k<block_q4_k>(r, -13, 4); });
    case HEARTH_TYPE_Q5_K:
      return repeat<block_q5_k>(n_bytes, random, [](SplitMix64& r) { return make_q45_k<block_q5_k>(r, -14, 5); });
    case HEARTH_TYPE_Q6_K:
      return repeat<block_q6_k>(n_bytes, random, [](SplitMix64& r) { return make_super<block_q6_k>(r, -17); });
    case HEARTH_TYPE_IQ1_S:
      return repeat<block_iq1_s>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq1_s>(r, -9); });
    case HEARTH_TYPE_IQ1_M:
      return repeat<block_iq1_m>(n_bytes, random, make_iq1_m);
    case HEARTH_TYPE_IQ2_XXS:
      return repeat<block_iq2_xxs>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq2_xxs>(r, -12); });
    case HEARTH_TYPE_IQ2_XS:
      return repeat<block_iq2_xs>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq2_xs>(r, -12); });
    case HEARTH_TYPE_IQ2_S:
      return repeat<block_iq2_s>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq2_s>(r, -12); });
    case HEARTH_TYPE_IQ3_XXS:
      return repeat<block_iq3_xxs>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq3_xxs>(r, -13); });
    case HEARTH_TYPE_IQ3_S:
      return repeat<block_iq3_s>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq3_s>(r, -13); });
    case HEARTH_TYPE_IQ4_NL:
      return repeat<block_iq4_nl>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq4_nl>(r, -12); });
    case HEARTH_TYPE_IQ4_XS:
      return repeat<block_iq4_xs>(n_bytes, random, [](SplitMix64& r) { return make_super<block_iq4_xs>(r, -16); });
    case HEARTH_TYPE_TQ1_0:
      return repeat<block_tq1_0>(n_bytes, random, [](SplitMix64& r) { return make_super<block_tq1_0>(r, -6); });
    case HEARTH_TYPE_TQ2_0:
      return repeat<block_tq2_0>(n_bytes, random, make_tq2_0);
    case HEARTH_TYPE_MXFP4:
      return repeat<block_mxfp4>(n_bytes, random, make_mxfp4);
    default:
      return {};
  }
}

}  // namespace hearth
