// Matrix products with many columns (prefill): weight rows of any type are unpacked once into a panel of int8 in the L1
// and L2 caches, multiplied with all columns, and thrown away. The panel's layout suits the micro-kernel of the
// instruction set.
//
// Written once over what gemm_x86.h and gemm_neon.h define before they include it:
//   kPanelRows, kTileCols    the micro-kernel's shape
//   kGroupRows               how many rows' panels share a tile of columns while it is in the L1 cache
//   kGemmColumns<B>          from how many columns on the unpacking pays
//   kColumnPiece             how the columns of a tile are interleaved, see place_column
//   kSumFactor<B>            what the micro-kernel wants the sums of activations multiplied by; 0: it needs none
//   pack<B>(w, stride, n_blocks, panel)         kPanelRows rows, n_blocks blocks of 32 each
//   kReadings                ways of reading weights, the usual one first
//   unpack_super<B>(block, row)                 a super-block of one row as bytes, scales and minimums
//   pack_scales<B>, pack_quants<B>              these of kPanelRows rows
//   multiply<B>(panel, tile, n_blocks, acc, upcoming)
//                                               acc[c] += panel * column c, in canonical order; acc[c] holds kPanelRows
//                                               sums. Calls upcoming.fetch() at least once for every 32 weights of a
//                                               row.
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/kernels.h"

namespace {

constexpr size_t kPanels = kGroupRows / kPanelRows;

template <class B>
using PanelOf = Panel<B, kPanelRows>;
template <class B>
using TileOf = ColumnTile<B, kTileCols>;

// Super-blocks are unpacked row by row first, and then go side by side.
template <class B>
requires Super<B>
inline void pack(const uint8_t* w, size_t stride, size_t n_blocks, PanelOf<B>* panel) {
  SuperBlock rows[kPanelRows];
  for (size_t i = 0; i < n_blocks; ++i) {
    for (size_t r = 0; r < kPanelRows; ++r) {
      unpack_super<B>(w + r * stride + i * sizeof(B), &rows[r]);
      panel->d[i][r] = rows[r].d;
      if constexpr (kHasMinimum<B>) panel->dmin[i][r] = rows[r].dmin;
    }
    pack_scales<B>(rows, panel->scale[i], panel->offset[i]);
    pack_quants<B>(rows, panel->q[i]);
  }
}

// One panel times one tile. The sums wait in y while other parts of the rows are worked on.
template <class B>
inline void multiply_tile(const PanelOf<B>& panel, const TileOf<B>& tile, size_t n_blocks, size_t cols, bool first,
                          float* y, size_t y_stride, UpcomingRows& upcoming) {
  float acc[kTileCols][kPanelRows];
  for (size_t c = 0; c < kTileCols; ++c) {
    for (size_t r = 0; r < kPanelRows; ++r) acc[c][r] = first || c >= cols ? 0.0f : y[c * y_stride + r];
  }
  multiply<B>(panel, tile, n_blocks, acc, upcoming);
  for (size_t c = 0; c < cols; ++c) memcpy(y + c * y_stride, acc[c], sizeof acc[c]);
}

// `rows` is a multiple of kPanelRows and at most kPanels of them.
template <class B>
inline void gemm_rows(const uint8_t* w, size_t stride, size_t rows, const HearthColumns* x, float* y, size_t y_stride) {
  constexpr size_t kBlocks = kChunk * HEARTH_BLOCK / kBlockOf<B>;
  PanelOf<B> panels[kPanels];  // at most 190 KB
  TileOf<B> tile;
  const size_t row_blocks = x->n / kBlockOf<B>;
  for (size_t b = 0; b < row_blocks; b += kBlocks) {
    const size_t n_blocks = row_blocks - b < kBlocks ? row_blocks - b : kBlocks;
    for (size_t r = 0; r < rows; r += kPanelRows) {
      pack<B>(w + r * stride + b * sizeof(B), stride, n_blocks, &panels[r / kPanelRows]);
    }
    // Behind the last part of these rows, the first of those that follow: the same thread multiplies them next, if any.
    const uint8_t* next = b + kBlocks < row_blocks ? w + (b + kBlocks) * sizeof(B) : w + rows * stride;
    const size_t tiles = (x->cols + kTileCols - 1) / kTileCols * (rows / kPanelRows);
    UpcomingRows upcoming(next, stride, rows, n_blocks * sizeof(B), tiles * n_blocks * (kBlockOf<B> / HEARTH_BLOCK));
    for (size_t c = 0; c < x->cols; c += kTileCols) {
      const size_t cols = x->cols - c < kTileCols ? x->cols - c : kTileCols;
      tile.template set<kSumFactor<B>, kColumnPiece>(x, c, b, n_blocks);
      for (size_t r = 0; r < rows; r += kPanelRows) {
        multiply_tile<B>(panels[r / kPanelRows], tile, n_blocks, cols, b == 0, y + c * y_stride + r, y_stride,
                         upcoming);
      }
    }
  }
}

template <class B>
constexpr void direct(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                      HearthReading reading) {
  if constexpr (Super<B>) {
    matmul_super_direct<B>(w, row_bytes, rows, x, y, y_stride, reading);
  } else {
    matmul_direct<B>(w, row_bytes, rows, x, y, y_stride, reading);
  }
}

// Straight on the blocks for few columns and for the rows that do not fill a panel.
template <class B>
void matmul_quantized(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                      HearthReading reading) {
  const uint8_t* first = (const uint8_t*)w;
  size_t r = 0;
  if (x->cols >= kGemmColumns<B>) {
    const size_t packed = rows / kPanelRows * kPanelRows;
    // Groups of panels are as few as possible, and as even: each lays out the columns anew.
    const size_t panels = packed / kPanelRows, groups = (panels + kPanels - 1) / kPanels;
    for (size_t g = 0; g < groups; ++g) {
      const size_t n = (panels * (g + 1) / groups - panels * g / groups) * kPanelRows;
      gemm_rows<B>(first + r * row_bytes, row_bytes, n, x, y + r, y_stride);
      r += n;
    }
  }
  if (r < rows) direct<B>(first + r * row_bytes, row_bytes, rows - r, x, y + r, y_stride, reading);
}

template <class B>
constexpr void set_type(HearthKernels* t, HearthType type) {
  t->matmul[type] = matmul_quantized<B>;
  t->matmul_direct[type] = direct<B>;
}

constexpr void set_matmul_quantized(HearthKernels* t) {
  t->readings = kReadings;
  t->n_readings = sizeof kReadings / sizeof *kReadings;
  set_type<block_q4_0>(t, HEARTH_TYPE_Q4_0);
  set_type<block_q4_1>(t, HEARTH_TYPE_Q4_1);
  set_type<block_q5_0>(t, HEARTH_TYPE_Q5_0);
  set_type<block_q5_1>(t, HEARTH_TYPE_Q5_1);
  set_type<block_q8_0>(t, HEARTH_TYPE_Q8_0);
  set_type<block_q2_k>(t, HEARTH_TYPE_Q2_K);
  set_type<block_q3_k>(t, HEARTH_TYPE_Q3_K);
  set_type<block_q4_k>(t, HEARTH_TYPE_Q4_K);
  set_type<block_q5_k>(t, HEARTH_TYPE_Q5_K);
  set_type<block_q6_k>(t, HEARTH_TYPE_Q6_K);
  set_type<block_iq4_xs>(t, HEARTH_TYPE_IQ4_XS);
  set_type<block_iq3_s>(t, HEARTH_TYPE_IQ3_S);
  set_type<block_iq3_xxs>(t, HEARTH_TYPE_IQ3_XXS);
  set_type<block_iq2_xxs>(t, HEARTH_TYPE_IQ2_XXS);
  set_type<block_iq2_xs>(t, HEARTH_TYPE_IQ2_XS);
  set_type<block_iq2_s>(t, HEARTH_TYPE_IQ2_S);
  set_type<block_iq1_s>(t, HEARTH_TYPE_IQ1_S);
  set_type<block_iq1_m>(t, HEARTH_TYPE_IQ1_M);
  set_type<block_tq1_0>(t, HEARTH_TYPE_TQ1_0);
  set_type<block_tq2_0>(t, HEARTH_TYPE_TQ2_0);
}

}  // namespace
