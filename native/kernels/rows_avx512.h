// Sixteen weight rows at a time in AVX-512 registers: the vocabulary that matmul_blocks_x86.h is written in.
//
// A vector of bytes holds 16 bytes of four rows, 128 bits each: rows g, g + 4, g + 8, g + 12 of the group make vector
// g. So adding up the 32-bit sums of vectors 0..3 by transposition leaves row r in lane r. Eight rows and two blocks of
// each stand for sixteen rows, see BlocksAsRows.
#pragma once

#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/rows_x86.h"

namespace {

constexpr size_t kRows = 16;
constexpr size_t kMaxCols = 8;  // columns that share the unpacked weights
// On Zen 5 the order of memory is the fastest, by up to three times, and on Zen 4 streams are, by half.
constexpr HearthReading kReadings[] = {{false, 8192}, {false, 4096}, {false, 16384},
                                       {true, 256},   {true, 512},   {true, 1024}};

using Bytes = __m512i;
using Ints = __m512i;
using Floats = __m512;

// The low and high half of a block's quants (weights 0..15 and 16..31) of four rows.
struct Quants {
  Bytes lo, hi;
};

// The 16 bytes at `offset` in the blocks of rows g, g + 4, g + 8 and g + 12. Rows is a RowGroup or BlocksAsRows.
template <class Rows>
HEARTH_INLINE Bytes load_rows(const Rows& rows, size_t g, size_t offset) {
  const auto row = [&](size_t r) { return _mm_loadu_si128((const __m128i*)(rows.row(r) + offset)); };
  const __m512i r0 = _mm512_castsi128_si512(row(g));
  return _mm512_inserti32x4(_mm512_inserti32x4(_mm512_inserti32x4(r0, row(g + 4), 1), row(g + 8), 2), row(g + 12), 3);
}

HEARTH_INLINE Quants split_nibbles(Bytes bytes) {
  const Bytes mask = _mm512_set1_epi8(15);
  return {_mm512_and_si512(bytes, mask), _mm512_and_si512(_mm512_srli_epi16(bytes, 4), mask)};
}

// Adds 16 where a weight's bit in the 32-bit masks at `offset` is set.
template <class Rows>
HEARTH_INLINE Quants add_fifth_bits(Quants q, const Rows& rows, size_t g, size_t offset) {
  uint64_t lo = 0, hi = 0;
  for (int j = 3; j >= 0; --j) {
    const uint8_t* mask = rows.row(g + (size_t)(4 * j)) + offset;
    lo = lo << 16 | load_u16(mask);
    hi = hi << 16 | load_u16(mask + 2);
  }
  const Bytes bit = _mm512_set1_epi8(16);
  return {_mm512_mask_add_epi8(q.lo, _cvtu64_mask64(lo), q.lo, bit),
          _mm512_mask_add_epi8(q.hi, _cvtu64_mask64(hi), q.hi, bit)};
}

// vpdpbusd multiplies unsigned by signed bytes, so signed weights are raised by 128 and matmul_blocks_x86.h takes 128 *
// sum(x) away.
constexpr int kSignedBias = 128;
template <class Rows>
HEARTH_INLINE Quants load_signed(const Rows& rows, size_t g, size_t offset) {
  const Bytes raise = _mm512_set1_epi8(-128);
  return {_mm512_xor_si512(load_rows(rows, g, offset), raise),
          _mm512_xor_si512(load_rows(rows, g, offset + 16), raise)};
}

// The low and high half of kBlocks blocks of a column, one for all or two for two rows each, as load_rows has them.
template <size_t kBlocks>
HEARTH_INLINE Quants spread_quants(const int8_t* x) {
  if constexpr (kBlocks == 1) {
    const auto half = [x](size_t at) { return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)(x + at))); };
    return {half(0), half(16)};
  } else {
    const Bytes two = _mm512_loadu_si512(x);
    return {_mm512_shuffle_i32x4(two, two, 0xa0), _mm512_shuffle_i32x4(two, two, 0xf5)};
  }
}
// Their scales or sums, for every row.
template <size_t kBlocks>
HEARTH_INLINE Floats spread(const float* x) {
  if constexpr (kBlocks == 1) return _mm512_set1_ps(*x);
  return _mm512_insertf32x8(_mm512_set1_ps(x[0]), _mm256_set1_ps(x[1]), 1);
}
template <size_t kBlocks>
HEARTH_INLINE Ints spread(const int32_t* x) {
  if constexpr (kBlocks == 1) return _mm512_set1_epi32(*x);
  return _mm512_inserti64x4(_mm512_set1_epi32(x[0]), _mm256_set1_epi32(x[1]), 1);
}
// The values of block b of kBlocks, for each row.
template <size_t kBlocks>
HEARTH_INLINE auto of_block(Floats x, size_t b) {
  if constexpr (kBlocks == 1) {
    return x;
  } else {
    return b == 0 ? _mm512_castps512_ps256(x) : _mm512_extractf32x8_ps(x, 1);
  }
}

// Four partial sums a row.
HEARTH_INLINE Ints dot_unsigned(Quants w, Quants x) {
  return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), w.lo, x.lo), w.hi, x.hi);
}
HEARTH_INLINE Ints dot_signed(Quants w, Quants x) { return dot_unsigned(w, x); }

// The sums of rows 0..15 in lanes 0..15.
HEARTH_INLINE Ints fold_rows(const Ints partial[4]) {
  const auto pairs = [](Ints a, Ints b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const Ints ab = pairs(partial[0], partial[1]), cd = pairs(partial[2], partial[3]);
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

// a - kBias * b for a power of two.
template <int kBias>
HEARTH_INLINE Ints subtract_bias(Ints a, Ints b) {
  if constexpr (kBias == 0) return a;
  return _mm512_sub_epi32(a, _mm512_slli_epi32(b, __builtin_ctz(kBias)));
}
HEARTH_INLINE Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }

HEARTH_INLINE Floats no_floats() { return _mm512_setzero_ps(); }
HEARTH_INLINE Floats times(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
HEARTH_INLINE Floats times(Floats a, float b) { return _mm512_mul_ps(a, _mm512_set1_ps(b)); }
HEARTH_INLINE Floats fma_rows(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
HEARTH_INLINE Floats fma_rows(Floats a, float b, Floats c) { return _mm512_fmadd_ps(a, _mm512_set1_ps(b), c); }
HEARTH_INLINE __m256 fma_rows(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
HEARTH_INLINE void store_rows(float* p, Floats x) { _mm512_storeu_ps(p, x); }
HEARTH_INLINE void store_rows(float* p, __m256 x) { _mm256_storeu_ps(p, x); }

// The 16 bits at `offset` in the blocks of rows r .. r + 7, by integer registers: vectors' loads and shuffles are what
// everything else waits for.
template <class Rows>
HEARTH_INLINE __m128i gather_halves(const Rows& rows, size_t r, size_t offset) {
  const auto four = [&](size_t first) {
    const auto half = [&](size_t i) { return (uint64_t)load_u16(rows.row(first + i) + offset); };
    return _mm_cvtsi64_si128((long long)(half(0) | half(1) << 16 | half(2) << 32 | half(3) << 48));
  };
  return _mm_unpacklo_epi64(four(r), four(r + 4));
}
// The f16 at `offset` of each row's block. The masks of types with a fifth bit keep the integer registers busy.
template <class B, class Rows>
HEARTH_INLINE Floats load_scales(const Rows& rows, size_t offset) {
  if constexpr (kHasHighBits<B>) {
    return _mm512_cvtph_ps(_mm256_setr_m128i(load_halves(rows, 0, offset), load_halves(rows, 8, offset)));
  } else {
    return _mm512_cvtph_ps(_mm256_setr_m128i(gather_halves(rows, 0, offset), gather_halves(rows, 8, offset)));
  }
}

// Four vectors of four rows' 32-bit parts become four vectors of the same part of all rows, rows in order.
HEARTH_INLINE void transpose_rows(Bytes v[4]) {
  const Bytes ab_lo = _mm512_unpacklo_epi32(v[0], v[1]), ab_hi = _mm512_unpackhi_epi32(v[0], v[1]);
  const Bytes cd_lo = _mm512_unpacklo_epi32(v[2], v[3]), cd_hi = _mm512_unpackhi_epi32(v[2], v[3]);
  v[0] = _mm512_unpacklo_epi64(ab_lo, cd_lo);
  v[1] = _mm512_unpackhi_epi64(ab_lo, cd_lo);
  v[2] = _mm512_unpacklo_epi64(ab_hi, cd_hi);
  v[3] = _mm512_unpackhi_epi64(ab_hi, cd_hi);
}
HEARTH_INLINE void store_bytes(uint8_t* p, Bytes v) { _mm512_storeu_si512((__m512i*)p, v); }
HEARTH_INLINE Bytes load_bytes(const uint8_t* p) { return _mm512_loadu_si512((const __m512i*)p); }
HEARTH_INLINE Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
// Four activations, for every row.
HEARTH_INLINE Bytes splat4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four);
}

// In two halves, which do not wait for each other.
template <class B>
struct SideBySide {
  static HEARTH_INLINE Ints dot(const Bytes lo[4], const Bytes hi[4], const int8_t* x) {
    Ints low = _mm512_setzero_si512(), high = low;
    for (size_t j = 0; j < 4; ++j) {
      low = _mm512_dpbusd_epi32(low, lo[j], splat4(x + 4 * j));
      high = _mm512_dpbusd_epi32(high, hi[j], splat4(x + 16 + 4 * j));
    }
    return _mm512_add_epi32(low, high);
  }
};

// The packed matrix product's tile: a vector of rows times eight columns.
constexpr size_t kRowVectors = 1;
constexpr size_t kTileCols = 8;  // 8 sums and 8 vectors of weights are in registers
// From how many columns on unpacking into a panel pays: of blocks, super-blocks, and Q4_K or Q5_K, unpacked quickest.
constexpr size_t kPackedBlocks = 13, kPackedSuper = 8, kPackedSixBits = 5;

// sum[0][c] += the packed block times that of column c, for every row. Columns are x_stride apart.
template <class B>
HEARTH_INLINE void multiply_block(const uint8_t* w, const int8_t* x, size_t x_stride,
                                  Ints sum[kRowVectors][kTileCols]) {
  for (size_t j = 0; j < 8; ++j) {
    const Bytes weights = load_bytes(w + j * sizeof(Bytes));
    for (size_t c = 0; c < kTileCols; ++c) {
      sum[0][c] = _mm512_dpbusd_epi32(sum[0][c], weights, splat4(x + c * x_stride + 4 * j));
    }
  }
}

}  // namespace
