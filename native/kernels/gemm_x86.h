// Packing and the micro-kernel of the packed matrix product on x86: four bytes of a column at a time against the same
// four of kRows rows, which lie side by side in the panel, so that no sum has to be folded.
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/matmul_x86.h"
#include "kernels/super_x86.h"

namespace {

constexpr size_t kPanelRows = kRows;
constexpr size_t kGroupRows = 64;
constexpr size_t kColumnPiece = HEARTH_SUPER_BLOCK;
// Sums start with what the raised quants add too much; types with minimums are not raised.
template <class B>
constexpr int kSumFactor = kHasMinimum<B> ? 1 : -Unpack<B>::kBias;
template <Super B>
constexpr int kSumFactor<B> = 1;
constexpr size_t kVectors =
    HEARTH_BLOCK / 4;  // of a packed block: vector j holds weights 4 * j .. 4 * j + 3 of each row

template <class B>
inline void pack(const uint8_t* w, size_t stride, size_t n_blocks, Panel<B, kRows>* panel) {
  Rows rows(w, stride);
  for (size_t i = 0; i < n_blocks; ++i) {
    // The next panel's rows into L2: with few columns it is memory that a product waits for.
    fetch_rows<B>(rows, i, [stride](const uint8_t* row) {
      _mm_prefetch((const char*)(row + kRows * stride), _MM_HINT_T1);
      fetch_near(row);
    });
    Bytes lo[4], hi[4];
#pragma GCC unroll 4  // row() needs a constant
    for (size_t g = 0; g < 4; ++g) {
      const Quants quants = Unpack<B>::load(rows, g);
      lo[g] = quants.lo;
      hi[g] = quants.hi;
    }
    transpose_rows(lo);
    transpose_rows(hi);
    for (size_t j = 0; j < 4; ++j) {
      store_bytes(panel->q[i] + j * sizeof(Bytes), lo[j]);
      store_bytes(panel->q[i] + (4 + j) * sizeof(Bytes), hi[j]);
    }
    store_rows(panel->d[i], load_scales(rows, 0));
    if constexpr (kHasMinimum<B>) store_rows(panel->m[i], load_scales(rows, sizeof(uint16_t)));
    rows.next_block(sizeof(B));
  }
}

template <class B>
inline void multiply(const Panel<B, kRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows]) {
  Floats acc[kTileCols];
  for (size_t c = 0; c < kTileCols; ++c) acc[c] = load_floats(y[c]);
  for (size_t i = 0; i < n_blocks; ++i) {
    Ints sum[kTileCols];
    for (size_t c = 0; c < kTileCols; ++c) {
      sum[c] = kSumFactor<B> < 0 ? splat4((const int8_t*)&x.sum[i][c]) : no_ints();
    }
    multiply_block<B>(panel.q[i], x.q[i], sum);
    const Floats d = load_floats(panel.d[i]);
    for (size_t c = 0; c < kTileCols; ++c) {
      acc[c] = fma_rows(to_floats(sum[c]), times(d, x.d[i][c]), acc[c]);
      if constexpr (kHasMinimum<B>) {
        acc[c] = fma_rows(times(load_floats(panel.m[i]), x.d[i][c]), (float)x.sum[i][c], acc[c]);
      }
    }
  }
  for (size_t c = 0; c < kTileCols; ++c) store_rows(y[c], acc[c]);
}

// A super-block of one row; its quants are raised by kPartRaise<B>.
template <class B>
inline void unpack_super(const uint8_t* block, SuperBlock* out) {
  const SuperRow<B> row(block);
  out->d = row.d();
  _mm256_storeu_si256((__m256i*)out->scale, row.scales());
  if constexpr (kHasMinimum<B>) {
    out->dmin = row.dmin();
    _mm256_storeu_si256((__m256i*)out->min, row.mins());
  }
#pragma GCC unroll 8  // the part decides which bits are shifted where
  for (size_t k = 0; k < HEARTH_SUPER_BLOCK / kWidth; ++k) store_bytes((uint8_t*)out->q + kWidth * k, row.part(k));
}

// Four 32-bit parts of all rows, from 16 bytes of each.
HEARTH_INLINE void load_transposed(const void* first_row, size_t at, Bytes parts[4]) {
  const Rows rows((const uint8_t*)first_row, sizeof(SuperBlock));
#pragma GCC unroll 4  // row() needs a constant
  for (size_t g = 0; g < 4; ++g) parts[g] = load_rows(rows, g, at);
  transpose_rows(parts);
}

// Offsets stand by pairs of sub-blocks, which one instruction multiplies: [kSubs / 2][kPanelRows][2].
template <class B>
inline void pack_scales(const SuperBlock rows[kPanelRows], int32_t (*scales)[kPanelRows], int16_t* offsets) {
  constexpr size_t kPairs = kSubBlocks / 2;  // two scales of 16 weights each; of 32 they are equal
  const auto take_offsets = [](Bytes pairs) { return multiply_pairs(pairs, kHasMinimum<B> ? -1 : -kPanelRaise<B>); };
  Bytes pairs[kPairs], lowered[kPairs];
  for (size_t j = 0; j < kPairs; j += 4) {
    load_transposed(rows[0].scale, 4 * j, pairs + j);
    if constexpr (kHasMinimum<B>) load_transposed(rows[0].min, 4 * j, lowered + j);
    for (size_t i = j; i < j + 4; ++i) lowered[i] = take_offsets(kHasMinimum<B> ? lowered[i] : pairs[i]);
  }
  for (size_t j = 0; j < kPairs; ++j) {
    if constexpr (kSubBlock<B> == 32) {
      store_bytes((uint8_t*)scales[j], low_scales(pairs[j]));
      if (j % 2 == 0) store_bytes((uint8_t*)(offsets + j * kPanelRows), join_pairs(lowered[j], lowered[j + 1]));
    } else {
      store_bytes((uint8_t*)scales[2 * j], low_scales(pairs[j]));
      store_bytes((uint8_t*)scales[2 * j + 1], high_scales(pairs[j]));
      store_bytes((uint8_t*)(offsets + 2 * j * kPanelRows), lowered[j]);
    }
  }
}

template <class B>
inline void pack_quants(const SuperBlock rows[kPanelRows], uint8_t* out) {
  for (size_t at = 0; at < HEARTH_SUPER_BLOCK; at += 16) {
    Bytes parts[4];
    load_transposed(rows[0].q, at, parts);
    for (size_t j = 0; j < 4; ++j) {
      store_bytes(out + (at / 4 + j) * sizeof(Bytes), raise(parts[j], kPanelRaise<B> - kPartRaise<B>));
    }
  }
}

template <class B>
requires Super<B>
inline void multiply(const Panel<B, kRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows]) {
  constexpr size_t kSubs = Panel<B, kRows>::kSubs, kSubVectors = kSubBlock<B> / 4;
  for (size_t i = 0; i < n_blocks; ++i) {
    Ints offset[kTileCols], total[kTileCols];
    for (size_t c = 0; c < kTileCols; ++c) {
      offset[c] = no_ints();
      if constexpr (!kHasMinimum<B> && kPanelRaise<B> == 0) continue;
      for (size_t j = 0; j < kSubs / 2; ++j) {
        offset[c] = dot_pairs(offset[c], load_bytes((const uint8_t*)panel.offset[i] + j * sizeof(Bytes)),
                              splat4((const int8_t*)&x.sum[i][c][2 * j]));
      }
    }
    for (size_t c = 0; c < kTileCols; ++c) total[c] = kHasMinimum<B> ? no_ints() : offset[c];
    for (size_t j = 0; j < kSubs; ++j) {
      const Bytes scale = load_bytes((const uint8_t*)panel.scale[i][j]);
      multiply_sub_block<B>(panel.q[i] + j * kSubVectors * sizeof(Bytes), x.q[i][0] + j * kSubBlock<B>, scale, total);
    }
    const Floats d = load_floats(panel.d[i]);
    for (size_t c = 0; c < kTileCols; ++c) {
      Floats acc = load_floats(y[c]);
      acc = fma_rows(to_floats(total[c]), times(d, x.d[i][c]), acc);
      if constexpr (kHasMinimum<B>) {
        acc = fma_rows(to_floats(offset[c]), times(load_floats(panel.dmin[i]), x.d[i][c]), acc);
      }
      store_rows(y[c], acc);
    }
  }
}

}  // namespace

#include "kernels/gemm.h"
