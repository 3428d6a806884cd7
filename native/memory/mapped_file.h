// A file mapped read-only for as long as the object lives, and whether it is still what was mapped.
// Once a page cannot be read (cut short, failing card) the mapping reads as zeros and health() fails; the process lives
// on. Knows nothing of what the file holds.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "include/status.h"
#include "memory/sigbus.h"

namespace hearth {

class MappedFile {
 public:
  // Maps the whole of a regular file; an empty one has empty bytes(). FILE_OPEN_FAILED; OUT_OF_MEMORY when the address
  // space or the SIGBUS registry is full.
  static Status open(const std::string& path, std::unique_ptr<MappedFile>* result);
  ~MappedFile();

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const uint8_t> bytes() const { return bytes_; }  // starts at a page boundary

  // Copies what stands from `offset` on, without bringing it into memory where the file system can: small pages that
  // are there keep their surroundings from coming in huge ones (huge_pages.h). FILE_READ_FAILED.
  Status peek(size_t offset, std::span<uint8_t> out) const;

  // Bytes that read_past_cache() needs to read `n`: it reads whole blocks of kDirectAlignment.
  static constexpr size_t kDirectAlignment = 4096;  // what O_DIRECT asks of addresses and sizes on all common devices
  static constexpr size_t direct_bytes(size_t n) { return (n / kDirectAlignment + 2) * kDirectAlignment; }
  // Reads `n` bytes from `offset` on into `buffer`, of direct_bytes(n) at a multiple of kDirectAlignment, and tells
  // where in it they start. They pass by the page cache, or leave it at once where the file system knows no direct
  // reads. FILE_READ_FAILED, also where the file has become too short. Any thread.
  Status read_past_cache(size_t offset, size_t n, std::span<uint8_t> buffer, const uint8_t** data) const;
  // Takes these bytes out of the page cache, but for pages that another process has mapped. Advice only.
  void drop_cached(size_t offset, size_t n) const;

  // FILE_READ_FAILED once a page could not be read, FILE_CHANGED once the size or time of change differ from those at
  // open. Costs one fstat: ask after each step, before its results are used. Any thread.
  Status health() const;

 private:
  MappedFile() = default;

  std::string path_;
  int fd_ = -1;
  mutable std::atomic<bool> direct_{false};  // reads of fd_ pass by the page cache
  struct stat opened_ = {};
  std::span<const uint8_t> bytes_;
  SigbusGuard guard_;
};

}  // namespace hearth
