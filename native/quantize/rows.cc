// Floats and the types with blocks of 32.
#include "quantize/rows.h"

#include <cstring>

#include "quantize/affine_fit.h"
#include "quantize/half.h"
#include "quantize/scale_fit.h"

namespace hearth::quantize {
namespace {

void write_f32(const float* x, size_t n, void* out) { std::memcpy(out, x, n * sizeof *x); }

void write_f16(const float* x, size_t n, void* out) {
  for (size_t i = 0; i < n; ++i) {
    const uint16_t half = half_of(x[i]);
    std::memcpy(static_cast<char*>(out) + i * sizeof half, &half, sizeof half);
  }
}

void write_bf16(const float* x, size_t n, void* out) {
  for (size_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, &x[i], sizeof bits);
    const auto rounded = static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);  // to nearest even
    std::memcpy(static_cast<char*>(out) + i * sizeof rounded, &rounded, sizeof rounded);
  }
}

template <class Block, Block (*Make)(const float* x)>
void write_blocks(const float* x, size_t n, void* out) {
  for (size_t i = 0; i < n / HEARTH_BLOCK; ++i) {
    const Block block = Make(x + i * HEARTH_BLOCK);
    std::memcpy(static_cast<char*>(out) + i * sizeof block, &block, sizeof block);
  }
}

// The low nibbles are weights 0 to 15, the high ones 16 to 31.
void pack_nibbles(const uint8_t q[HEARTH_BLOCK], uint8_t qs[HEARTH_BLOCK / 2]) {
  for (int i = 0; i < HEARTH_BLOCK / 2; ++i) {
    qs[i] = static_cast<uint8_t>((q[i] & 15) | (q[i + HEARTH_BLOCK / 2] & 15) << 4);
  }
}

void pack_fifth_bits(const uint8_t q[HEARTH_BLOCK], uint8_t qh[HEARTH_BLOCK / 8]) {
  std::memset(qh, 0, HEARTH_BLOCK / 8);
  for (int i = 0; i < HEARTH_BLOCK; ++i) qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | (q[i] >> 4 & 1) << i % 8);
}

// d, and q shifted so that the lowest level is 0.
template <int Low, int High>
uint16_t quantize_symmetric(const float* x, uint8_t q[HEARTH_BLOCK]) {
  using Levels = Integers<Low, High>;
  int8_t levels[HEARTH_BLOCK];
  const uint16_t d = half_of(fit_scale<Levels, HEARTH_BLOCK>(x));
  round_to_levels<Levels, HEARTH_BLOCK>(x, float_of_half(d), levels);
  for (int i = 0; i < HEARTH_BLOCK; ++i) q[i] = static_cast<uint8_t>(levels[i] - Low);
  return d;
}

block_q4_0 make_q4_0(const float* x) {
  block_q4_0 block;
  uint8_t q[HEARTH_BLOCK];
  block.d = quantize_symmetric<-8, 7>(x, q);
  pack_nibbles(q, block.qs);
  return block;
}

block_q5_0 make_q5_0(const float* x) {
  block_q5_0 block;
  uint8_t q[HEARTH_BLOCK];
  block.d = quantize_symmetric<-16, 15>(x, q);
  pack_nibbles(q, block.qs);
  pack_fifth_bits(q, block.qh);
  return block;
}

block_q8_0 make_q8_0(const float* x) {
  using Levels = Integers<-127, 127>;
  // With so many levels nothing is won by cutting off; the candidates only shift where rounding falls.
  constexpr ScaleSearch kSearch{.from = 0.97f, .to = 1.005f, .candidates = 12, .rounds = 1};
  block_q8_0 block;
  block.d = half_of(fit_scale<Levels, HEARTH_BLOCK>(x, kSearch));
  round_to_levels<Levels, HEARTH_BLOCK>(x, float_of_half(block.d), block.qs);
  return block;
}

// x = d * q + m with m signed: Affine's minimum negated.
template <int Max>
void quantize_affine(const float* x, uint16_t* d, uint16_t* m, uint8_t q[HEARTH_BLOCK]) {
  const Affine fit = fit_affine<Max, HEARTH_BLOCK>(x, false);
  *d = half_of(fit.scale);
  *m = half_of(-fit.minimum);
  round_affine<Max, HEARTH_BLOCK>(x, {float_of_half(*d), -float_of_half(*m)}, q);
}

block_q4_1 make_q4_1(const float* x) {
  block_q4_1 block;
  uint8_t q[HEARTH_BLOCK];
  quantize_affine<15>(x, &block.d, &block.m, q);
  pack_nibbles(q, block.qs);
  return block;
}

block_q5_1 make_q5_1(const float* x) {
  block_q5_1 block;
  uint8_t q[HEARTH_BLOCK];
  quantize_affine<31>(x, &block.d, &block.m, q);
  pack_nibbles(q, block.qs);
  pack_fifth_bits(q, block.qh);
  return block;
}

block_iq4_nl make_iq4_nl(const float* x) {
  block_iq4_nl block;
  int8_t values[HEARTH_BLOCK];
  uint8_t q[HEARTH_BLOCK];
  block.d = half_of(fit_scale<NonLinear, HEARTH_BLOCK>(x));
  round_to_levels<NonLinear, HEARTH_BLOCK>(x, float_of_half(block.d), values);
  for (int i = 0; i < HEARTH_BLOCK; ++i) q[i] = NonLinear::index_of(values[i]);
  pack_nibbles(q, block.qs);
  return block;
}

}  // namespace

QuantizeRow quantize_row(HearthType type) {
  switch (type) {
    case HEARTH_TYPE_F32:
      return write_f32;
    case HEARTH_TYPE_F16:
      return write_f16;
    case HEARTH_TYPE_BF16:
      return write_bf16;
    case HEARTH_TYPE_Q4_0:
      return write_blocks<block_q4_0, make_q4_0>;
    case HEARTH_TYPE_Q4_1:
      return write_blocks<block_q4_1, make_q4_1>;
    case HEARTH_TYPE_Q5_0:
      return write_blocks<block_q5_0, make_q5_0>;
    case HEARTH_TYPE_Q5_1:
      return write_blocks<block_q5_1, make_q5_1>;
    case HEARTH_TYPE_Q8_0:
      return write_blocks<block_q8_0, make_q8_0>;
    case HEARTH_TYPE_IQ4_NL:
      return write_blocks<block_iq4_nl, make_iq4_nl>;
    default:
      return quantize_row_256(type);
  }
}

}  // namespace hearth::quantize
