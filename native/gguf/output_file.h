// A file that appears under its name only when it is complete: written beside it, flushed, then renamed.
// Knows nothing of what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "include/status.h"

namespace hearth {

class OutputFile {
 public:
  OutputFile() = default;
  ~OutputFile();  // removes what was written, unless commit() succeeded
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Starts a file of `n_bytes`. Space is reserved where the file system can, so that a full disk shows at once.
  // FILE_WRITE_FAILED, as from all others here; after it the object only waits to be destroyed.
  Status open(const std::string& path, uint64_t n_bytes);
  Status write(std::span<const uint8_t> bytes);
  // Flushes to the device what was written so far, so that little waits for commit() and for others who flush.
  Status flush();
  // Flushes to the device and gives the file its name, in the place of one that had it.
  Status commit();

 private:
  Status failed(const char* action) const;
  Status write_pending();

  std::string path_;
  std::string temporary_path_;  // empty unless there is a file to remove
  int fd_ = -1;
  uint64_t written_ = 0;
  std::vector<uint8_t> pending_;  // what comes behind that
};

}  // namespace hearth
