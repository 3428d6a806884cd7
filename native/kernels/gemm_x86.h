// Packing and the micro-kernel of the packed matrix product on x86: four bytes of a column at a time against the same
// four of kRows rows, which lie side by side in the panel, so that no sum has to be folded.
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/matmul_x86.h"
#include "kernels/super_x86.h"

namespace {

constexpr size_t kPanelRows = kRows;
constexpr size_t kVectors =
    HEARTH_BLOCK / 4;  // of a packed block: vector j holds weights 4 * j .. 4 * j + 3 of each row

template <class B>
inline void pack(const uint8_t* w, size_t stride, size_t n_blocks, Panel<B, kRows>* panel) {
  Rows rows(w, stride);
  for (size_t i = 0; i < n_blocks; ++i) {
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
    multiply_block<B>(panel.q[i], x.q[i], sum);
    const Floats d = load_floats(panel.d[i]);
    for (size_t c = 0; c < kTileCols; ++c) {
      sum[c] = subtract_bias<Unpack<B>::kBias>(sum[c], x.sum[i][c]);
      acc[c] = fma_rows(to_floats(sum[c]), times(d, x.d[i][c]), acc[c]);
      if constexpr (kHasMinimum<B>) {
        acc[c] = fma_rows(times(load_floats(panel.m[i]), x.d[i][c]), (float)x.sum[i][c], acc[c]);
      }
    }
  }
  for (size_t c = 0; c < kTileCols; ++c) store_rows(y[c], acc[c]);
}

// Where the offset of sub-block j of row r stands: by pairs of sub-blocks, which one instruction multiplies.
constexpr size_t offset_index(size_t j, size_t r) { return (j / 2 * kPanelRows + r) * 2 + j % 2; }

template <class B>
inline void pack_quants(const SuperBlock rows[kPanelRows], uint8_t* out) {
  const Rows quants((const uint8_t*)rows[0].q, sizeof(SuperBlock));
  for (size_t at = 0; at < HEARTH_SUPER_BLOCK; at += 16) {
    Bytes parts[4];
#pragma GCC unroll 4  // row() needs a constant
    for (size_t g = 0; g < 4; ++g) parts[g] = raise(load_rows(quants, g, at), kPanelRaise<B>);
    transpose_rows(parts);
    for (size_t j = 0; j < 4; ++j) store_bytes(out + (at / 4 + j) * sizeof(Bytes), parts[j]);
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
