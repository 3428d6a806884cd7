// Packing and the micro-kernel of the packed matrix product on x86: four bytes of a column at a time against the same
// four of kRows rows, which lie side by side in the panel, so that no sum has to be folded.
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/matmul_x86.h"

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
inline void multiply(const Panel<B, kRows>& panel, const ColumnTile<kTileCols>& x, size_t n_blocks,
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

}  // namespace

#include "kernels/gemm.h"
