// Parts of super-blocks as AVX2 vectors of 32 quants: the vocabulary that matmul_super_x86.h is written in.
#pragma once

#include <immintrin.h>

#include "kernels/rows_avx2.h"
#include "kernels/super_blocks.h"

namespace {

constexpr size_t kWidth = 32;

HEARTH_INLINE Bytes load_bytes(const int8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
HEARTH_INLINE Bytes raise(Bytes w, int by) { return _mm256_add_epi8(w, _mm256_set1_epi8((char)by)); }
HEARTH_INLINE Bytes join(Bytes a, Bytes b) { return _mm256_or_si256(a, b); }
HEARTH_INLINE Ints no_ints() { return _mm256_setzero_si256(); }

// Moves bits down, or up where `down` is negative, and keeps those of the mask.
HEARTH_INLINE Bytes take_bits(Bytes bytes, int down, int mask) {
  const Bytes moved = down >= 0 ? _mm256_srli_epi16(bytes, down) : _mm256_slli_epi16(bytes, -down);
  return _mm256_and_si256(moved, _mm256_set1_epi8((char)mask));
}

// Two bits of each weight in Q2_K's order, moved up by `up`.
HEARTH_INLINE Bytes two_bit_part(const uint8_t* qs, size_t k, int up) {
  return take_bits(load_bytes(qs + k / 4 * 32), (int)(k % 4 * 2) - up, 3 << up);
}
// Nibbles in Q4_K's order.
HEARTH_INLINE Bytes nibble_part(const uint8_t* qs, size_t k) {
  return take_bits(load_bytes(qs + k / 2 * 32), (int)(k % 2 * 4), 15);
}
// Nibbles in Q6_K's order.
HEARTH_INLINE Bytes q6_nibble_part(const uint8_t* ql, size_t k) {
  return take_bits(load_bytes(ql + k / 4 * 64 + k % 2 * 32), (int)(k / 2 % 2 * 4), 15);
}
// Bit j of qh[l] for weight 32 * j + l, moved up by `up`.
HEARTH_INLINE Bytes high_bit_part(const uint8_t* qh, size_t k, int up) {
  return take_bits(load_bytes(qh), (int)k - up, 1 << up);
}
// The codebook's values, in IQ4_XS's order.
HEARTH_INLINE Bytes iq4_part(const uint8_t* qs, size_t k) {
  const __m128i bytes = _mm_loadu_si128((const __m128i*)(qs + 16 * k));
  const Bytes nibbles = _mm256_and_si256(_mm256_setr_m128i(bytes, _mm_srli_epi16(bytes, 4)), _mm256_set1_epi8(15));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)kIq4Values)), nibbles);
}

// The bias that part() adds to the quants of a type. One factor has to be unsigned, and the sum of two products fits 16
// bits up to 2 * 129 * 127 = 32766; the larger ones stay signed, and give their sign to the activations.
template <class B>
constexpr int kPartRaise = kLargest<B> <= 129 ? kRaise<B> : 0;

// 16 scales, for the groups of 16 weights.
struct Scales {
  __m256i low, high;  // 8 each, twice

  HEARTH_INLINE explicit Scales(__m256i s)
      : low(_mm256_permute2x128_si256(s, s, 0x00)), high(_mm256_permute2x128_si256(s, s, 0x11)) {}
  // For each two products of part k.
  HEARTH_INLINE Bytes pairs(size_t k) const {
    const short first = (short)(0x0100 + 0x0202 * (2 * k % 8)), second = (short)(first + 0x0202);
    const Bytes index = _mm256_setr_m128i(_mm_set1_epi16(first), _mm_set1_epi16(second));
    return _mm256_shuffle_epi8(k < 4 ? low : high, index);
  }
};

// Eight scales, for the groups of 32 weights: those of row r of two.
struct EightScales {
  __m256i twice;

  HEARTH_INLINE EightScales(Bytes of_rows, size_t r)
      : twice(r == 0 ? _mm256_permute2x128_si256(of_rows, of_rows, 0x00)
                     : _mm256_permute2x128_si256(of_rows, of_rows, 0x11)) {}
  HEARTH_INLINE Bytes pairs(size_t k) const {
    return _mm256_shuffle_epi8(twice, _mm256_set1_epi16((short)(0x0100 + 0x0202 * k)));
  }
};

constexpr size_t kRowsOf128 = 2;
HEARTH_INLINE Bytes load_headers(const RowGroup<4>& rows, size_t r, size_t offset) {
  return _mm256_loadu2_m128i((const __m128i*)(rows.row(r + 1) + offset), (const __m128i*)(rows.row(r) + offset));
}
HEARTH_INLINE Bytes unpack_six_bits(Bytes packed) {
  const Bytes shifts = _mm256_setr_epi32(0, 4, 0, 0, 0, 4, 0, 0);
  const Bytes nibbles =
      _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi32(packed, 0xaa), shifts), _mm256_set1_epi8(15));
  const Bytes bits = _mm256_and_si256(_mm256_srli_epi16(packed, 2), _mm256_set1_epi8(0x30));
  return _mm256_unpacklo_epi32(_mm256_and_si256(packed, _mm256_set1_epi8(63)), join(nibbles, bits));
}
HEARTH_INLINE Bytes as_first_128(__m128i a) { return _mm256_castsi128_si256(a); }
HEARTH_INLINE __m128i first_128(Bytes a) { return _mm256_castsi256_si128(a); }
HEARTH_INLINE Bytes widen_low(Bytes a) { return _mm256_unpacklo_epi8(a, _mm256_setzero_si256()); }
HEARTH_INLINE Bytes widen_high(Bytes a) { return _mm256_unpackhi_epi8(a, _mm256_setzero_si256()); }
HEARTH_INLINE __m128i dot_rows(const Bytes words[2], __m128i sums) {
  const Bytes twice = _mm256_broadcastsi128_si256(sums);
  const Ints rows01 = _mm256_madd_epi16(words[0], twice), rows23 = _mm256_madd_epi16(words[1], twice);
  const Ints twos = _mm256_add_epi32(_mm256_unpacklo_epi32(rows01, rows23), _mm256_unpackhi_epi32(rows01, rows23));
  const Ints ones = _mm256_add_epi32(twos, _mm256_shuffle_epi32(twos, 0x4e));  // rows 0 and 2, rows 1 and 3
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(ones), _mm256_extracti128_si256(ones, 1));
}

template <class B, class AnyScales>
HEARTH_INLINE Ints multiply_part(Ints acc, Bytes w, Bytes x, const AnyScales& scales, size_t k) {
  const __m256i products = kLargest<B> <= 129 ? _mm256_maddubs_epi16(w, x)
                                              : _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
  acc = _mm256_add_epi32(acc, _mm256_madd_epi16(products, scales.pairs(k)));
  keep_order(acc);
  return acc;
}

HEARTH_INLINE Ints subtract_eight(Ints a, __m256i b) { return _mm256_sub_epi32(a, b); }
HEARTH_INLINE __m128i fold4_ints(Ints a, Ints b, Ints c, Ints d) {
  const Ints partial[4] = {a, b, c, d};
  const Ints sums = fold_rows(partial);
  return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

// The bias of a type's packed quants: here sums of several products are to fit 16 bits.
template <class B>
constexpr int kPanelRaise = kLargest<B> <= 63 ? kRaise<B> : 0;
// The low or high 16 bits of each lane, a scale, as multiply_sub_block takes it: twice.
HEARTH_INLINE Ints low_scales(Bytes pairs) { return _mm256_blend_epi16(pairs, _mm256_slli_epi32(pairs, 16), 0xaa); }
HEARTH_INLINE Ints high_scales(Bytes pairs) { return _mm256_blend_epi16(_mm256_srli_epi32(pairs, 16), pairs, 0xaa); }
// The low 16 bits of a and the high ones of b.
HEARTH_INLINE Bytes join_pairs(Bytes a, Bytes b) { return _mm256_blend_epi16(a, b, 0xaa); }
// Bytes `low` and `high` of each lane as two signed numbers of 16 bits.
HEARTH_INLINE Bytes spread_bytes(Bytes v, size_t low, size_t high) {
  const Bytes bytes = _mm256_set1_epi32((int)(0x00800080 | high << 24 | low << 8));
  const Bytes lanes = _mm256_broadcastsi128_si256(_mm_setr_epi32(0, 0x04000400, 0x08000800, 0x0c000c00));
  return _mm256_srai_epi16(_mm256_shuffle_epi8(v, join(bytes, lanes)), 8);
}
// `count` bits of each byte from `bit` on, worth 16 and more.
HEARTH_INLINE Bytes bits_as_16(Bytes v, int bit, int count) { return take_bits(v, bit - 4, ((1 << count) - 1) << 4); }
HEARTH_INLINE Bytes multiply_pairs(Bytes a, int by) { return _mm256_mullo_epi16(a, _mm256_set1_epi16((short)by)); }
// acc + the products of pairs of 16-bit numbers
HEARTH_INLINE Ints dot_pairs(Ints acc, Bytes a, Bytes b) { return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)); }

// total[v][c] += scale[v] * (the packed sub-block times that of column c), for every row. Columns are a super-block
// apart.
template <class B>
HEARTH_INLINE void multiply_sub_block(const uint8_t* w, const int8_t* x, const Ints scale[kRowVectors],
                                      Ints total[kRowVectors][kTileCols]) {
  constexpr size_t kSteps = kSubBlock<B> / 4, kRun = narrow_run(kLargest<B>);
  multiply_steps < kRun<kSteps ? kRun : kSteps, kSteps>(w, HEARTH_SUPER_BLOCK / 4 * sizeof(Bytes), x,
                                                        HEARTH_SUPER_BLOCK, scale, total);
}

}  // namespace
