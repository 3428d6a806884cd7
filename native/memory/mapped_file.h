// A file mapped read-only for as long as the object lives, and whether it is still what was mapped.
// Once a page cannot be read (cut short, failing card) the mapping reads as zeros and health() fails, until restore()
// puts the file back; the process lives on. Knows nothing of what the file holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "include/status.h"
#include "memory/direct_file.h"
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
  const std::string& device() const { return device_; }      // see device_name.h
  std::span<const uint8_t> bytes() const { return bytes_; }  // starts at a page boundary

  // Copies what stands from `offset` on, without bringing it into memory where the file system can: small pages that
  // are there keep their surroundings from coming in huge ones (huge_pages.h). FILE_READ_FAILED.
  Status peek(size_t offset, std::span<uint8_t> out) const;

  // Bytes that read_past_cache() needs to read `n`: it reads whole blocks of kDirectAlignment.
  static constexpr size_t kDirectAlignment = DirectFile::kAlignment;
  static constexpr size_t direct_bytes(size_t n) { return DirectFile::direct_bytes(n); }
  // Reads `n` bytes from `offset` on into `buffer`, of direct_bytes(n) at a multiple of kDirectAlignment, and tells
  // where in it they start. They pass by the page cache, or leave it at once where the file system knows no direct
  // reads. FILE_READ_FAILED, also where the file has become too short. Any thread.
  Status read_past_cache(size_t offset, size_t n, std::span<uint8_t> buffer, const uint8_t** data) const;
  // Takes these bytes out of the page cache, but for pages that another process has mapped. Advice only.
  void drop_cached(size_t offset, size_t n) const;

  // FILE_READ_FAILED once a page could not be read, FILE_CHANGED once the size or time of change differ from those at
  // open. Costs one fstat: ask after each step, before its results are used. Any thread.
  Status health() const;
  // Grows with each page that could not be read and with each restore(): where it is what it was, all that was read of
  // bytes() meanwhile is the file's.
  uint32_t generation() const { return guard_.generation(); }
  // Maps the file again where a page could not be read. Whether it can be read now only reading shows. FILE_CHANGED;
  // OUT_OF_MEMORY. Any thread, but one at a time; what others read of bytes() is zeros before and the file after it.
  Status restore() const;
  // Reads a block, past the page cache: of the place that could not be read last, where there is one. It takes as long
  // as the storage does. FILE_READ_FAILED, FILE_CHANGED. Any thread.
  Status probe() const;
  // FILE_READ_FAILED with the names of file and device, for readers that know why.
  Status read_failure(const std::string& why) const;
  // Whether the last reading of some place failed, and probe() has not succeeded since.
  bool failed() const { return guard_.faulted() || read_failed_; }

 private:
  MappedFile() = default;
  Status unchanged() const;
  std::string name() const;

  std::string path_, device_;
  DirectFile file_;
  std::span<const uint8_t> bytes_;
  mutable SigbusGuard guard_;
  mutable std::atomic<size_t> failed_at_{0};  // offset
  mutable std::atomic<bool> read_failed_{false};
};

}  // namespace hearth
