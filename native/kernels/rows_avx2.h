// Eight weight rows at a time in AVX2 registers: the vocabulary that matmul_blocks_x86.h is written in.
//
// A vector of bytes holds 16 bytes of two rows, 128 bits each: rows g and g + 4 of the group make vector g.
// So adding up the 32-bit sums of vectors 0..3 by transposition leaves row r in lane r.
#pragma once

#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/rows_x86.h"

namespace {

constexpr size_t kRows = 8;
constexpr size_t kMaxCols = 4;  // columns that share the unpacked weights
// Processors without AVX-512 foresee streams well (see for_groups in matmul_blocks_x86.h).
constexpr HearthReading kReadings[] = {{true, 256},   {true, 512},   {true, 1024},
                                       {false, 4096}, {false, 8192}, {false, 16384}};

using Bytes = __m256i;
using Ints = __m256i;
using Floats = __m256;

// The compiler makes no tree of sums that go through here: there are not enough registers for its leaves.
HEARTH_INLINE void keep_order(Ints& sum) { __asm__("" : "+x"(sum)); }

// The low and high half of a block's quants (weights 0..15 and 16..31) of two rows.
struct Quants {
  Bytes lo, hi;
};

// The 16 bytes at `offset` in the blocks of rows g and g + 4. Rows is a RowGroup or BlocksAsRows.
template <class Rows>
HEARTH_INLINE Bytes load_rows(const Rows& rows, size_t g, size_t offset) {
  return _mm256_loadu2_m128i((const __m128i*)(rows.row(g + 4) + offset), (const __m128i*)(rows.row(g) + offset));
}

HEARTH_INLINE Quants split_nibbles(Bytes bytes) {
  const Bytes mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(bytes, mask), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask)};
}

// Adds 16 where a weight's bit in the 32-bit masks at `offset` is set.
template <class Rows>
HEARTH_INLINE Quants add_fifth_bits(Quants q, const Rows& rows, size_t g, size_t offset) {
  int32_t row0, row4;
  memcpy(&row0, rows.row(g) + offset, sizeof row0);
  memcpy(&row4, rows.row(g + 4) + offset, sizeof row4);
  const __m256i masks = _mm256_setr_epi32(row0, row0, row0, row0, row4, row4, row4, row4);
  const __m256i bit_of_byte = _mm256_set1_epi64x((long long)0x8040201008040201);
  const __m256i byte_of_weight = _mm256_set_epi64x(0x0101010101010101, 0, 0x0101010101010101, 0);
  const auto bits = [&](__m256i bytes) {
    const __m256i set = _mm256_and_si256(_mm256_shuffle_epi8(masks, bytes), bit_of_byte);
    return _mm256_and_si256(_mm256_cmpeq_epi8(set, bit_of_byte), _mm256_set1_epi8(16));
  };
  const __m256i two = _mm256_set1_epi8(2);
  return {_mm256_or_si256(q.lo, bits(byte_of_weight)),
          _mm256_or_si256(q.hi, bits(_mm256_add_epi8(byte_of_weight, two)))};
}

constexpr int kSignedBias = 0;
template <class Rows>
HEARTH_INLINE Quants load_signed(const Rows& rows, size_t g, size_t offset) {
  return {load_rows(rows, g, offset), load_rows(rows, g, offset + 16)};
}

// The low and high half of a column's block, for two rows.
template <size_t kBlocks>
HEARTH_INLINE Quants spread_quants(const int8_t* x) {
  static_assert(kBlocks == 1);
  const auto half = [x](size_t at) { return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)(x + at))); };
  return {half(0), half(16)};
}
// A block's scale or sum, for every row.
template <size_t kBlocks>
HEARTH_INLINE Floats spread(const float* x) {
  return _mm256_set1_ps(*x);
}
template <size_t kBlocks>
HEARTH_INLINE Ints spread(const int32_t* x) {
  return _mm256_set1_epi32(*x);
}
// The values of block b of kBlocks, for each row.
template <size_t kBlocks>
HEARTH_INLINE Floats of_block(Floats x, size_t) {
  static_assert(kBlocks == 1);
  return x;
}

// Four partial sums a row. Unsigned weights are at most 31, so four products, 4 * 31 * 127 = 15748, fit 16 bits.
HEARTH_INLINE Ints dot_unsigned(Quants w, Quants x) {
  const __m256i sum = _mm256_add_epi16(_mm256_maddubs_epi16(w.lo, x.lo), _mm256_maddubs_epi16(w.hi, x.hi));
  return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

// The weight's sign goes to the activation, since one factor has to be unsigned. A sum of two products is at most
// 2 * 128 * 127 = 32512 and fits 16 bits; activations are never -128, so that they can change sign.
HEARTH_INLINE Ints dot_signed(Quants w, Quants x) {
  const __m256i one = _mm256_set1_epi16(1);
  const __m256i lo = _mm256_maddubs_epi16(_mm256_abs_epi8(w.lo), _mm256_sign_epi8(x.lo, w.lo));
  const __m256i hi = _mm256_maddubs_epi16(_mm256_abs_epi8(w.hi), _mm256_sign_epi8(x.hi, w.hi));
  return _mm256_add_epi32(_mm256_madd_epi16(lo, one), _mm256_madd_epi16(hi, one));
}

// The sums of rows 0..7 in lanes 0..7.
HEARTH_INLINE Ints fold_rows(const Ints partial[4]) {
  const auto pairs = [](Ints a, Ints b) {
    return _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
  };
  const Ints ab = pairs(partial[0], partial[1]), cd = pairs(partial[2], partial[3]);
  return _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
}

// a - kBias * b for a power of two.
template <int kBias>
HEARTH_INLINE Ints subtract_bias(Ints a, Ints b) {
  if constexpr (kBias == 0) return a;
  return _mm256_sub_epi32(a, _mm256_slli_epi32(b, __builtin_ctz(kBias)));
}
HEARTH_INLINE Floats to_floats(Ints a) { return _mm256_cvtepi32_ps(a); }

HEARTH_INLINE Floats no_floats() { return _mm256_setzero_ps(); }
HEARTH_INLINE Floats times(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
HEARTH_INLINE Floats times(Floats a, float b) { return _mm256_mul_ps(a, _mm256_set1_ps(b)); }
HEARTH_INLINE Floats fma_rows(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
HEARTH_INLINE Floats fma_rows(Floats a, float b, Floats c) { return _mm256_fmadd_ps(a, _mm256_set1_ps(b), c); }
HEARTH_INLINE void store_rows(float* p, Floats x) { _mm256_storeu_ps(p, x); }

// The f16 at `offset` of each row's block.
template <class B, class Rows>
HEARTH_INLINE Floats load_scales(const Rows& rows, size_t offset) {
  return _mm256_cvtph_ps(load_halves(rows, 0, offset));
}

// Four vectors of four rows' 32-bit parts become four vectors of the same part of all rows, rows in order.
HEARTH_INLINE void transpose_rows(Bytes v[4]) {
  const Bytes ab_lo = _mm256_unpacklo_epi32(v[0], v[1]), ab_hi = _mm256_unpackhi_epi32(v[0], v[1]);
  const Bytes cd_lo = _mm256_unpacklo_epi32(v[2], v[3]), cd_hi = _mm256_unpackhi_epi32(v[2], v[3]);
  v[0] = _mm256_unpacklo_epi64(ab_lo, cd_lo);
  v[1] = _mm256_unpackhi_epi64(ab_lo, cd_lo);
  v[2] = _mm256_unpacklo_epi64(ab_hi, cd_hi);
  v[3] = _mm256_unpackhi_epi64(ab_hi, cd_hi);
}
HEARTH_INLINE void store_bytes(uint8_t* p, Bytes v) { _mm256_storeu_si256((__m256i*)p, v); }
HEARTH_INLINE Bytes load_bytes(const uint8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
HEARTH_INLINE Floats load_floats(const float* p) { return _mm256_loadu_ps(p); }
// Four activations, for every row.
HEARTH_INLINE Bytes splat4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}

// The packed matrix product's tile: two vectors of rows times four columns. Each broadcast serves two vectors, since it
// is two loads a cycle that would limit the product.
constexpr size_t kRowVectors = 2;
constexpr size_t kTileCols = 4;
// The number of columns from which on unpacking into a panel pays, as rows_avx512.h says.
constexpr size_t kPackedBlocks = 6, kPackedSuper = 6, kPackedSixBits = 5;

// How many products of four activations 16-bit lanes hold the sums of, for unsigned weights up to `largest`: with all
// eight of a block, 16 * 15 * 127 = 30480; with four, 8 * 31 * 127 = 31496; with two, 4 * 63 * 127 = 32004. One stands
// for signed weights.
constexpr size_t narrow_run(int largest) { return largest <= 15 ? 8 : largest <= 31 ? 4 : largest <= 63 ? 2 : 1; }

// The sums of kRun products with unsigned weights, in pairs of 16-bit lanes. Vectors of rows are `stride` bytes apart,
// columns x_stride.
template <size_t kRun>
HEARTH_INLINE void multiply_narrow(const uint8_t* w, size_t stride, const int8_t* x, size_t x_stride,
                                   Ints narrow[kRowVectors][kTileCols]) {
#pragma GCC unroll 8
  for (size_t i = 0; i < kRun; ++i) {
    Bytes weights[kRowVectors];
    for (size_t v = 0; v < kRowVectors; ++v) weights[v] = load_bytes(w + v * stride + i * sizeof(Bytes));
    for (size_t c = 0; c < kTileCols; ++c) {
      const Bytes four = splat4(x + c * x_stride + 4 * i);
      for (size_t v = 0; v < kRowVectors; ++v) {
        const Ints products = _mm256_maddubs_epi16(weights[v], four);
        narrow[v][c] = i == 0 ? products : _mm256_add_epi16(narrow[v][c], products);
        keep_order(narrow[v][c]);
      }
    }
  }
}

// multiply_steps() for signed weights, of which two products fill 16 bits.
template <size_t kSteps>
HEARTH_INLINE void multiply_signed_steps(const uint8_t* w, size_t stride, const int8_t* x, size_t x_stride,
                                         const Bytes scale[kRowVectors], Ints sum[kRowVectors][kTileCols]) {
#pragma GCC unroll 8
  for (size_t i = 0; i < kSteps; ++i) {
    Bytes weights[kRowVectors], magnitudes[kRowVectors];
    for (size_t v = 0; v < kRowVectors; ++v) {
      weights[v] = load_bytes(w + v * stride + i * sizeof(Bytes));
      magnitudes[v] = _mm256_abs_epi8(weights[v]);
    }
    for (size_t c = 0; c < kTileCols; ++c) {
      const Bytes four = splat4(x + c * x_stride + 4 * i);
      for (size_t v = 0; v < kRowVectors; ++v) {
        const Ints products = _mm256_maddubs_epi16(magnitudes[v], _mm256_sign_epi8(four, weights[v]));
        sum[v][c] = _mm256_add_epi32(sum[v][c], _mm256_madd_epi16(products, scale[v]));
        keep_order(sum[v][c]);
      }
    }
  }
}

// sum[v][c] += scale[v] * (kSteps packed products of four activations), for every row.
template <size_t kRun, size_t kSteps>
HEARTH_INLINE void multiply_steps(const uint8_t* w, size_t stride, const int8_t* x, size_t x_stride,
                                  const Bytes scale[kRowVectors], Ints sum[kRowVectors][kTileCols]) {
  if constexpr (kRun == 1) return multiply_signed_steps<kSteps>(w, stride, x, x_stride, scale, sum);
  for (size_t j = 0; j < kSteps; j += kRun) {
    Ints narrow[kRowVectors][kTileCols];
    multiply_narrow<kRun>(w + j * sizeof(Bytes), stride, x + 4 * j, x_stride, narrow);
    for (size_t v = 0; v < kRowVectors; ++v) {
      for (size_t c = 0; c < kTileCols; ++c) {
        sum[v][c] = _mm256_add_epi32(sum[v][c], _mm256_madd_epi16(narrow[v][c], scale[v]));
      }
    }
  }
}

// The largest quant of a packed block; of signed ones, too large for any sum.
template <class B>
constexpr int kLargestQuant = 255;
template <>
constexpr int kLargestQuant<block_q4_0> = 15;
template <>
constexpr int kLargestQuant<block_q4_1> = 15;
template <>
constexpr int kLargestQuant<block_q5_0> = 31;
template <>
constexpr int kLargestQuant<block_q5_1> = 31;

// sum[v][c] += the packed block times that of column c, for every row. Columns are x_stride apart.
template <class B>
HEARTH_INLINE void multiply_block(const uint8_t* w, const int8_t* x, size_t x_stride,
                                  Ints sum[kRowVectors][kTileCols]) {
  constexpr size_t kSteps = HEARTH_BLOCK / 4;
  const Bytes one = _mm256_set1_epi16(1), ones[kRowVectors] = {one, one};
  multiply_steps<narrow_run(kLargestQuant<B>), kSteps>(w, kSteps * sizeof(Bytes), x, x_stride, ones, sum);
}

}  // namespace
