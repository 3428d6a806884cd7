#include "gguf/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace hearth {
namespace {

// Written at once, up to a multiple of it: so the kernel keeps the file in pages as large, where it can.
constexpr size_t kPieceBytes = 2 << 20;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// In the same folder, because a rename does not cross file systems.
std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return path + "." + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".tmp";
}

}  // namespace

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_path_.empty()) unlink(temporary_path_.c_str());
}

Status OutputFile::failed(const char* action) const {
  const std::string reason = std::generic_category().message(errno);
  return {Code::FILE_WRITE_FAILED, "The file " + quoted_path(path_) + " cannot be " + action + ": " + reason + "."};
}

Status OutputFile::open(const std::string& path, uint64_t n_bytes) {
  path_ = path;
  std::string temporary = temporary_name(path);
  fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) return failed("created");
  temporary_path_ = std::move(temporary);
  if (n_bytes != 0 && fallocate(fd_, 0, 0, static_cast<off_t>(n_bytes)) != 0 && (errno == ENOSPC || errno == EFBIG)) {
    return failed("written");
  }
  return {};
}

Status OutputFile::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t room = kPieceBytes - (written_ + pending_.size()) % kPieceBytes;
    const auto part = bytes.first(std::min(room, bytes.size()));
    pending_.insert(pending_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (part.size() == room) HEARTH_RETURN_IF_ERROR(write_pending());
  }
  return {};
}

Status OutputFile::write_pending() {
  for (std::span<const uint8_t> left = pending_; !left.empty();) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("written");
    written_ += static_cast<uint64_t>(n);
    left = left.subspan(static_cast<size_t>(n));
  }
  pending_.clear();
  return {};
}

Status OutputFile::flush() {
  HEARTH_RETURN_IF_ERROR(write_pending());
  return fdatasync(fd_) == 0 ? Status() : failed("flushed");
}

Status OutputFile::commit() {
  HEARTH_RETURN_IF_ERROR(write_pending());
  if (fsync(fd_) != 0) return failed("flushed");
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) return failed("closed");
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) return failed("renamed into place");
  temporary_path_.clear();
  // The name, too, has to survive a power cut. Not every file system lets a folder be flushed: the file itself is safe.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
  return {};
}

}  // namespace hearth
