// The rows of a group by their places: a fixed stride apart, and the same block in each.
#pragma once

#include <immintrin.h>

#include "kernels/scalar.h"

namespace {

// Sixteen row pointers do not fit the registers of x86, but its addressing modes make four rows of a pointer and a
// stride.
template <size_t kRows>
struct RowGroup {
  const uint8_t* quad[kRows / 4];  // rows 0, 4, 8, ...
  size_t stride, stride3;

  HEARTH_INLINE RowGroup(const uint8_t* w, size_t row_stride) : stride(row_stride), stride3(3 * row_stride) {
    for (size_t i = 0; i < kRows / 4; ++i) quad[i] = w + 4 * i * row_stride;
  }
  // The compiler shall not see through the pointers here, or it would keep one for each row after all.
  HEARTH_INLINE void next_block(size_t bytes) {
    for (size_t i = 0; i < kRows / 4; ++i) {
      quad[i] += bytes;
      __asm__("" : "+r"(quad[i]));
    }
    __asm__("" : "+r"(stride), "+r"(stride3));
  }
  HEARTH_INLINE const uint8_t* row(size_t r) const {
    const size_t offsets[4] = {0, stride, 2 * stride, stride3};
    return quad[r / 4] + offsets[r % 4];
  }
};

// A group's rows and the blocks that follow, kApart bytes apart, as if they were rows of their own: "row" kGroup * b +
// r is row r's block b. With kApart = 0 it is the same block.
template <size_t kGroup, size_t kApart>
struct BlocksAsRows {
  const RowGroup<kGroup>& rows;

  HEARTH_INLINE const uint8_t* row(size_t r) const { return rows.row(r % kGroup) + r / kGroup * kApart; }
};

// Whether the upper bits of a type's quants stand apart from the lower four.
template <class B>
constexpr bool kHasHighBits = requires(const B& b) {
  b.qh;
};

// Several columns against vectors of four weights of every row, which spares the folding of sums. dot(lo, hi, x): the
// sums of every row's block times a column's, weights as load_side_by_side has them. Not defined in sets that multiply
// several columns as they do one.
template <class B>
struct SideBySide;

// In assembler: from a 16-bit variable compilers take the way over a general or even a mask register.
template <int kLane>
HEARTH_INLINE void insert_half(__m128i& halves, const uint8_t* p) {
  typedef const uint8_t Half[2];
  __asm__("vpinsrw %2, %1, %0, %0" : "+x"(halves) : "m"(*(Half*)p), "i"(kLane));
}

// The 16 bits at `offset` in the blocks of rows r .. r + 7.
template <class Rows>
HEARTH_INLINE __m128i load_halves(const Rows& rows, size_t r, size_t offset) {
  __m128i halves = _mm_setzero_si128();
  insert_half<0>(halves, rows.row(r + 0) + offset);
  insert_half<1>(halves, rows.row(r + 1) + offset);
  insert_half<2>(halves, rows.row(r + 2) + offset);
  insert_half<3>(halves, rows.row(r + 3) + offset);
  insert_half<4>(halves, rows.row(r + 4) + offset);
  insert_half<5>(halves, rows.row(r + 5) + offset);
  insert_half<6>(halves, rows.row(r + 6) + offset);
  insert_half<7>(halves, rows.row(r + 7) + offset);
  return halves;
}

}  // namespace
