#include "memory/tiles.h"

#include <algorithm>

namespace hearth {
namespace {

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace

Tiles::Tiles(std::span<const MappedMatrix> matrices, size_t tile_bytes) : tile_bytes_(std::max<size_t>(1, tile_bytes)) {
  for (const MappedMatrix& m : matrices) {
    const size_t first = all_.size(), n = (m.bytes() + tile_bytes_ - 1) / tile_bytes_;
    const size_t rows = round_up((m.rows + n - 1) / std::max<size_t>(1, n), kRowMultiple);
    for (size_t row = 0; row < m.rows; row += rows) {
      const size_t n_rows = std::min(rows, m.rows - row);
      all_.push_back({.data = m.data + row * m.row_bytes,
                      .bytes = n_rows * m.row_bytes,
                      .first_row = row,
                      .rows = n_rows,
                      .kept = true});
    }
    entries_.push_back({m.data, m.rows, {first, all_.size()}});
  }
  std::ranges::stable_sort(entries_, {}, &Entry::data);
}

void Tiles::keep_at_most(uint64_t bytes) {
  const size_t small = tile_bytes_ / 4;
  uint64_t small_bytes = 0, total = 0;
  for (const Tile& tile : all_) (tile.bytes < small ? small_bytes : total) += tile.bytes;
  const bool keeps_small = small_bytes <= bytes;
  const uint64_t left = keeps_small ? bytes - small_bytes : bytes;
  if (!keeps_small) total += small_bytes;

  // An equal share of the tiles up to each one is kept, as nearly as whole tiles allow.
  uint64_t passed = 0, kept = 0;
  for (Tile& tile : all_) {
    if (keeps_small && tile.bytes < small) {
      tile.kept = true;
      continue;
    }
    passed += tile.bytes;
    const double share = static_cast<double>(left) / static_cast<double>(total) * static_cast<double>(passed);
    tile.kept = static_cast<double>(kept + tile.bytes) <= share || left >= total;
    if (tile.kept) kept += tile.bytes;
  }
}

size_t Tiles::most_bytes() const {
  size_t most = 0;
  for (const Tile& tile : all_) most = std::max(most, tile.bytes);
  return most;
}

uint64_t Tiles::kept_bytes() const {
  uint64_t sum = 0;
  for (const Tile& tile : all_) sum += tile.kept ? tile.bytes : 0;
  return sum;
}

uint64_t Tiles::streamed_bytes() const {
  uint64_t sum = 0;
  for (const Tile& tile : all_) sum += tile.kept ? 0 : tile.bytes;
  return sum;
}

Tiles::Range Tiles::find(const uint8_t* data, size_t rows, size_t from) const {
  Range found;
  for (auto entry = std::ranges::lower_bound(entries_, data, {}, &Entry::data);
       entry != entries_.end() && entry->data == data; ++entry) {
    if (entry->rows != rows) continue;
    if (found.end == 0 || (found.begin < from && entry->tiles.begin >= from)) found = entry->tiles;
  }
  return found;
}

}  // namespace hearth
