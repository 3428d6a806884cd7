#include "engine/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <system_error>

#include "base/hash64.h"
#include "base/text.h"
#include "gguf/output_file.h"

namespace hearth {
namespace {

constexpr char kMagic[8] = {'h', 'e', 'a', 'r', 't', 'h', 'k', 'v'};
constexpr uint32_t kVersion = 1;
constexpr uint64_t kPage = 4096;
// Far above what a context of millions of tokens takes.
constexpr uint64_t kMostHeaderBytes = 64 << 20;
constexpr uint64_t kMostPieceBytes = uint64_t{1} << 34;
constexpr size_t kFlushBytes = 16 << 20;

// The beginning of the file, little-endian. Behind it: tokens, the points, their windows, the pieces' checksums.
struct FixedHeader {
  char magic[8];
  uint32_t version;
  uint32_t n_points;
  uint64_t header_bytes;  // of all before the first piece, without the padding to a page
  uint64_t file_bytes;
  uint64_t checksum;  // of the header's bytes, with zeros here
  char key[kSnapshotKeyBytes];
  int32_t n_tokens, n_blocks, n_windows, n_states;
  uint64_t piece_bytes[3];
};

struct FixedPoint {
  int32_t n_tokens, state, first_window, n_windows;
};

uint64_t pages(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

template <typename T>
void append(std::vector<std::byte>* bytes, const T* values, size_t n) {
  const auto* from = reinterpret_cast<const std::byte*>(values);
  bytes->insert(bytes->end(), from, from + n * sizeof(T));
}

// Takes values from the front of `bytes`; false when there are too few.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <typename T>
  bool take(T* values, size_t n) {
    if (n > left_.size() / sizeof(T)) return false;
    std::memcpy(values, left_.data(), n * sizeof(T));
    left_ = left_.subspan(n * sizeof(T));
    return true;
  }
  template <typename T>
  bool take(std::vector<T>* values, size_t n) {
    if (n > left_.size() / sizeof(T)) return false;
    values->resize(n);
    return take(values->data(), n);
  }
  bool is_empty() const { return left_.empty(); }

 private:
  std::span<const std::byte> left_;
};

std::vector<std::byte> serialize(SnapshotHeader* header) {
  const kv::SnapshotLayout& layout = header->layout;
  FixedHeader fixed{};
  std::memcpy(fixed.magic, kMagic, sizeof kMagic);
  fixed.version = kVersion;
  fixed.n_points = static_cast<uint32_t>(layout.points.size());
  std::memcpy(fixed.key, header->key.data(), std::min(header->key.size(), kSnapshotKeyBytes));
  fixed.n_tokens = layout.n_tokens;
  fixed.n_blocks = layout.n_blocks;
  fixed.n_windows = layout.n_windows;
  fixed.n_states = layout.n_states;
  std::ranges::copy(header->piece_bytes, fixed.piece_bytes);
  size_t n_windows = 0;
  for (const kv::SnapshotPoint& point : layout.points) n_windows += point.windows.size();
  header->header_bytes = sizeof fixed + header->tokens.size() * sizeof(int32_t) +
                         layout.points.size() * sizeof(FixedPoint) + n_windows * sizeof(int32_t) +
                         layout.n_pieces() * sizeof(uint64_t);
  header->checksums.resize(layout.n_pieces());
  header->file_bytes = header->offset_of_piece(layout.n_pieces());
  fixed.header_bytes = header->header_bytes;
  fixed.file_bytes = header->file_bytes;

  std::vector<std::byte> bytes;
  append(&bytes, &fixed, 1);
  append(&bytes, header->tokens.data(), header->tokens.size());
  for (const kv::SnapshotPoint& point : layout.points) {
    const FixedPoint written{point.n_tokens, point.state, point.first_window,
                             static_cast<int32_t>(point.windows.size())};
    append(&bytes, &written, 1);
    append(&bytes, point.windows.data(), point.windows.size());
  }
  append(&bytes, header->checksums.data(), header->checksums.size());
  const uint64_t checksum = hash64(bytes);
  std::memcpy(bytes.data() + offsetof(FixedHeader, checksum), &checksum, sizeof checksum);
  bytes.resize(pages(bytes.size()));
  return bytes;
}

// `bytes`: the header without its padding, whose checksum is right.
bool parse(std::span<const std::byte> bytes, SnapshotHeader* header) {
  FixedHeader fixed;
  Reader reader(bytes);
  if (!reader.take(&fixed, 1)) return false;
  header->key.assign(fixed.key, strnlen(fixed.key, kSnapshotKeyBytes));
  std::ranges::copy(fixed.piece_bytes, header->piece_bytes.begin());
  kv::SnapshotLayout& layout = header->layout;
  layout = {fixed.n_tokens, fixed.n_blocks, fixed.n_windows, fixed.n_states, {}};
  if (fixed.n_tokens < 1 || !reader.take(&header->tokens, static_cast<size_t>(fixed.n_tokens))) return false;
  for (uint32_t i = 0; i < fixed.n_points; ++i) {
    FixedPoint read;
    if (!reader.take(&read, 1) || read.n_windows < 0) return false;
    kv::SnapshotPoint point{read.n_tokens, read.state, read.first_window, {}};
    if (!reader.take(&point.windows, static_cast<size_t>(read.n_windows))) return false;
    layout.points.push_back(std::move(point));
  }
  if (!layout.is_consistent() || !reader.take(&header->checksums, layout.n_pieces()) || !reader.is_empty())
    return false;
  const auto is_sane = [](uint64_t piece) { return piece <= kMostPieceBytes; };
  return std::ranges::all_of(header->piece_bytes, is_sane) &&
         header->offset_of_piece(layout.n_pieces()) == header->file_bytes;
}

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

uint64_t SnapshotHeader::bytes_of_piece(size_t piece) const {
  const auto blocks = static_cast<size_t>(layout.n_blocks), windows = static_cast<size_t>(layout.n_windows);
  return piece_bytes[piece < blocks ? 0 : piece < blocks + windows ? 1 : 2];
}

uint64_t SnapshotHeader::offset_of_piece(size_t piece) const {
  const auto blocks = std::min(piece, static_cast<size_t>(layout.n_blocks));
  const auto windows = std::min(piece - blocks, static_cast<size_t>(layout.n_windows));
  return pages(header_bytes) + blocks * pages(piece_bytes[0]) + windows * pages(piece_bytes[1]) +
         (piece - blocks - windows) * pages(piece_bytes[2]);
}

Status write_snapshot_file(const std::string& path, SnapshotHeader* header,
                           std::span<const std::span<std::byte>> pieces, const std::atomic<bool>& stopped) {
  // First the checksums, which stand in the header: the pieces do not change, and reading them twice costs little
  // beside the writing.
  header->checksums.clear();
  for (const std::span<std::byte> piece : pieces) {
    if (stopped) break;
    header->checksums.push_back(hash64(piece));
  }
  const std::vector<std::byte> head = serialize(header);
  OutputFile file;
  HEARTH_RETURN_IF_ERROR(file.open(path, header->file_bytes));
  const auto write = [&](std::span<const std::byte> bytes) {
    return file.write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  };
  HEARTH_RETURN_IF_ERROR(write(head));
  const std::vector<std::byte> padding(kPage);
  size_t unflushed = 0;
  for (const std::span<std::byte> piece : pieces) {
    if (stopped) return {Code::ENGINE_CLOSED, "The engine was closed while a prefix was written."};
    HEARTH_RETURN_IF_ERROR(write(piece));
    HEARTH_RETURN_IF_ERROR(write(std::span(padding).first(pages(piece.size()) - piece.size())));
    unflushed += piece.size();
    if (unflushed < kFlushBytes) continue;
    HEARTH_RETURN_IF_ERROR(file.flush());
    unflushed = 0;
  }
  return file.commit();
}

SnapshotFile::~SnapshotFile() {
  if (fd_ < 0) return;
  // The bytes read are in the KV cache now; the weights need the page cache more. Advice only.
  posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  close(fd_);
}

Status SnapshotFile::damaged(const char* what) const {
  return {Code::PREFIX_FILE_INVALID, "The stored prefix " + quoted_path(path_) + " " + what + "."};
}

Status SnapshotFile::read_at(uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t n = pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return {Code::FILE_READ_FAILED, "The stored prefix " + quoted_path(path_) + " cannot be read: " + reason() + "."};
    }
    if (n == 0) return damaged("is cut short");
    into = into.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Status SnapshotFile::open(const std::string& path, const std::string& key) {
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat file = {};
  if (fd_ < 0 || fstat(fd_, &file) != 0) {
    return {Code::FILE_OPEN_FAILED, "The stored prefix " + quoted_path(path_) + " cannot be opened: " + reason() + "."};
  }
  FixedHeader fixed{};
  HEARTH_RETURN_IF_ERROR(read_at(0, std::as_writable_bytes(std::span(&fixed, 1))));
  if (std::memcmp(fixed.magic, kMagic, sizeof kMagic) != 0 || fixed.version != kVersion) {
    return damaged("is of another format");
  }
  if (fixed.header_bytes < sizeof fixed || fixed.header_bytes > kMostHeaderBytes)
    return damaged("has a damaged header");
  if (fixed.file_bytes != static_cast<uint64_t>(file.st_size)) return damaged("has another length than it says");
  std::vector<std::byte> bytes(fixed.header_bytes);
  HEARTH_RETURN_IF_ERROR(read_at(0, bytes));
  std::memset(bytes.data() + offsetof(FixedHeader, checksum), 0, sizeof fixed.checksum);
  header_.header_bytes = fixed.header_bytes;
  header_.file_bytes = fixed.file_bytes;
  if (hash64(bytes) != fixed.checksum || !parse(bytes, &header_)) return damaged("has a damaged header");
  if (header_.key != key) return damaged("is of another model, or of another version of hearth");
  return {};
}

Status SnapshotFile::read(size_t piece, std::span<std::byte> into) const {
  HEARTH_RETURN_IF_ERROR(read_at(header_.offset_of_piece(piece), into));
  return hash64(into) == header_.checksums[piece] ? Status() : damaged("is damaged");
}

}  // namespace hearth
