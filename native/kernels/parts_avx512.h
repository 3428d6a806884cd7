// Parts of super-blocks as AVX-512 vectors of 64 quants: the vocabulary that matmul_super_x86.h is written in. A part
// is two times 32 weights, which the types keep in the same bytes or side by side.
#pragma once

#include <immintrin.h>

#include "kernels/rows_avx512.h"
#include "kernels/super_blocks.h"

namespace {

constexpr size_t kWidth = 64;

HEARTH_INLINE Bytes load_bytes(const int8_t* p) { return _mm512_loadu_si512((const __m512i*)p); }
HEARTH_INLINE Bytes raise(Bytes w, int by) { return _mm512_add_epi8(w, _mm512_set1_epi8((char)by)); }
HEARTH_INLINE Bytes join(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
HEARTH_INLINE Ints no_ints() { return _mm512_setzero_si512(); }

// Bytes from p on twice, as halves of a vector.
HEARTH_INLINE Bytes load_twice(const uint8_t* p) {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i*)p));
}
HEARTH_INLINE Bytes halves(int16_t low, int16_t high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set1_epi16(low)), _mm256_set1_epi16(high), 1);
}

// Two bits of each weight in Q2_K's order, moved up by `up`, 0 or 4.
HEARTH_INLINE Bytes two_bit_part(const uint8_t* qs, size_t k, int up) {
  const Bytes bytes = load_twice(qs + k / 2 * 32);
  const int16_t shift = (int16_t)(k % 2 * 4);
  const Bytes moved = up == 0      ? _mm512_srlv_epi16(bytes, halves(shift, (int16_t)(shift + 2)))
                      : shift == 0 ? _mm512_sllv_epi16(bytes, halves(4, 2))
                                   : _mm512_srlv_epi16(bytes, halves(0, 2));
  return _mm512_and_si512(moved, _mm512_set1_epi8((char)(3 << up)));
}

// Nibbles in Q4_K's order.
HEARTH_INLINE Bytes nibble_part(const uint8_t* qs, size_t k) {
  return _mm512_and_si512(_mm512_srlv_epi16(load_twice(qs + 32 * k), halves(0, 4)), _mm512_set1_epi8(15));
}

// Nibbles in Q6_K's order.
HEARTH_INLINE Bytes q6_nibble_part(const uint8_t* ql, size_t k) {
  const Bytes bytes = load_bytes(ql + k / 2 * 64);
  return _mm512_and_si512(k % 2 ? _mm512_srli_epi16(bytes, 4) : bytes, _mm512_set1_epi8(15));
}

// Bit j of qh[l] for weight 32 * j + l, moved up by `up`.
HEARTH_INLINE Bytes high_bit_part(const uint8_t* qh, size_t k, int up) {
  const int16_t low = (int16_t)(0x0101 << 2 * k), high = (int16_t)(0x0202 << 2 * k);
  const __mmask64 set = _mm512_test_epi8_mask(load_twice(qh), halves(low, high));
  return _mm512_maskz_set1_epi8(set, (char)(1 << up));
}

// The codebook's values, in IQ4_XS's order.
HEARTH_INLINE Bytes iq4_part(const uint8_t* qs, size_t k) {
  const Bytes twice = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3), load_twice(qs + 32 * k));
  const Bytes shifts = _mm512_broadcast_i64x4(_mm256_setr_epi64x(0, 0, 0x0004000400040004, 0x0004000400040004));
  const Bytes nibbles = _mm512_and_si512(_mm512_srlv_epi16(twice, shifts), _mm512_set1_epi8(15));
  const Bytes values = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)kIq4Values));
  return _mm512_shuffle_epi8(raise(values, kRaise<block_iq4_xs>), nibbles);
}

// The bias that part() adds to the quants of a type: one factor has to be unsigned.
template <class B>
constexpr int kPartRaise = kRaise<B>;

// 16 scales, for the groups of 16 weights.
struct Scales {
  __m256i scales16;

  HEARTH_INLINE explicit Scales(__m256i s) : scales16(s) {}
  // For each two products of part k.
  HEARTH_INLINE Bytes pairs(size_t k) const {
    const auto four = [k](size_t i) { return (long long)((4 * k + i) * 0x0001000100010001); };
    const Bytes index = _mm512_setr_epi64(four(0), four(0), four(1), four(1), four(2), four(2), four(3), four(3));
    return _mm512_permutexvar_epi16(index, _mm512_castsi256_si512(scales16));
  }
  // For each four.
  HEARTH_INLINE Ints fours(size_t k) const {
    const auto two = [k](size_t i) { return (long long)((4 * k + i) * 0x0000000100000001); };
    const Bytes index = _mm512_setr_epi64(two(0), two(0), two(1), two(1), two(2), two(2), two(3), two(3));
    return _mm512_permutexvar_epi32(index, _mm512_cvtepi16_epi32(scales16));
  }
};

// Eight scales, for the groups of 32 weights: those of row r among four.
struct EightScales {
  Bytes scales16;
  size_t r;

  HEARTH_INLINE EightScales(Bytes of_rows, size_t row) : scales16(of_rows), r(row) {}
  // For each two products of part k.
  HEARTH_INLINE Bytes pairs(size_t k) const {
    const long long first = (long long)((8 * r + 2 * k) * 0x0001000100010001), second = first + 0x0001000100010001;
    const Bytes index = _mm512_setr_epi64(first, first, first, first, second, second, second, second);
    return _mm512_permutexvar_epi16(index, scales16);
  }
};

constexpr size_t kRowsOf128 = 4;
HEARTH_INLINE Bytes load_headers(const RowGroup<4>& rows, size_t, size_t offset) {
  const auto row = [&](size_t r) { return _mm_loadu_si128((const __m128i*)(rows.row(r) + offset)); };
  const Bytes r0 = _mm512_castsi128_si512(row(0));
  return _mm512_inserti32x4(_mm512_inserti32x4(_mm512_inserti32x4(r0, row(1), 1), row(2), 2), row(3), 3);
}
HEARTH_INLINE Bytes unpack_six_bits(Bytes packed) {
  const Bytes shifts = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 4, 0, 0));
  const Bytes nibbles = _mm512_and_si512(_mm512_srlv_epi32(_mm512_shuffle_epi32(packed, (_MM_PERM_ENUM)0xaa), shifts),
                                         _mm512_set1_epi8(15));
  const Bytes bits = _mm512_and_si512(_mm512_srli_epi16(packed, 2), _mm512_set1_epi8(0x30));
  return _mm512_unpacklo_epi32(_mm512_and_si512(packed, _mm512_set1_epi8(63)), join(nibbles, bits));
}
HEARTH_INLINE Bytes as_first_128(__m128i a) { return _mm512_castsi128_si512(a); }
HEARTH_INLINE __m128i first_128(Bytes a) { return _mm512_castsi512_si128(a); }
HEARTH_INLINE Bytes widen_low(Bytes a) { return _mm512_unpacklo_epi8(a, _mm512_setzero_si512()); }
HEARTH_INLINE Bytes widen_high(Bytes a) { return _mm512_unpackhi_epi8(a, _mm512_setzero_si512()); }
HEARTH_INLINE __m128i dot_rows(const Bytes words[1], __m128i sums) {
  const Ints fours = _mm512_madd_epi16(words[0], _mm512_broadcast_i32x4(sums));
  const Ints twos = _mm512_add_epi32(fours, _mm512_shuffle_epi32(fours, (_MM_PERM_ENUM)0x4e));
  const Ints ones = _mm512_add_epi32(twos, _mm512_shuffle_epi32(twos, (_MM_PERM_ENUM)0xb1));
  return _mm512_castsi512_si128(_mm512_permutexvar_epi32(_mm512_castsi128_si512(_mm_setr_epi32(0, 4, 8, 12)), ones));
}

template <class B, class AnyScales>
HEARTH_INLINE Ints multiply_part(Ints acc, Bytes w, Bytes x, const AnyScales& scales, size_t k) {
  // The sum of two products fits 16 bits: 2 * 129 * 127 = 32766.
  if constexpr (kLargest<B> <= 129) {
    return _mm512_dpwssd_epi32(acc, _mm512_maddubs_epi16(w, x), scales.pairs(k));
  } else {
    const Ints products = _mm512_dpbusd_epi32(no_ints(), w, x);
    return _mm512_add_epi32(acc, _mm512_mullo_epi32(products, scales.fours(k)));
  }
}

HEARTH_INLINE Ints subtract_eight(Ints a, __m256i b) { return _mm512_sub_epi32(a, _mm512_zextsi256_si512(b)); }
HEARTH_INLINE __m128i fold4_ints(Ints a, Ints b, Ints c, Ints d) {
  const Ints partial[4] = {a, b, c, d};
  const Ints sums = fold_rows(partial);
  const __m256i halves = _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}
// For the minimums of types with sixteen of them.
HEARTH_INLINE __m128i fold4_ints(__m256i a, __m256i b, __m256i c, __m256i d) {
  const auto wide = [](__m256i x) { return _mm512_zextsi256_si512(x); };
  return fold4_ints(wide(a), wide(b), wide(c), wide(d));
}

// The bias of a type's packed quants.
template <class B>
constexpr int kPanelRaise = kRaise<B>;
// The low or high 16 bits of each lane, a scale, as multiply_sub_block takes it.
HEARTH_INLINE Ints low_scales(Bytes pairs) { return _mm512_srai_epi32(_mm512_slli_epi32(pairs, 16), 16); }
HEARTH_INLINE Ints high_scales(Bytes pairs) { return _mm512_srai_epi32(pairs, 16); }
// The low 16 bits of a and the high ones of b.
HEARTH_INLINE Bytes join_pairs(Bytes a, Bytes b) { return _mm512_mask_blend_epi16(0xaaaaaaaa, a, b); }
// Bytes `low` and `high` of each lane as two signed numbers of 16 bits.
HEARTH_INLINE Bytes spread_bytes(Bytes v, size_t low, size_t high) {
  const Bytes bytes = _mm512_set1_epi32((int)(0x00800080 | high << 24 | low << 8));
  const Bytes lanes = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0x04000400, 0x08000800, 0x0c000c00));
  return _mm512_srai_epi16(_mm512_shuffle_epi8(v, join(bytes, lanes)), 8);
}
// `count` bits of each byte from `bit` on, worth 16 and more.
HEARTH_INLINE Bytes bits_as_16(Bytes v, int bit, int count) {
  const Bytes moved = bit >= 4 ? _mm512_srli_epi16(v, (unsigned)(bit - 4)) : _mm512_slli_epi16(v, (unsigned)(4 - bit));
  return _mm512_and_si512(moved, _mm512_set1_epi8((char)(((1 << count) - 1) << 4)));
}
HEARTH_INLINE Bytes multiply_pairs(Bytes a, int by) { return _mm512_mullo_epi16(a, _mm512_set1_epi16((short)by)); }
// acc + the products of pairs of 16-bit numbers
HEARTH_INLINE Ints dot_pairs(Ints acc, Bytes a, Bytes b) { return _mm512_dpwssd_epi32(acc, a, b); }

// total[0][c] += scale[0] * (the packed sub-block times that of column c), for every row. Columns are a super-block
// apart.
template <class B>
HEARTH_INLINE void multiply_sub_block(const uint8_t* w, const int8_t* x, const Ints scale[kRowVectors],
                                      Ints total[kRowVectors][kTileCols]) {
  constexpr size_t kVectors = kSubBlock<B> / 4;
  Bytes weights[kVectors];
  for (size_t j = 0; j < kVectors; ++j) weights[j] = load_bytes(w + j * sizeof(Bytes));
  for (size_t c = 0; c < kTileCols; ++c) {
    Ints sum = no_ints();
    for (size_t j = 0; j < kVectors; ++j) {
      sum = _mm512_dpbusd_epi32(sum, weights[j], splat4(x + c * HEARTH_SUPER_BLOCK + 4 * j));
    }
    total[0][c] = _mm512_add_epi32(total[0][c], _mm512_mullo_epi32(sum, scale[0]));
  }
}

}  // namespace
