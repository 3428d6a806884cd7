// A file that is read past the page cache, where its file system and device can; where they cannot, as any other. Maps
// nothing.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "include/status.h"

namespace hearth {

class DirectFile {
 public:
  static constexpr size_t kAlignment = 4096;  // what O_DIRECT asks of addresses and sizes on all common devices

  // The bytes that `n` of any place are read into: whole blocks.
  static constexpr size_t direct_bytes(size_t n) { return (n / kAlignment + 2) * kAlignment; }

  DirectFile() = default;
  ~DirectFile();
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;

  // Once. FILE_OPEN_FAILED, also for what is no regular file.
  Status open(const std::string& path);

  int fd() const { return fd_; }
  const struct stat& opened() const { return opened_; }  // as it was then
  // Whether reads pass by the page cache; what else they bring into it is the caller's to drop.
  bool is_direct() const { return direct_; }

  // Fills `buffer`, whose address and size are multiples of kAlignment, as is `offset`, with at least `least` bytes and
  // no more than it holds. Returns how many: fewer only where the file ends; -1, and errno, where it cannot be read.
  // Any thread.
  ssize_t read(std::span<uint8_t> buffer, size_t least, uint64_t offset) const;

 private:
  int fd_ = -1;
  mutable std::atomic<bool> direct_{false};
  struct stat opened_ = {};
};

}  // namespace hearth
