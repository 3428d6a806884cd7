// Matrix products with many columns (prefill): weight rows of any type are unpacked once into a panel of int8 in the L1
// and L2 caches, multiplied with all columns, and thrown away. The panel's layout suits the micro-kernel of the
// instruction set.
//
// Written once over what gemm_x86.h and gemm_neon.h define before they include it:
//   kPanelRows, kTileCols            the micro-kernel's shape
//   pack<B>(w, stride, n_blocks, panel)        kPanelRows rows, n_blocks blocks each
//   multiply<B>(panel, tile, n_blocks, acc)    acc[c] += panel * column c, in canonical order; acc[c] holds kPanelRows
//   sums
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/kernels.h"

namespace {

constexpr size_t kGemmColumns = 8;  // from here on the unpacking pays

constexpr size_t kPanels = 64 / kPanelRows;  // that share a tile of columns while it is in the L1 cache

template <class B>
using PanelOf = Panel<B, kPanelRows>;
using Columns = ColumnTile<kTileCols>;

// Copies blocks b0.. of columns c0.. side by side; columns that are missing become zeros.
inline void gather(const HearthColumns* x, size_t c0, size_t b0, size_t n_blocks, Columns* tile) {
  static const int8_t kZeros[HEARTH_BLOCK] = {};
  for (size_t c = 0; c < kTileCols; ++c) {
    if (c0 + c < x->cols) {
      const size_t at = (c0 + c) * (x->n / HEARTH_BLOCK) + b0;
      tile->set(c, n_blocks, x->q + at * HEARTH_BLOCK, HEARTH_BLOCK, x->d + at, x->sum + at, 1);
    } else {
      const float d = 0.0f;
      const int32_t sum = 0;
      tile->set(c, n_blocks, kZeros, 0, &d, &sum, 0);
    }
  }
}

// One panel times one tile. The sums wait in y while other parts of the rows are worked on.
template <class B>
inline void multiply_tile(const PanelOf<B>& panel, const Columns& tile, size_t n_blocks, size_t cols, bool first,
                          float* y, size_t y_stride) {
  float acc[kTileCols][kPanelRows] = {};
  for (size_t c = 0; c < cols && !first; ++c) memcpy(acc[c], y + c * y_stride, sizeof acc[c]);
  multiply<B>(panel, tile, n_blocks, acc);
  for (size_t c = 0; c < cols; ++c) memcpy(y + c * y_stride, acc[c], sizeof acc[c]);
}

// `rows` is a multiple of kPanelRows and at most kPanels of them.
template <class B>
inline void gemm_rows(const uint8_t* w, size_t stride, size_t rows, const HearthColumns* x, float* y, size_t y_stride) {
  PanelOf<B> panels[kPanels];  // at most 80 KB
  Columns tile;
  const size_t row_blocks = x->n / HEARTH_BLOCK;
  for (size_t b = 0; b < row_blocks; b += kChunk) {
    const size_t n_blocks = row_blocks - b < kChunk ? row_blocks - b : kChunk;
    for (size_t r = 0; r < rows; r += kPanelRows) {
      pack<B>(w + r * stride + b * sizeof(B), stride, n_blocks, &panels[r / kPanelRows]);
    }
    for (size_t c = 0; c < x->cols; c += kTileCols) {
      const size_t cols = x->cols - c < kTileCols ? x->cols - c : kTileCols;
      gather(x, c, b, n_blocks, &tile);
      for (size_t r = 0; r < rows; r += kPanelRows) {
        multiply_tile<B>(panels[r / kPanelRows], tile, n_blocks, cols, b == 0, y + c * y_stride + r, y_stride);
      }
    }
  }
}

// Straight on the blocks for few columns and for the rows that do not fill a panel.
template <class B>
void matmul_quantized(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride) {
  const uint8_t* first = (const uint8_t*)w;
  size_t r = 0;
  if (x->cols >= kGemmColumns) {
    const size_t packed = rows / kPanelRows * kPanelRows;
    while (r < packed) {
      const size_t n = packed - r < kPanels * kPanelRows ? packed - r : kPanels * kPanelRows;
      gemm_rows<B>(first + r * row_bytes, row_bytes, n, x, y + r, y_stride);
      r += n;
    }
  }
  if (r < rows) matmul_direct<B>(first + r * row_bytes, row_bytes, rows - r, x, y + r, y_stride);
}

constexpr void set_matmul_quantized(HearthKernels* t) {
  t->matmul[HEARTH_TYPE_Q4_0] = matmul_quantized<block_q4_0>;
  t->matmul[HEARTH_TYPE_Q4_1] = matmul_quantized<block_q4_1>;
  t->matmul[HEARTH_TYPE_Q5_0] = matmul_quantized<block_q5_0>;
  t->matmul[HEARTH_TYPE_Q5_1] = matmul_quantized<block_q5_1>;
  t->matmul[HEARTH_TYPE_Q8_0] = matmul_quantized<block_q8_0>;
  t->matmul_direct[HEARTH_TYPE_Q4_0] = matmul_direct<block_q4_0>;
  t->matmul_direct[HEARTH_TYPE_Q4_1] = matmul_direct<block_q4_1>;
  t->matmul_direct[HEARTH_TYPE_Q5_0] = matmul_direct<block_q5_0>;
  t->matmul_direct[HEARTH_TYPE_Q5_1] = matmul_direct<block_q5_1>;
  t->matmul_direct[HEARTH_TYPE_Q8_0] = matmul_direct<block_q8_0>;
}

}  // namespace
