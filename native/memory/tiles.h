// How weights are divided into tiles: rows of a matrix that stay in memory, or are read from the file each time that a
// pass comes to them. Pure: no file, no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth {

// A matrix as a pass reads it: rows one behind the other in a mapped file.
struct MappedMatrix {
  const uint8_t* data = nullptr;
  size_t row_bytes = 0;
  size_t rows = 0;

  size_t bytes() const { return row_bytes * rows; }
};

struct Tile {
  const uint8_t* data = nullptr;  // of its first row, mapped file's
  size_t bytes = 0;
  size_t first_row = 0, rows = 0;  // of its matrix
  bool kept = true;
};

class Tiles {
 public:
  // Kernels work on so many rows at once.
  static constexpr size_t kRowMultiple = 16;

  Tiles() = default;
  // `matrices` in the order in which a pass uses them; each becomes tiles of about `tile_bytes`, all of them kept.
  Tiles(std::span<const MappedMatrix> matrices, size_t tile_bytes);

  // Keeps tiles of at most `bytes`, spread evenly over the pass, so that the next ones can be read from the file while
  // kept ones are computed with. Small matrices come first: reading them would cost more in calls than in bytes.
  void keep_at_most(uint64_t bytes);

  const std::vector<Tile>& all() const { return all_; }
  size_t most_bytes() const;  // of one tile
  uint64_t kept_bytes() const;
  uint64_t streamed_bytes() const;

  // The numbers of a matrix's tiles: first and one behind the last. `from`: where the pass is, for a matrix that it
  // uses more than once. {0, 0} for a matrix that is none of these.
  struct Range {
    size_t begin = 0, end = 0;
  };
  Range find(const uint8_t* data, size_t rows, size_t from) const;

 private:
  struct Entry {
    const uint8_t* data;
    size_t rows;
    Range tiles;
  };

  std::vector<Tile> all_;       // in the order of use
  std::vector<Entry> entries_;  // by address, then in the order of use
  size_t tile_bytes_ = 0;
};

}  // namespace hearth
