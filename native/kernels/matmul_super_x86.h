// Weights in super-blocks times int8 activations on x86 for few columns, along the row: a part of a row's quants, as
// wide as a vector, is multiplied with the same part of each column, and the products with the sub-blocks' scales, all
// in integers. Written once over parts_*.h, which an instruction set's file includes first:
//
//   Bytes, kWidth                         a vector of quants, and how many it has
//   two_bit_part, nibble_part, ...        part k of a super-block's quants
//   Scales(scales16)                      scales of 16 bits for 16 weights each, to be spread over parts
//   EightScales(scales16, r)              the same for 32 weights each, of row r of several
//   multiply_part<B>(acc, w, x, scales, k)   acc + products * scales, in 32-bit lanes
//   kRowsOf128                            of how many rows a vector holds 16 bytes each
//   load_headers(rows, r, offset)         those bytes of rows r .. r + kRowsOf128 - 1
//   unpack_six_bits(bytes)                Q4_K's scales 0..7 and minimums 0..7 as bytes, for each of these rows
//   dot_rows(words, sums)                 eight products of 16-bit numbers for each of four rows, added up
//   subtract_eight(acc, eight)            acc - eight, which is as long as AVX2's vectors
//   fold4_ints(a, b, c, d)                the sums of four vectors' lanes
#pragma once

#include "kernels/kernels.h"
#include "kernels/matmul_blocks_x86.h"
#include "kernels/super_blocks.h"

namespace {

// One super-block of a row, its quants raised by kPartRaise<B>. The plain way: decoded by super_blocks.h. The other
// ways say where the halves d and dmin are (kD, kDmin), so that those of four rows are read at once.
template <class B>
struct SuperRow {
  SuperBlock block;

  HEARTH_INLINE explicit SuperRow(const uint8_t* p) { super_block_at<B>(p, 0, &block); }
  HEARTH_INLINE Bytes part(size_t k) const { return raise(load_bytes(block.q + kWidth * k), kPartRaise<B>); }
  HEARTH_INLINE __m256i scales() const { return _mm256_loadu_si256((const __m256i*)block.scale); }
  HEARTH_INLINE __m256i mins() const { return _mm256_loadu_si256((const __m256i*)block.min); }
  HEARTH_INLINE float d() const { return block.d; }
  HEARTH_INLINE float dmin() const { return block.dmin; }
};

HEARTH_INLINE float half_at(const uint8_t* p) { return _cvtsh_ss(load_u16(p)); }

// Q4_K and Q5_K have eight scales and eight minimums, each for 32 weights.
template <class B>
constexpr bool kSixBits = false;
template <>
constexpr bool kSixBits<block_q4_k> = true;
template <>
constexpr bool kSixBits<block_q5_k> = true;

// The scales of one block, repeated for 16 weights each.
struct SixBits {
  __m128i bytes;

  HEARTH_INLINE explicit SixBits(const uint8_t* p)  // reads 16 bytes
      : bytes(first_128(unpack_six_bits(as_first_128(_mm_loadu_si128((const __m128i*)p))))) {}
  HEARTH_INLINE __m256i scales() const { return twice(_mm_unpacklo_epi8(bytes, _mm_setzero_si128())); }
  HEARTH_INLINE __m256i mins() const { return twice(_mm_unpackhi_epi8(bytes, _mm_setzero_si128())); }

 private:
  HEARTH_INLINE static __m256i twice(__m128i eight) {
    return _mm256_setr_m128i(_mm_unpacklo_epi16(eight, eight), _mm_unpackhi_epi16(eight, eight));
  }
};

template <>
struct SuperRow<block_q4_k> {
  static constexpr size_t kD = offsetof(block_q4_k, d), kDmin = offsetof(block_q4_k, dmin);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const { return nibble_part(p + offsetof(block_q4_k, qs), k); }
  HEARTH_INLINE __m256i scales() const { return SixBits(p + offsetof(block_q4_k, scales)).scales(); }
  HEARTH_INLINE __m256i mins() const { return SixBits(p + offsetof(block_q4_k, scales)).mins(); }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
  HEARTH_INLINE float dmin() const { return half_at(p + kDmin); }
};

template <>
struct SuperRow<block_q5_k> {
  static constexpr size_t kD = offsetof(block_q5_k, d), kDmin = offsetof(block_q5_k, dmin);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const {
    return join(nibble_part(p + offsetof(block_q5_k, qs), k), high_bit_part(p + offsetof(block_q5_k, qh), k, 4));
  }
  HEARTH_INLINE __m256i scales() const { return SixBits(p + offsetof(block_q5_k, scales)).scales(); }
  HEARTH_INLINE __m256i mins() const { return SixBits(p + offsetof(block_q5_k, scales)).mins(); }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
  HEARTH_INLINE float dmin() const { return half_at(p + kDmin); }
};

template <>
struct SuperRow<block_q6_k> {
  static constexpr size_t kD = offsetof(block_q6_k, d);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const {
    return join(q6_nibble_part(p, k), two_bit_part(p + offsetof(block_q6_k, qh), k, 4));
  }
  HEARTH_INLINE __m256i scales() const {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)(p + offsetof(block_q6_k, scales))));
  }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
};

template <>
struct SuperRow<block_q2_k> {
  static constexpr size_t kD = offsetof(block_q2_k, d), kDmin = offsetof(block_q2_k, dmin);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const { return two_bit_part(p + offsetof(block_q2_k, qs), k, 0); }
  HEARTH_INLINE __m256i scales() const { return _mm256_and_si256(pairs(), _mm256_set1_epi16(15)); }
  HEARTH_INLINE __m256i mins() const { return _mm256_srli_epi16(pairs(), 4); }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
  HEARTH_INLINE float dmin() const { return half_at(p + kDmin); }

 private:
  HEARTH_INLINE __m256i pairs() const { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)p)); }
};

template <>
struct SuperRow<block_q3_k> {
  static constexpr size_t kD = offsetof(block_q3_k, d);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const {
    return join(two_bit_part(p + offsetof(block_q3_k, qs), k, 0), high_bit_part(p, k, 2));
  }
  HEARTH_INLINE __m256i scales() const {
    uint64_t low;
    const uint8_t* s = p + offsetof(block_q3_k, scales);
    memcpy(&low, s, sizeof low);
    const __m128i nibbles = _mm_and_si128(_mm_set_epi64x((long long)(low >> 4), (long long)low), _mm_set1_epi8(15));
    const __m128i bits = _mm_srlv_epi32(_mm_set1_epi32((int)load_u32(s + 8)), _mm_setr_epi32(0, 2, 4, 6));
    const __m128i upper = _mm_slli_epi16(_mm_and_si128(bits, _mm_set1_epi8(3)), 4);
    return _mm256_cvtepi8_epi16(_mm_sub_epi8(_mm_or_si128(nibbles, upper), _mm_set1_epi8(32)));
  }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
};

template <>
struct SuperRow<block_iq4_xs> {
  static constexpr size_t kD = offsetof(block_iq4_xs, d);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const { return iq4_part(p + offsetof(block_iq4_xs, qs), k); }
  HEARTH_INLINE __m256i scales() const {
    const __m128i four = _mm_cvtepu8_epi32(_mm_cvtsi32_si128((int)load_u32(p + offsetof(block_iq4_xs, scales_l))));
    const __m128i low =
        _mm_or_si128(_mm_and_si128(four, _mm_set1_epi32(15)), _mm_slli_epi32(_mm_srli_epi32(four, 4), 16));
    const __m128i bits = _mm_set1_epi16((short)load_u16(p + offsetof(block_iq4_xs, scales_h)));
    // Moves two bits of each number to bits 4 and 5: multiplied by a power of two they stand at bits 14 and 15.
    const __m128i up = _mm_mullo_epi16(bits, _mm_setr_epi16(1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 4, 1));
    const __m128i high = _mm_and_si128(_mm_srli_epi16(up, 10), _mm_set1_epi16(0x30));
    const __m128i eight = _mm_sub_epi16(_mm_or_si128(low, high), _mm_set1_epi16(32));
    return _mm256_setr_m128i(_mm_unpacklo_epi16(eight, eight), _mm_unpackhi_epi16(eight, eight));
  }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
};

template <>
struct SuperRow<block_tq2_0> {
  static constexpr size_t kD = offsetof(block_tq2_0, d);
  const uint8_t* p;

  HEARTH_INLINE explicit SuperRow(const uint8_t* block) : p(block) {}
  HEARTH_INLINE Bytes part(size_t k) const { return two_bit_part(p, k, 0); }
  HEARTH_INLINE __m256i scales() const { return _mm256_set1_epi16(1); }
  HEARTH_INLINE float d() const { return half_at(p + kD); }
};

constexpr size_t kSuperRows = 4;  // that are worked on together: their sums share the conversion to floats

// The f16 at `offset` of each row's block.
HEARTH_INLINE __m128 load_four_scales(const RowGroup<kSuperRows>& rows, size_t offset) {
  __m128i halves = _mm_setzero_si128();
  insert_half<0>(halves, rows.row(0) + offset);
  insert_half<1>(halves, rows.row(1) + offset);
  insert_half<2>(halves, rows.row(2) + offset);
  insert_half<3>(halves, rows.row(3) + offset);
  return _mm_cvtph_ps(halves);
}

// The scales and minimums of four rows' blocks.
template <class B>
struct Headers {
  HEARTH_INLINE explicit Headers(const RowGroup<kSuperRows>&) {}
  HEARTH_INLINE Scales scales(const SuperRow<B>& row, size_t) const { return Scales(row.scales()); }
};

// The six bits of all four rows are unpacked together.
template <class B>
requires kSixBits<B>
struct Headers<B> {
  Bytes scales16[kSuperRows / kRowsOf128], mins16[kSuperRows / kRowsOf128];

  HEARTH_INLINE explicit Headers(const RowGroup<kSuperRows>& rows) {
    for (size_t i = 0; i < kSuperRows / kRowsOf128; ++i) {
      const Bytes bytes = unpack_six_bits(load_headers(rows, i * kRowsOf128, offsetof(B, scales)));
      scales16[i] = widen_low(bytes);
      mins16[i] = widen_high(bytes);
    }
  }
  HEARTH_INLINE EightScales scales(const SuperRow<B>&, size_t r) const {
    return EightScales(scales16[r / kRowsOf128], r % kRowsOf128);
  }
  // The sum of min * sums for each row.
  HEARTH_INLINE __m128i multiply_mins(__m128i sums) const { return dot_rows(mins16, sums); }
};

// A super-block's sums of activations, for each minimum.
template <class B>
HEARTH_INLINE auto load_sums(const int16_t* sums) {
  const __m256i of_16 = _mm256_loadu_si256((const __m256i*)sums);
  if constexpr (kSixBits<B>) {
    return _mm_hadd_epi16(_mm256_castsi256_si128(of_16), _mm256_extracti128_si256(of_16, 1));
  } else {
    return of_16;
  }
}

// The integer sums of one row's super-block against kCols columns, in lanes that fold4_ints adds up.
template <class B, size_t kCols, class AnyScales, class Sums>
HEARTH_INLINE void super_sums(const SuperRow<B>& row, const AnyScales& scales, const int8_t* const x[kCols],
                              const Sums sums[kCols], Ints acc[kCols], Sums mins[kCols]) {
  for (size_t c = 0; c < kCols; ++c) acc[c] = no_ints();
#pragma GCC unroll 8  // the part decides which bits are shifted where
  for (size_t k = 0; k < HEARTH_SUPER_BLOCK / kWidth; ++k) {
    const Bytes w = row.part(k);
    for (size_t c = 0; c < kCols; ++c) acc[c] = multiply_part<B>(acc[c], w, load_bytes(x[c] + kWidth * k), scales, k);
  }
  for (size_t c = 0; c < kCols; ++c) {
    if constexpr (kHasMinimum<B> && !kSixBits<B>) mins[c] = _mm256_madd_epi16(row.mins(), sums[c]);
    if constexpr (kPartRaise<B> != 0) {
      const __m256i raised = _mm256_madd_epi16(row.scales(), sums[c]);
      acc[c] = subtract_eight(acc[c], _mm256_mullo_epi32(raised, _mm256_set1_epi32(kPartRaise<B>)));
    }
  }
}

// y[c][0..3] of four rows for kCols columns from column c0 on.
template <class B, size_t kCols, bool kStreams>
inline void super_tile(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c0, size_t ahead_bytes,
                       __m128 y[kCols]) {
  using Sums = decltype(load_sums<B>(NULL));
  const size_t n_blocks = x->n / HEARTH_SUPER_BLOCK;
  __m128 acc[kCols];
  for (size_t c = 0; c < kCols; ++c) acc[c] = _mm_setzero_ps();
  RowGroup<kSuperRows> rows(w, stride);
  Ahead<kSuperRows> ahead(w, stride, ahead_bytes);
  for (size_t i = 0; i < n_blocks; ++i) {
    const int8_t* q[kCols];
    Sums sums[kCols];
    for (size_t c = 0; c < kCols; ++c) {
      q[c] = x->super_q + (c0 + c) * x->n + i * HEARTH_SUPER_BLOCK;
      sums[c] = load_sums<B>(x->super_sum + ((c0 + c) * n_blocks + i) * kSubBlocks);
    }
    const Headers<B> headers(rows);
    Ints products[kSuperRows][kCols];
    Sums mins[kSuperRows][kCols];
    float d[kSuperRows], dmin[kSuperRows];
#pragma GCC unroll 4
    for (size_t r = 0; r < kSuperRows; ++r) {
      if constexpr (kStreams) {
        if (c0 == 0) fetch_lines(rows.row(r) + ahead_bytes, sizeof(B));
      } else if (c0 == 0) {
        ahead.template fetch<sizeof(B)>(rows.row(r), i * sizeof(B));
      }
      const SuperRow<B> row(rows.row(r));
      super_sums<B, kCols>(row, headers.scales(row, r), q, sums, products[r], mins[r]);
      if constexpr (!requires { SuperRow<B>::kD; }) {
        d[r] = row.d();
        if constexpr (kHasMinimum<B>) dmin[r] = row.dmin();
      }
    }
    __m128 d_w, dmin_w;
    if constexpr (requires { SuperRow<B>::kD; }) {
      d_w = load_four_scales(rows, SuperRow<B>::kD);
      if constexpr (kHasMinimum<B>) dmin_w = load_four_scales(rows, SuperRow<B>::kDmin);
    } else {
      d_w = _mm_loadu_ps(d);
      if constexpr (kHasMinimum<B>) dmin_w = _mm_loadu_ps(dmin);
    }
    for (size_t c = 0; c < kCols; ++c) {
      const __m128 d_x = _mm_set1_ps(x->super_d[(c0 + c) * n_blocks + i]);
      const __m128i total = fold4_ints(products[0][c], products[1][c], products[2][c], products[3][c]);
      acc[c] = _mm_fmadd_ps(_mm_cvtepi32_ps(total), _mm_mul_ps(d_w, d_x), acc[c]);
      if constexpr (kHasMinimum<B>) {
        __m128i minimum;
        if constexpr (kSixBits<B>) {
          minimum = headers.multiply_mins(sums[c]);
        } else {
          minimum = fold4_ints(mins[0][c], mins[1][c], mins[2][c], mins[3][c]);
        }
        const __m128i negative = _mm_sub_epi32(_mm_setzero_si128(), minimum);
        acc[c] = _mm_fmadd_ps(_mm_cvtepi32_ps(negative), _mm_mul_ps(dmin_w, d_x), acc[c]);
      }
    }
    rows.next_block(sizeof(B));
  }
  for (size_t c = 0; c < kCols; ++c) y[c] = acc[c];
}

// tiles() of matmul_blocks_x86.h for four rows.
template <class B, size_t kCols, bool kStreams, class Store>
inline size_t super_tiles(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c, size_t ahead,
                          Store store) {
  for (; c + kCols <= x->cols; c += kCols) {
    __m128 y[kCols];
    super_tile<B, kCols, kStreams>(w, stride, x, c, ahead, y);
    for (size_t j = 0; j < kCols; ++j) store(c + j, y[j]);
  }
  return c;
}

// Four rows, all columns; store(c, y) takes the results of column c.
template <class B, bool kStreams, class Store>
inline void super_group(const uint8_t* w, size_t stride, const HearthColumns* x, size_t ahead, Store store) {
  size_t c = super_tiles<B, 4, kStreams>(w, stride, x, 0, ahead, store);
  c = super_tiles<B, 2, kStreams>(w, stride, x, c, ahead, store);
  super_tiles<B, 1, kStreams>(w, stride, x, c, ahead, store);
}

template <class B, bool kStreams>
void matmul_super_rows(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                       size_t ahead) {
  for_groups<kSuperRows, kStreams>(rows, [=](size_t first, size_t step) {
    const auto store = [=](size_t c, __m128 result) {
      float lanes[kSuperRows];
      _mm_storeu_ps(lanes, result);
      for (size_t r = 0; r < kSuperRows; ++r) y[c * y_stride + first + r * step] = lanes[r];
    };
    super_group<B, kStreams>((const uint8_t*)w + first * row_bytes, step * row_bytes, x, ahead, store);
  });
}

template <class B>
void matmul_super_direct(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y,
                         size_t y_stride, HearthReading reading) {
  const auto multiply_rows = reading.streams ? matmul_super_rows<B, true> : matmul_super_rows<B, false>;
  multiply_rows(w, row_bytes, rows, x, y, y_stride, reading.ahead);
}

}  // namespace
