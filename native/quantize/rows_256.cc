// The types with blocks of 256 weights: the fit of each, packed as base/blocks.h lays it out.
#include <cstring>

#include "quantize/affine_fit.h"
#include "quantize/half.h"
#include "quantize/rows.h"
#include "quantize/scale_fit.h"

namespace hearth::quantize {
namespace {

constexpr size_t kBlock = HEARTH_SUPER_BLOCK;

template <class Block, Block (*Make)(const float* x)>
void write_blocks(const float* x, size_t n, void* out) {
  for (size_t i = 0; i < n / kBlock; ++i) {
    const Block block = Make(x + i * kBlock);
    std::memcpy(static_cast<char*>(out) + i * sizeof block, &block, sizeof block);
  }
}

// Two bits a weight: each half of the block takes 32 bytes, whose bits 2k and 2k + 1 belong to its k-th 32 weights.
void pack_pairs_of_bits(const uint8_t q[kBlock], uint8_t qs[kBlock / 4]) {
  for (size_t i = 0; i < kBlock / 4; ++i) {
    const uint8_t* from = q + i / 32 * 128 + i % 32;
    qs[i] = static_cast<uint8_t>((from[0] & 3) | (from[32] & 3) << 2 | (from[64] & 3) << 4 | (from[96] & 3) << 6);
  }
}

// Four bits a weight: each quarter of the block takes 32 bytes, low nibbles first.
void pack_nibbles_by_64(const uint8_t q[kBlock], uint8_t qs[kBlock / 2]) {
  for (size_t i = 0; i < kBlock / 2; ++i) {
    const uint8_t* from = q + i / 32 * 64 + i % 32;
    qs[i] = static_cast<uint8_t>((from[0] & 15) | (from[32] & 15) << 4);
  }
}

// Bit `bit` of each weight: weight 32 k + i goes to bit k of byte i.
void pack_bits(const uint8_t q[kBlock], int bit, uint8_t qh[kBlock / 8]) {
  std::memset(qh, 0, kBlock / 8);
  for (size_t i = 0; i < kBlock; ++i) qh[i % 32] = static_cast<uint8_t>(qh[i % 32] | (q[i] >> bit & 1) << i / 32);
}

// Eight scales and eight minima of six bits: the first four of each have bytes of their own, whose upper bits hold the
// upper bits of the last four.
void pack_scales_and_minima(const AffineBlock<32>& fit, uint8_t packed[12]) {
  for (size_t j = 0; j < 4; ++j) {
    const int scale = fit.scales[j + 4], minimum = fit.minima[j + 4];
    packed[j] = static_cast<uint8_t>(fit.scales[j] | scale >> 4 << 6);
    packed[j + 4] = static_cast<uint8_t>(fit.minima[j] | minimum >> 4 << 6);
    packed[j + 8] = static_cast<uint8_t>((scale & 15) | (minimum & 15) << 4);
  }
}

block_q2_k make_q2_k(const float* x) {
  const auto fit = fit_affine_block<3, 16, 15>(x);
  block_q2_k block;
  block.d = fit.d;
  block.dmin = fit.dmin;
  for (size_t j = 0; j < 16; ++j) block.scales[j] = static_cast<uint8_t>(fit.scales[j] | fit.minima[j] << 4);
  pack_pairs_of_bits(fit.q.data(), block.qs);
  return block;
}

block_q4_k make_q4_k(const float* x) {
  const auto fit = fit_affine_block<15, 32, 63>(x);
  block_q4_k block;
  block.d = fit.d;
  block.dmin = fit.dmin;
  pack_scales_and_minima(fit, block.scales);
  pack_nibbles_by_64(fit.q.data(), block.qs);
  return block;
}

block_q5_k make_q5_k(const float* x) {
  const auto fit = fit_affine_block<31, 32, 63>(x);
  block_q5_k block;
  block.d = fit.d;
  block.dmin = fit.dmin;
  pack_scales_and_minima(fit, block.scales);
  pack_nibbles_by_64(fit.q.data(), block.qs);
  pack_bits(fit.q.data(), 4, block.qh);
  return block;
}

// q shifted so that the lowest level is 0.
template <size_t N>
std::array<uint8_t, kBlock> shifted(const ScaledBlock<N>& fit, int by) {
  std::array<uint8_t, kBlock> q;
  for (size_t i = 0; i < kBlock; ++i) q[i] = static_cast<uint8_t>(fit.q[i] + by);
  return q;
}

block_q3_k make_q3_k(const float* x) {
  const auto fit = fit_scaled_block<Integers<-4, 3>, 16, -32, 31>(x);
  const std::array<uint8_t, kBlock> q = shifted(fit, 4);
  block_q3_k block;
  block.d = fit.d;
  pack_pairs_of_bits(q.data(), block.qs);
  pack_bits(q.data(), 2, block.hmask);
  // Scales plus 32 have six bits: the low four in nibbles, the upper two together in the last four bytes.
  for (size_t j = 0; j < 8; ++j) {
    block.scales[j] = static_cast<uint8_t>(((fit.scales[j] + 32) & 15) | ((fit.scales[j + 8] + 32) & 15) << 4);
  }
  for (size_t j = 0; j < 4; ++j) {
    const auto upper = [&](size_t i) { return (fit.scales[i] + 32) >> 4; };
    block.scales[j + 8] = static_cast<uint8_t>(upper(j) | upper(j + 4) << 2 | upper(j + 8) << 4 | upper(j + 12) << 6);
  }
  return block;
}

block_q6_k make_q6_k(const float* x) {
  const auto fit = fit_scaled_block<Integers<-32, 31>, 16, -128, 127>(x);
  const std::array<uint8_t, kBlock> q = shifted(fit, 32);
  block_q6_k block;
  block.d = fit.d;
  for (size_t j = 0; j < 16; ++j) block.scales[j] = fit.scales[j];
  // Each half of the block: 64 bytes of nibbles, weights 0 to 63 low and 64 to 127 high, and 32 bytes of upper bits.
  for (size_t half = 0; half < 2; ++half) {
    const uint8_t* from = q.data() + half * 128;
    for (size_t i = 0; i < 64; ++i) {
      block.ql[half * 64 + i] = static_cast<uint8_t>((from[i] & 15) | (from[i + 64] & 15) << 4);
    }
    for (size_t i = 0; i < 32; ++i) {
      block.qh[half * 32 + i] =
          static_cast<uint8_t>(from[i] >> 4 | from[i + 32] >> 4 << 2 | from[i + 64] >> 4 << 4 | from[i + 96] >> 4 << 6);
    }
  }
  return block;
}

block_iq4_xs make_iq4_xs(const float* x) {
  const auto fit = fit_scaled_block<NonLinear, 32, -32, 31>(x);
  block_iq4_xs block;
  block.d = fit.d;
  block.scales_h = 0;
  std::memset(block.scales_l, 0, sizeof block.scales_l);
  for (size_t j = 0; j < 8; ++j) {
    const int scale = fit.scales[j] + 32;
    block.scales_l[j / 2] = static_cast<uint8_t>(block.scales_l[j / 2] | (scale & 15) << j % 2 * 4);
    block.scales_h = static_cast<uint16_t>(block.scales_h | scale >> 4 << 2 * j);
    for (size_t i = 0; i < 16; ++i) {
      const uint8_t low = NonLinear::index_of(fit.q[j * 32 + i]), high = NonLinear::index_of(fit.q[j * 32 + 16 + i]);
      block.qs[j * 16 + i] = static_cast<uint8_t>(low | high << 4);
    }
  }
  return block;
}

}  // namespace

QuantizeRow quantize_row_256(HearthType type) {
  switch (type) {
    case HEARTH_TYPE_Q2_K:
      return write_blocks<block_q2_k, make_q2_k>;
    case HEARTH_TYPE_Q3_K:
      return write_blocks<block_q3_k, make_q3_k>;
    case HEARTH_TYPE_Q4_K:
      return write_blocks<block_q4_k, make_q4_k>;
    case HEARTH_TYPE_Q5_K:
      return write_blocks<block_q5_k, make_q5_k>;
    case HEARTH_TYPE_Q6_K:
      return write_blocks<block_q6_k, make_q6_k>;
    case HEARTH_TYPE_IQ4_XS:
      return write_blocks<block_iq4_xs, make_iq4_xs>;
    default:
      return nullptr;
  }
}

}  // namespace hearth::quantize
