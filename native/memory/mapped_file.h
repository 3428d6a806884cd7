// A file mapped read-only for as long as the object lives, and whether it is still what was mapped.
// Once a page cannot be read (cut short, failing card) the mapping reads as zeros and health() fails; the process lives
// on. Knows nothing of what the file holds.
#pragma once

#include <sys/stat.h>

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

  // FILE_READ_FAILED once a page could not be read, FILE_CHANGED once the size or time of change differ from those at
  // open. Costs one fstat: ask after each step, before its results are used. Any thread.
  Status health() const;

 private:
  MappedFile() = default;

  std::string path_;
  int fd_ = -1;
  bool direct_ = false;  // reads of fd_ pass by the page cache
  struct stat opened_ = {};
  std::span<const uint8_t> bytes_;
  SigbusGuard guard_;
};

}  // namespace hearth
