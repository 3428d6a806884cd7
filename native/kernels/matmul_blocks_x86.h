// Quantized weights times int8 activations on x86, written once over the rows of rows_*.h, which an instruction set's
// file includes first. A group of rows is worked on together, so that one conversion serves all of them: kRows for
// several columns, and eight for one column, which waits for memory only: so what is fetched ahead stays near. Where
// kRows is more, a vector holds two blocks of each of the eight.
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
  template <class Rows>
  static HEARTH_INLINE Quants load(const Rows& rows, size_t g) {
    return split_nibbles(load_rows(rows, g, kNibbles));
  }
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
  template <class Rows>
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
  template <class Rows>
  static HEARTH_INLINE Quants load(const Rows& rows, size_t g) {
    return load_signed(rows, g, offsetof(block_q8_0, qs));
  }
};

template <class B>
HEARTH_INLINE Ints dot_quants(Quants w, Quants x) {
  return dot_unsigned(w, x);
}
template <>
HEARTH_INLINE Ints dot_quants<block_q8_0>(Quants w, Quants x) {
  return dot_signed(w, x);
}

// Fetches what the rows of a group need `ahead` bytes later, in step i of kBytes of each: for each at least once a
// cache line, for a part of them with each step.
template <size_t kBytes, size_t kGroup>
HEARTH_INLINE void fetch_near_rows(const RowGroup<kGroup>& rows, size_t i, size_t ahead) {
  constexpr size_t kParts = kBytes < kCacheLine ? kCacheLine / kBytes : 1;
  const size_t part = i % kParts;
#pragma GCC unroll 16
  for (size_t r = 0; r < kGroup; ++r) {
    if (r * kParts / kGroup != part) continue;
    if constexpr (kBytes > kCacheLine) {
      fetch_lines(rows.row(r) + ahead, kBytes);
    } else {
      __builtin_prefetch(rows.row(r) + ahead);
    }
  }
}

// Fetches what comes `bytes` later in groups of kGroup rows that lie one after the other. Small groups are fetched
// in the order of memory. In large ones that is too far from the order of reading, so each row is fetched for itself,
// and behind its end the row that is read in its place in the next group. Measured on Zen 5 with one and two threads:
// the order of memory is 2 to 30 % faster with groups of 2 to 6 KB, about equal with 7 KB, and 3 to 50 % slower from
// 9 KB on, with 8 KB ahead.
template <size_t kGroup>
class Ahead {
 public:
  HEARTH_INLINE Ahead(const uint8_t* w, size_t stride, size_t bytes) {
    // A stride of 0 is that of one row, which every lane computes: there is no next group.
    if (stride == 0 || kGroup * stride < bytes / 4 * 3) {
      in_order_ = w + bytes;
      return;
    }
    size_t rest = bytes / kGroup;
    to_next_group_ = (kGroup - 1) * stride;
    offset_ = rest;
    for (; rest >= stride; rest -= stride) offset_ += to_next_group_;
    behind_ = stride - rest;
  }

  // Byte `at` of row r, which `row` points to, is read next: kBytes of it.
  template <size_t kBytes>
  HEARTH_INLINE void fetch(const uint8_t* row, size_t at) {
    if (in_order_ != NULL) {
      fetch_lines(in_order_, kBytes);
      in_order_ += kBytes;
    } else {
      fetch_lines(row + (at < behind_ ? offset_ : offset_ + to_next_group_), kBytes);
    }
  }

 private:
  const uint8_t* in_order_ = NULL;  // of a small group: what is fetched next
  size_t offset_ = 0, behind_ = 0;  // from a row's next byte to what is fetched, before its byte behind_
  size_t to_next_group_ = 0;        // and from there on, so much more
};

// Rows that are worked on together for kCols columns, the blocks of each that a vector holds, and their sums.
template <size_t kCols>
constexpr size_t kGroupOf = kCols == 1 ? 8 : kRows;
template <size_t kCols>
constexpr size_t kBlocksOf = kRows / kGroupOf<kCols>;
template <size_t kCols>
using SumsOf = decltype(of_block<kBlocksOf<kCols>>(no_floats(), 0));

// acc[c] += kCount blocks of the group's rows times column c0 + c's, from block i on, in canonical order.
template <class B, size_t kCount, size_t kCols>
HEARTH_INLINE void multiply_blocks(const RowGroup<kGroupOf<kCols>>& group, const HearthColumns* x, size_t c0, size_t i,
                                   SumsOf<kCols> acc[kCols]) {
  const BlocksAsRows<kGroupOf<kCols>, (kCount > 1 ? sizeof(B) : 0)> rows{group};
  const auto part = [](Floats all, size_t b) { return of_block<kBlocksOf<kCols>>(all, b); };
  Quants quants[4];
#pragma GCC unroll 4  // row() needs a constant
  for (size_t g = 0; g < 4; ++g) quants[g] = Unpack<B>::load(rows, g);
  const Floats d = load_scales<B>(rows, 0);
  Floats m = no_floats();
  if (kHasMinimum<B>) m = load_scales<B>(rows, sizeof(uint16_t));
  for (size_t c = 0; c < kCols; ++c) {
    const size_t at = (c0 + c) * (x->n / HEARTH_BLOCK) + i;
    const Quants q = spread_quants<kCount>(x->q + at * HEARTH_BLOCK);
    Ints partial[4];
    for (size_t g = 0; g < 4; ++g) partial[g] = dot_quants<B>(quants[g], q);
    const Ints sum_x = spread<kCount>(x->sum + at);
    const Floats d_x = spread<kCount>(x->d + at);
    const Floats sum = to_floats(subtract_bias<Unpack<B>::kBias>(fold_rows(partial), sum_x)), scale = times(d, d_x);
    for (size_t b = 0; b < kCount; ++b) {
      acc[c] = fma_rows(part(sum, b), part(scale, b), acc[c]);
      if (kHasMinimum<B>) acc[c] = fma_rows(part(times(m, d_x), b), part(to_floats(sum_x), b), acc[c]);
    }
  }
}

// 16 bytes of every row's block, transposed: parts[j] has bytes 4 * j .. 4 * j + 3 of each.
HEARTH_INLINE void load_transposed(const RowGroup<kRows>& rows, size_t offset, Bytes parts[4]) {
#pragma GCC unroll 4  // row() needs a constant
  for (size_t g = 0; g < 4; ++g) parts[g] = load_rows(rows, g, offset);
  transpose_rows(parts);
}

// lo[j] and hi[j]: weights 4 * j .. 4 * j + 3 and 16 + 4 * j .. of every row's block.
template <class B>
HEARTH_INLINE void load_side_by_side(const RowGroup<kRows>& rows, Bytes lo[4], Bytes hi[4]) {
  if constexpr (requires { Unpack<B>::kNibbles; }) {  // transposed while two share a byte
    Bytes both[4];
    load_transposed(rows, Unpack<B>::kNibbles, both);
    for (size_t j = 0; j < 4; ++j) {
      const Quants quants = split_nibbles(both[j]);
      lo[j] = quants.lo;
      hi[j] = quants.hi;
    }
    return;
  }
#pragma GCC unroll 4  // row() needs a constant
  for (size_t g = 0; g < 4; ++g) {
    const Quants quants = Unpack<B>::load(rows, g);
    lo[g] = quants.lo;
    hi[g] = quants.hi;
  }
  transpose_rows(lo);
  transpose_rows(hi);
}

// multiply_blocks() for a block of kRows rows.
template <class B, size_t kCols>
HEARTH_INLINE void multiply_side_by_side(const RowGroup<kRows>& rows, const HearthColumns* x, size_t c0, size_t i,
                                         Floats acc[kCols]) {
  Bytes lo[4], hi[4];
  load_side_by_side<B>(rows, lo, hi);
  const Floats d = load_scales<B>(rows, 0);
  Floats m = no_floats();
  if (kHasMinimum<B>) m = load_scales<B>(rows, sizeof(uint16_t));
  for (size_t c = 0; c < kCols; ++c) {
    const size_t at = (c0 + c) * (x->n / HEARTH_BLOCK) + i;
    const Ints sum = SideBySide<B>::dot(lo, hi, x->q + at * HEARTH_BLOCK);
    const Ints sum_x = spread<1>(x->sum + at);
    const Floats d_x = spread<1>(x->d + at);
    acc[c] = fma_rows(to_floats(subtract_bias<Unpack<B>::kBias>(sum, sum_x)), times(d, d_x), acc[c]);
    if (kHasMinimum<B>) acc[c] = fma_rows(times(m, d_x), to_floats(sum_x), acc[c]);
  }
}

// y[c]: lane r holds row r of the group times column c0 + c.
template <class B, size_t kCols, bool kStreams>
inline void tile(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c0, size_t ahead_bytes,
                 SumsOf<kCols> y[kCols]) {
  constexpr size_t kGroup = kGroupOf<kCols>, kBlocks = kBlocksOf<kCols>;
  const size_t n_blocks = x->n / HEARTH_BLOCK;
  RowGroup<kGroup> rows(w, stride);
  Ahead<kGroup> ahead(w, stride, ahead_bytes);
  SumsOf<kCols> acc[kCols];
  for (size_t c = 0; c < kCols; ++c) acc[c] = of_block<kBlocks>(no_floats(), 0);
  size_t i = 0;
  for (; i + kBlocks <= n_blocks; i += kBlocks) {
    if constexpr (kStreams) {
      if (c0 == 0) fetch_near_rows<kBlocks * sizeof(B)>(rows, i / kBlocks, ahead_bytes);
    } else if (c0 == 0 && kCols == 1) {
#pragma GCC unroll 8  // row() needs a constant
      for (size_t r = 0; r < kGroup; ++r) ahead.template fetch<kBlocks * sizeof(B)>(rows.row(r), i * sizeof(B));
    } else if (c0 == 0) {
      fetch_lines(w + kGroup * (stride + i * sizeof(B)), kGroup * sizeof(B));  // the next group
    }
    if constexpr (kCols > 1 && requires { sizeof(SideBySide<B>); }) {
      multiply_side_by_side<B, kCols>(rows, x, c0, i, acc);
    } else {
      multiply_blocks<B, kBlocks, kCols>(rows, x, c0, i, acc);
    }
    rows.next_block(kBlocks * sizeof(B));
  }
  if constexpr (kBlocks > 1) {
    if (i < n_blocks) multiply_blocks<B, 1, kCols>(rows, x, c0, i, acc);  // the last one of an odd number
  }
  for (size_t c = 0; c < kCols; ++c) y[c] = acc[c];
}

// Columns c .. c + kCols - 1 of one group of rows, as long as there are so many; returns the first that is left.
// store(c, r, y) takes the results of column c for rows r and on.
template <class B, size_t kCols, bool kStreams, class Store>
inline size_t tiles(const uint8_t* w, size_t stride, const HearthColumns* x, size_t c, size_t ahead, Store store) {
  for (; c + kCols <= x->cols; c += kCols) {
    SumsOf<kCols> y[kCols];
    tile<B, kCols, kStreams>(w, stride, x, c, ahead, y);
    for (size_t j = 0; j < kCols; ++j) store(c + j, 0, y[j]);
  }
  return c;
}

// kRows rows, all columns.
template <class B, bool kStreams, class Store>
inline void group(const uint8_t* w, size_t stride, const HearthColumns* x, size_t ahead, Store store) {
  size_t c = tiles<B, kMaxCols, kStreams>(w, stride, x, 0, ahead, store);
  if constexpr (kMaxCols > 4) c = tiles<B, 4, kStreams>(w, stride, x, c, ahead, store);
  if constexpr (kMaxCols > 2) c = tiles<B, 2, kStreams>(w, stride, x, c, ahead, store);
  for (size_t r = 0; c < x->cols && r < kRows; r += kGroupOf<1>) {
    SumsOf<1> y[1];
    tile<B, 1, kStreams>(w + r * stride, stride, x, c, ahead, y);
    store(c, r, y[0]);
  }
}

// Calls group(first, step) for all rows in groups of kGroup: rows first, first + step, ... With kStreams they stand
// as far apart as there are groups, so that memory is read in kGroup streams, each in order: processors foresee such
// streams, and one alone does not use the bus on some (one core of Zen 3 reads 20 GB/s in one stream, 29 in two to
// eight). Elsewhere they lie one after the other, and Ahead fetches what follows: streams would begin anew with each
// piece of a matrix, and wait (on Zen 5 pieces of 100 KB are read by a quarter slower that way).
template <size_t kGroup, bool kStreams, class Group>
inline void for_groups(size_t rows, Group group) {
  const size_t groups = rows / kGroup;
  for (size_t g = 0; g < groups; ++g) {
    if constexpr (kStreams) {
      group(g, groups);
    } else {
      group(g * kGroup, 1);
    }
  }
  if (groups > 0 && rows % kGroup > 0) group(rows - kGroup, 1);  // it repeats rows
  // Each lane computes the one row where there are fewer than a group's.
  for (size_t r = 0; groups == 0 && r < rows; ++r) group(r, 0);
}

template <class B, bool kStreams>
void matmul_rows(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                 size_t ahead) {
  // Rows first, first + step, ...
  const auto store_at = [=](size_t first, size_t step) {
    return [=](size_t c, size_t r, auto result) {
      float lanes[sizeof result / sizeof(float)];
      store_rows(lanes, result);
      for (size_t i = 0; i < sizeof result / sizeof(float); ++i) y[c * y_stride + first + (r + i) * step] = lanes[i];
    };
  };
  if (x->cols == 1) {
    for_groups<kGroupOf<1>, kStreams>(rows, [=](size_t first, size_t step) {
      tiles<B, 1, kStreams>((const uint8_t*)w + first * row_bytes, step * row_bytes, x, 0, ahead,
                            store_at(first, step));
    });
  } else {
    for_groups<kRows, kStreams>(rows, [=](size_t first, size_t step) {
      group<B, kStreams>((const uint8_t*)w + first * row_bytes, step * row_bytes, x, ahead, store_at(first, step));
    });
  }
}

template <class B>
void matmul_direct(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                   HearthReading reading) {
  const auto multiply_rows = reading.streams ? matmul_rows<B, true> : matmul_rows<B, false>;
  multiply_rows(w, row_bytes, rows, x, y, y_stride, reading.ahead);
}

}  // namespace
