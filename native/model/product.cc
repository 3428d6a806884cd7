#include "model/product.h"

#include <algorithm>
#include <vector>

namespace hearth {
namespace {

// Bytes of weights in a piece of work. At least what takes 10 microseconds to read, long against the pool's hand-over;
// at most what takes 50, short against the time that a thread can be away from its core; and within these so many
// pieces for a thread that those who are done early find some to take. Large pieces also share the layout of columns.
constexpr size_t kLeastPieceBytes = 48 * 1024, kMostPieceBytes = 256 * 1024;
constexpr size_t kPiecesAThread = 16;
constexpr size_t kRowTile = 16;  // kernels work on whole tiles of rows

size_t piece_rows(const Matrix& w, size_t piece_bytes) {
  const size_t rows = piece_bytes / std::max<size_t>(1, w.row_bytes);
  return std::max(kRowTile, rows / kRowTile * kRowTile);
}

}  // namespace

void multiply(std::span<const Product> products, const MatmulPlan& plan, Pool* pool) {
  size_t bytes = 0;
  for (const Product& p : products) bytes += p.w.rows * p.w.row_bytes;
  const size_t shares = static_cast<size_t>(pool->threads()) * kPiecesAThread;
  const size_t piece_bytes = std::clamp(bytes / shares, kLeastPieceBytes, kMostPieceBytes);
  // The pieces of all matrices in one line: product i has those from ends[i - 1] on.
  std::vector<size_t> ends;
  size_t pieces = 0;
  for (const Product& p : products) {
    const size_t rows = piece_rows(p.w, piece_bytes);
    ends.push_back(pieces += (p.w.rows + rows - 1) / rows);
  }
  pool->parallel_for(pieces, 1, [&](size_t begin, size_t end) {
    for (size_t piece = begin; piece < end; ++piece) {
      const auto i = static_cast<size_t>(std::ranges::upper_bound(ends, piece) - ends.begin());
      const auto& [w, x, y] = products[i];
      const size_t rows = piece_rows(w, piece_bytes), row = (piece - (i == 0 ? 0 : ends[i - 1])) * rows;
      const MatmulWay& way = plan.way(w.type, w.cols, x.cols);
      way.kernels->matmul[w.type](w.data + row * w.row_bytes, w.row_bytes, std::min(rows, w.rows - row), &x,
                                  y.data + row, y.cols, way.reading);
    }
  });
}

}  // namespace hearth
