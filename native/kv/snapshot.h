// How a sequence is cut into pieces of memory that can be written to a file and read back: blocks that hold all tokens,
// blocks of windows, recurrent states, and the lengths that the sequence can go on from. Knows no files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::kv {

// A length that the sequence can go on from.
struct SnapshotPoint {
  int32_t n_tokens = 0;
  int32_t state = -1;            // one of the snapshot's states; -1 in models without
  int32_t first_window = 0;      // the first block of the sequence that its windows reach
  std::vector<int32_t> windows;  // the window blocks from there on, as numbers of the snapshot's
};

struct SnapshotLayout {
  int32_t n_tokens = 0;
  int32_t n_blocks = 0, n_windows = 0, n_states = 0;
  std::vector<SnapshotPoint> points;  // ascending, the last one of n_tokens

  size_t n_pieces() const { return static_cast<size_t>(n_blocks) + n_windows + n_states; }
  // Without windows and states every length can be gone on from, not the point's alone.
  bool resumes_anywhere() const { return n_windows == 0 && n_states == 0; }
  int32_t resumable(int32_t n) const;
  // The layout that suffices to go on from resumable(n) tokens, and its pieces' numbers in this layout.
  SnapshotLayout first(int32_t n, std::vector<size_t>* pieces) const;
  // Whether its numbers fit together, for one that comes from a file.
  bool is_consistent() const;
};

// [n_pieces] the blocks, then the windows, then the states.
using SnapshotPieces = std::vector<std::span<std::byte>>;

}  // namespace hearth::kv
