// Quantized weights times int8 activations on x86, written once over the rows of rows_*.h, which an instruction set's
// file includes first. A group of kRows rows is worked on together: one conversion and one fma serve all its rows.
#pragma once

#include <stddef.h>

#include "kernels/kernels.h"
#include "kernels/scalar.h"

namespace {

// How one type's blocks become vectors. kBias: what the unpacked quants are raised by.
template <class B>
struct Unpack;

template <class B>
struct UnpackNibbles {
  static constexpr size_t kNibbles = offsetof(B, qs);  // there are no other bits
  static HEARTH_INLINE Quants load(const Rows& rows, size_t g) { return split_nibbles(load_rows(rows, g, kNibbles)); }
};
template <>
struct Unpack<block_q4_0> : UnpackNibbles<block_q4_0> {
  static constexpr int kBias = 8;
};
template <>
struct Unpack<block_q4_1> : UnpackNibbles<block_q4_1> {
  static constexpr int kBias = 0;
};
template <class B>
struct UnpackFive {
  static HEARTH_INLINE Quants load(const Rows& rows, size_t g) {
    const Quants nibbles = split_nibbles(load_rows(rows, g, offsetof(B, qs)));
    return add_fifth_bits(nibbles, rows, g, offsetof(B, qh));
  }
};
template <>
struct Unpack<block_q5_0> : UnpackFive<block_q5_0> {
  static constexpr int kBias = 16;
};
template <>
struct Unpack<block_q5_1> : UnpackFive<block_q5_1> {
  static constexpr int kBias = 0;
};
template <>
struct Unpack<block_q8_0> {
  static constexpr int kBias = kSignedBias;
  static HEARTH_INLINE Quants load(const Rows& rows, size_t g) {
    return load_signed(rows, g, offsetof(block_q8_0, qs));
  }
};

template <class B>
HEARTH_INLINE Ints dot_quants(Quants w, Bytes x_lo, Bytes x_hi) {
  return dot_unsigned(w, x_lo, x_hi);
}
template <>
HEARTH_INLINE Ints dot_quants<block_q8_0>(Quants w, Bytes x_lo, Bytes x_hi) {
  return dot_signed(w, x_lo, x_hi);
}

// What a row needs in some blocks comes into the L1 cache.
constexpr size_t kNearBytes = 256;
HEARTH_INLINE void fetch_near(const uint8_t* row) { __builtin_prefetch(row + kNearBytes); }

// The same for the rows of a group at their block i: for each at least once a cache line, for a part of them with each
// block.
template <class B>
HEARTH_INLINE void fetch_near_rows(const Rows& rows, size_t i) {
  constexpr size_t kParts = kCacheLine / sizeof(B);
  const size_t part = i % kParts;
#pragma GCC unroll 16
  for (size_t r = 0; r < kRows; ++r) {
    if (r * kParts / kRows == part) fetch_near(rows.row(r));
  }
}

// y[c][0..kRows-1] for kCols columns from column c0 on. Lane r of every Floats and Ints is row r.
template <class B, size_t kCols>
inline void tile(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c0, Floats y[kCols]) {
  const size_t n_blocks = x->n / HEARTH_BLOCK;
  Rows rows(w, stride);
  Floats acc[kCols];
  for (size_t c = 0; c < kCols; ++c) acc[c] = no_floats();
  for (size_t i = 0; i < n_blocks; ++i) {
    if constexpr (kStreams<B>) {
      fetch_near_rows<B>(rows, i);
    } else if (c0 == 0) {
      fetch_lines(w + kRows * (stride + i * sizeof(B)), kRows * sizeof(B));
    }
    Quants quants[4];
#pragma GCC unroll 4  // row() needs a constant
    for (size_t g = 0; g < 4; ++g) quants[g] = Unpack<B>::load(rows, g);
    const Floats d = load_scales(rows, 0);
    Floats m = no_floats();
    if (kHasMinimum<B>) m = load_scales(rows, sizeof(uint16_t));
    for (size_t c = 0; c < kCols; ++c) {
      const int8_t* q = x->q + (c0 + c) * x->n + i * HEARTH_BLOCK;
      const Bytes lo = splat_bytes(q), hi = splat_bytes(q + 16);
      Ints partial[4];
      for (size_t g = 0; g < 4; ++g) partial[g] = dot_quants<B>(quants[g], lo, hi);
      const size_t at = (c0 + c) * n_blocks + i;
      const Ints sum = subtract_bias<Unpack<B>::kBias>(fold_rows(partial), x->sum[at]);
      acc[c] = fma_rows(to_floats(sum), times(d, x->d[at]), acc[c]);
      if (kHasMinimum<B>) acc[c] = fma_rows(times(m, x->d[at]), (float)x->sum[at], acc[c]);
    }
    rows.next_block(sizeof(B));
  }
  for (size_t c = 0; c < kCols; ++c) y[c] = acc[c];
}

// Columns c .. c + kCols - 1 of one group of rows, as long as there are so many; returns the first that is left.
template <class B, size_t kCols, class Store>
inline size_t tiles(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c, Store store) {
  for (; c + kCols <= x->cols; c += kCols) {
    Floats y[kCols];
    tile<B, kCols>(w, stride, x, c, y);
    for (size_t j = 0; j < kCols; ++j) store(c + j, y[j]);
  }
  return c;
}

// One group of rows, all columns. `store(c, y)` takes the results of column c.
template <class B, class Store>
inline void group(const uint8_t* w, size_t stride, const HearthColumns* x, Store store) {
  size_t c = tiles<B, kMaxCols>(w, stride, x, 0, store);
  if constexpr (kMaxCols > 2) c = tiles<B, 2>(w, stride, x, c, store);
  tiles<B, 1>(w, stride, x, c, store);
}

// Calls group(first, step) for all rows in groups of kGroup: rows first, first + step, ... With kStreams<B> they stand
// as far apart as there are groups, so that memory is read in kGroup streams, each in order: processors foresee such
// streams, and one alone does not use the bus on some (one core of Zen 3 reads 20 GB/s in one stream, 29 in two to
// eight). Elsewhere they lie one after the other, and the next group's bytes are fetched in order meanwhile, as far
// ahead as a group is long: streams would begin anew with each piece of a matrix, and wait (on Zen 5 pieces of 100 KB
// are read by a quarter slower that way).
template <class B, size_t kGroup, class Group>
inline void for_groups(size_t rows, Group group) {
  const size_t groups = rows / kGroup;
  for (size_t g = 0; g < groups; ++g) {
    if constexpr (kStreams<B>) {
      group(g, groups);
    } else {
      group(g * kGroup, 1);
    }
  }
  if (groups > 0 && rows % kGroup > 0) group(rows - kGroup, 1);  // it repeats rows
  // Of fewer rows than a group's, every lane computes the one.
  for (size_t r = 0; groups == 0 && r < rows; ++r) group(r, 0);
}

template <class B>
void matmul_direct(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride) {
  for_groups<B, kRows>(rows, [=](size_t first, size_t step) {
    group<B>((const uint8_t*)w + first * row_bytes, step * row_bytes, x, [=](size_t c, Floats result) {
      float lanes[kRows];
      store_rows(lanes, result);
      for (size_t r = 0; r < kRows; ++r) y[c * y_stride + first + r * step] = lanes[r];
    });
  });
}

}  // namespace
