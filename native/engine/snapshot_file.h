// The file of a stored prefix: a header with tokens, layout and a checksum of each piece, then the pieces, each at a
// page's boundary. Nothing of it is used unchecked. Knows nothing of sequences and models.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "include/status.h"
#include "kv/snapshot.h"

namespace hearth {

inline constexpr size_t kSnapshotKeyBytes = 64;

struct SnapshotHeader {
  std::string key;
  std::vector<int32_t> tokens;
  kv::SnapshotLayout layout;
  std::array<uint64_t, 3> piece_bytes{};  // of a block, a window block and a state
  std::vector<uint64_t> checksums;        // [n_pieces] filled in by write_snapshot_file()
  uint64_t header_bytes = 0;              // the two filled in by both
  uint64_t file_bytes = 0;

  uint64_t bytes_of_piece(size_t piece) const;
  uint64_t offset_of_piece(size_t piece) const;
};

// The file appears when it is complete and on the device. FILE_WRITE_FAILED; ENGINE_CLOSED once `stopped`.
Status write_snapshot_file(const std::string& path, SnapshotHeader* header,
                           std::span<const std::span<std::byte>> pieces, const std::atomic<bool>& stopped);

// An open file whose header was checked.
class SnapshotFile {
 public:
  SnapshotFile() = default;
  ~SnapshotFile();
  SnapshotFile(const SnapshotFile&) = delete;
  SnapshotFile& operator=(const SnapshotFile&) = delete;

  // PREFIX_FILE_INVALID for a damaged file and for one of another key; FILE_OPEN_FAILED, FILE_READ_FAILED.
  Status open(const std::string& path, const std::string& key);
  const SnapshotHeader& header() const { return header_; }
  // Reads and checks a piece. PREFIX_FILE_INVALID, FILE_READ_FAILED.
  Status read(size_t piece, std::span<std::byte> into) const;

 private:
  Status read_at(uint64_t offset, std::span<std::byte> into) const;
  Status damaged(const char* what) const;

  std::string path_;
  int fd_ = -1;
  SnapshotHeader header_;
};

}  // namespace hearth
