// Packing and the micro-kernel of the packed matrix product on x86: four bytes of a column at a time against the same
// four of kRows rows, which lie side by side in the panel, so that no sum has to be folded.
#pragma once

#include "kernels/gemm_panel.h"
#include "kernels/matmul_blocks_x86.h"
#include "kernels/matmul_super_x86.h"

namespace {

constexpr size_t kNearBytes = 256;  // that are fetched ahead of each row that is packed
constexpr size_t kPanelRows = kRowVectors * kRows;
constexpr size_t kGroupRows = 128;
constexpr size_t kColumnPiece = HEARTH_SUPER_BLOCK;
template <class B>
constexpr size_t kGemmColumns = kSixBits<B> ? kPackedSixBits
                                : Super<B>  ? kPackedSuper
                                            : kPackedBlocks;
// Sums start with what the raised quants add too much; types with minimums are not raised.
template <class B>
constexpr int kSumFactor = kHasMinimum<B> ? 1 : -Unpack<B>::kBias;
template <Super B>
constexpr int kSumFactor<B> = 1;

// Column after column: whatever stands in a fixed distance, a broadcast reaches without a pointer of its own.
template <class B, size_t kCols>
requires(!Super<B>) struct ColumnTile<B, kCols> {
  alignas(64) int8_t q[kCols][kChunk * HEARTH_BLOCK];
  alignas(64) float d[kCols][kChunk];
  alignas(64) int32_t sum[kCols][kChunk];

  template <int kFactor, size_t kPiece>
  void set(const HearthColumns* x, size_t from, size_t b0, size_t n_blocks) {
    const size_t row_blocks = x->n / HEARTH_BLOCK;
    for (size_t c = 0; c < kCols; ++c) {
      const size_t at = (from + c < x->cols ? from + c : 0) * row_blocks + b0;
      memcpy(q[c], x->q + at * HEARTH_BLOCK, n_blocks * HEARTH_BLOCK);
      memcpy(d[c], x->d + at, n_blocks * sizeof *d[c]);
      for (size_t i = 0; i < n_blocks && kFactor != 0; ++i) sum[c][i] = kFactor * x->sum[at + i];
    }
  }
};

// Vector j of a packed block holds weights 4 * j .. 4 * j + 3 of kRows rows; the other rows' vectors follow all of
// them.
template <class B>
inline void pack_rows(const uint8_t* w, size_t stride, size_t n_blocks, size_t first_row, Panel<B, kPanelRows>* panel) {
  RowGroup<kRows> rows(w + first_row * stride, stride);
  for (size_t i = 0; i < n_blocks; ++i) {
    fetch_near_rows<sizeof(B)>(rows, i, kNearBytes);
    Bytes lo[4], hi[4];
    load_side_by_side<B>(rows, lo, hi);
    uint8_t* q = panel->q[i] + first_row * HEARTH_BLOCK;
    for (size_t j = 0; j < 4; ++j) {
      store_bytes(q + j * sizeof(Bytes), lo[j]);
      store_bytes(q + (4 + j) * sizeof(Bytes), hi[j]);
    }
    store_rows(panel->d[i] + first_row, load_scales<B>(rows, 0));
    if constexpr (kHasMinimum<B>) store_rows(panel->m[i] + first_row, load_scales<B>(rows, sizeof(uint16_t)));
    rows.next_block(sizeof(B));
  }
}

template <class B>
inline void pack(const uint8_t* w, size_t stride, size_t n_blocks, Panel<B, kPanelRows>* panel) {
  for (size_t r = 0; r < kPanelRows; r += kRows) pack_rows<B>(w, stride, n_blocks, r, panel);
}

// The types whose rows are packed side by side from their bytes on, and not one after the other.
template <class B>
constexpr bool kPackedFromBytes = kSixBits<B>;
template <>
constexpr bool kPackedFromBytes<block_q6_k> = true;

// The scales of a block of every row, and what pack_scales makes of them or of the minimums: transposed while they are
// bytes.
template <class B>
HEARTH_INLINE void pack_byte_scales(const RowGroup<kRows>& rows, size_t first_row, int32_t (*scales)[kPanelRows],
                                    int16_t* offsets) {
  // Q6_K has sixteen scales, the others eight and eight minimums.
  Bytes bytes[4];
#pragma GCC unroll 4  // row() needs a constant
  for (size_t g = 0; g < 4; ++g) {
    bytes[g] = load_rows(rows, g, offsetof(B, scales));
    if constexpr (kSixBits<B>) bytes[g] = unpack_six_bits(bytes[g]);
  }
  transpose_rows(bytes);
  const Bytes* lowered = kHasMinimum<B> ? bytes + 2 : bytes;
  constexpr int kFactor = kHasMinimum<B> ? -1 : -kPanelRaise<B>;
#pragma GCC unroll 16  // spread_bytes needs constants
  for (size_t j = 0; j < HEARTH_SUPER_BLOCK / kSubBlock<B>; ++j) {
    store_bytes((uint8_t*)(scales[j] + first_row), low_scales(spread_bytes(bytes[j / 4], j % 4, j % 4)));
    if (j % 2 != 0) continue;
    const Bytes pairs = multiply_pairs(spread_bytes(lowered[j / 4], j % 4, j % 4 + 1), kFactor);
    store_bytes((uint8_t*)(offsets + j * kPanelRows + 2 * first_row), pairs);
  }
}

// The quants of a block of every row, transposed while they share bytes: those of Q4_K and Q5_K.
template <class B>
HEARTH_INLINE void pack_byte_quants(const RowGroup<kRows>& rows, uint8_t* out) {
  Bytes high_bits[2][4];
  if constexpr (kHasHighBits<B>) {
    for (size_t half = 0; half < 2; ++half) load_transposed(rows, offsetof(B, qh) + 16 * half, high_bits[half]);
  }
#pragma GCC unroll 4  // the sub-block decides which bits are shifted where
  for (size_t k = 0; k < HEARTH_SUPER_BLOCK / 64; ++k) {
    for (size_t half = 0; half < 2; ++half) {
      Bytes both[4];
      load_transposed(rows, offsetof(B, qs) + 32 * k + 16 * half, both);
      for (size_t j = 0; j < 4; ++j) {
        Quants quants = split_nibbles(both[j]);
        if constexpr (kHasHighBits<B>) {
          quants.lo = join(quants.lo, bits_as_16(high_bits[half][j], (int)(2 * k), 1));
          quants.hi = join(quants.hi, bits_as_16(high_bits[half][j], (int)(2 * k + 1), 1));
        }
        const size_t fours = 16 * k + 4 * half + j;
        store_bytes(out + fours * sizeof(Bytes), quants.lo);
        store_bytes(out + (fours + 8) * sizeof(Bytes), quants.hi);
      }
    }
  }
}

template <>
HEARTH_INLINE void pack_byte_quants<block_q6_k>(const RowGroup<kRows>& rows, uint8_t* out) {
  for (size_t k = 0; k < 2; ++k) {  // 128 weights
    for (size_t half = 0; half < 2; ++half) {
      Bytes high_bits[4];
      load_transposed(rows, offsetof(block_q6_k, qh) + 32 * k + 16 * half, high_bits);
#pragma GCC unroll 2  // the part decides which bits are shifted where
      for (size_t part = 0; part < 2; ++part) {
        Bytes both[4];
        load_transposed(rows, offsetof(block_q6_k, ql) + 64 * k + 32 * part + 16 * half, both);
        for (size_t j = 0; j < 4; ++j) {
          const Quants quants = split_nibbles(both[j]);
          const size_t fours = 32 * k + 8 * part + 4 * half + j;
          store_bytes(out + fours * sizeof(Bytes), join(quants.lo, bits_as_16(high_bits[j], (int)(2 * part), 2)));
          store_bytes(out + (fours + 16) * sizeof(Bytes),
                      join(quants.hi, bits_as_16(high_bits[j], (int)(2 * part + 4), 2)));
        }
      }
    }
  }
}

template <class B>
requires Super<B> && kPackedFromBytes<B>
inline void pack(const uint8_t* w, size_t stride, size_t n_blocks, Panel<B, kPanelRows>* panel) {
  for (size_t r = 0; r < kPanelRows; r += kRows) {
    RowGroup<kRows> rows(w + r * stride, stride);
    for (size_t i = 0; i < n_blocks; ++i) {
      pack_byte_quants<B>(rows, panel->q[i] + r * HEARTH_SUPER_BLOCK);
      pack_byte_scales<B>(rows, r, panel->scale[i], panel->offset[i]);
      store_rows(panel->d[i] + r, load_scales<B>(rows, offsetof(B, d)));
      if constexpr (kHasMinimum<B>) store_rows(panel->dmin[i] + r, load_scales<B>(rows, offsetof(B, dmin)));
      rows.next_block(sizeof(B));
    }
  }
}

template <class B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows], UpcomingRows& upcoming) {
  for (size_t i = 0; i < n_blocks; ++i) {
    upcoming.fetch();
    Ints sum[kRowVectors][kTileCols];
    for (size_t v = 0; v < kRowVectors; ++v) {
      for (size_t c = 0; c < kTileCols; ++c) {
        sum[v][c] = kSumFactor<B> < 0 ? splat4((const int8_t*)&x.sum[c][i]) : no_ints();
      }
    }
    multiply_block<B>(panel.q[i], x.q[0] + i * HEARTH_BLOCK, sizeof x.q[0], sum);
    for (size_t v = 0; v < kRowVectors; ++v) {
      const Floats d = load_floats(panel.d[i] + v * kRows);
      for (size_t c = 0; c < kTileCols; ++c) {
        float* acc = y[c] + v * kRows;
        Floats total = fma_rows(to_floats(sum[v][c]), times(d, x.d[c][i]), load_floats(acc));
        if constexpr (kHasMinimum<B>) {
          const Floats m = load_floats(panel.m[i] + v * kRows);
          total = fma_rows(times(m, x.d[c][i]), (float)x.sum[c][i], total);
        }
        store_rows(acc, total);
      }
    }
  }
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

// Four 32-bit parts of kRows rows, from 16 bytes of each.
HEARTH_INLINE void load_transposed(const void* first_row, size_t at, Bytes parts[4]) {
  load_transposed(RowGroup<kRows>((const uint8_t*)first_row, sizeof(SuperBlock)), at, parts);
}

// Offsets stand by pairs of sub-blocks, which one instruction multiplies: [kSubs / 2][kPanelRows][2].
template <class B>
inline void pack_scales(const SuperBlock rows[kPanelRows], int32_t (*scales)[kPanelRows], int16_t* offsets) {
  constexpr size_t kPairs = kSubBlocks / 2;  // two scales of 16 weights each; of 32 they are equal
  const auto take_offsets = [](Bytes pairs) { return multiply_pairs(pairs, kHasMinimum<B> ? -1 : -kPanelRaise<B>); };
  for (size_t r = 0; r < kPanelRows; r += kRows) {
    Bytes pairs[kPairs], lowered[kPairs];
    for (size_t j = 0; j < kPairs; j += 4) {
      load_transposed(rows[r].scale, 4 * j, pairs + j);
      if constexpr (kHasMinimum<B>) load_transposed(rows[r].min, 4 * j, lowered + j);
      for (size_t i = j; i < j + 4; ++i) lowered[i] = take_offsets(kHasMinimum<B> ? lowered[i] : pairs[i]);
    }
    int16_t* offset = offsets + 2 * r;
    for (size_t j = 0; j < kPairs; ++j) {
      if constexpr (kSubBlock<B> == 32) {
        store_bytes((uint8_t*)(scales[j] + r), low_scales(pairs[j]));
        if (j % 2 == 0) store_bytes((uint8_t*)(offset + j * kPanelRows), join_pairs(lowered[j], lowered[j + 1]));
      } else {
        store_bytes((uint8_t*)(scales[2 * j] + r), low_scales(pairs[j]));
        store_bytes((uint8_t*)(scales[2 * j + 1] + r), high_scales(pairs[j]));
        store_bytes((uint8_t*)(offset + 2 * j * kPanelRows), lowered[j]);
      }
    }
  }
}

template <class B>
inline void pack_quants(const SuperBlock rows[kPanelRows], uint8_t* out) {
  for (size_t r = 0; r < kPanelRows; r += kRows) {
    for (size_t at = 0; at < HEARTH_SUPER_BLOCK; at += 16) {
      Bytes parts[4];
      load_transposed(rows[r].q, at, parts);
      for (size_t j = 0; j < 4; ++j) {
        store_bytes(out + r * HEARTH_SUPER_BLOCK + (at / 4 + j) * sizeof(Bytes),
                    raise(parts[j], kPanelRaise<B> - kPartRaise<B>));
      }
    }
  }
}

template <class B>
requires Super<B>
inline void multiply(const Panel<B, kPanelRows>& panel, const ColumnTile<B, kTileCols>& x, size_t n_blocks,
                     float y[kTileCols][kPanelRows], UpcomingRows& upcoming) {
  constexpr size_t kSubs = Panel<B, kPanelRows>::kSubs, kSubVectors = kSubBlock<B> / 4;
  for (size_t i = 0; i < n_blocks; ++i) {
    Ints offset[kRowVectors][kTileCols], total[kRowVectors][kTileCols];
    for (size_t v = 0; v < kRowVectors; ++v) {
      for (size_t c = 0; c < kTileCols; ++c) {
        offset[v][c] = no_ints();
        if constexpr (!kHasMinimum<B> && kPanelRaise<B> == 0) continue;
        const int16_t* of_rows = panel.offset[i] + 2 * v * kRows;
        for (size_t j = 0; j < kSubs / 2; ++j) {
          offset[v][c] = dot_pairs(offset[v][c], load_bytes((const uint8_t*)(of_rows + 2 * j * kPanelRows)),
                                   splat4((const int8_t*)&x.sum[i][c][2 * j]));
        }
      }
    }
    for (size_t v = 0; v < kRowVectors; ++v) {
      for (size_t c = 0; c < kTileCols; ++c) total[v][c] = kHasMinimum<B> ? no_ints() : offset[v][c];
    }
    for (size_t j = 0; j < kSubs; ++j) {
      if (j * kSubBlock<B> % HEARTH_BLOCK == 0) upcoming.fetch();
      Ints scale[kRowVectors];
      for (size_t v = 0; v < kRowVectors; ++v) scale[v] = load_bytes((const uint8_t*)(panel.scale[i][j] + v * kRows));
      multiply_sub_block<B>(panel.q[i] + j * kSubVectors * sizeof(Bytes), x.q[i][0] + j * kSubBlock<B>, scale, total);
    }
    for (size_t v = 0; v < kRowVectors; ++v) {
      const Floats d = load_floats(panel.d[i] + v * kRows);
      for (size_t c = 0; c < kTileCols; ++c) {
        float* acc = y[c] + v * kRows;
        Floats sum = fma_rows(to_floats(total[v][c]), times(d, x.d[i][c]), load_floats(acc));
        if constexpr (kHasMinimum<B>) {
          const Floats dmin = load_floats(panel.dmin[i] + v * kRows);
          sum = fma_rows(to_floats(offset[v][c]), times(dmin, x.d[i][c]), sum);
        }
        store_rows(acc, sum);
      }
    }
  }
}

}  // namespace

#include "kernels/gemm.h"
