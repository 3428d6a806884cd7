// How fast a file's storage is read as streamed weights are. Maps nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "include/status.h"

namespace hearth {

struct ReadSpeedOptions {
  std::chrono::milliseconds duration{500};
  size_t read_bytes = size_t{2} << 20;
  int readers = 2;
};

// Reads pieces that lie all over the file, past the page cache where the file system can, until the time is over or
// all of it was read once. FILE_OPEN_FAILED, FILE_READ_FAILED.
Status measure_read_speed(const std::string& path, const ReadSpeedOptions& options, double* bytes_per_second);

}  // namespace hearth
