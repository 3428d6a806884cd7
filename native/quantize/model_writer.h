// Streams tensors from mapped files into a GGUF file, each converted to its type on all threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/blocks.h"
#include "gguf/writer.h"
#include "include/quantize.h"

namespace hearth::quantize {

struct TensorJob {
  std::string name;
  HearthType type;              // in the written file
  std::vector<uint64_t> shape;  // the fastest dimension first

  HearthType source_type;
  std::span<const uint8_t> source;  // its rows, without gaps
  uint64_t row_elements;            // of the rows in which it is converted
  uint64_t source_row_bytes;
  uint32_t interleave_rows = 0;  // as in ImportTensor
  float add = 0;                 // to each weight
};

struct WriteJob {
  std::string path;
  int32_t threads = 0;
  std::function<Status()> source_health;  // whether the mapped files are what they were
};

// Adds the tensors to `writer`, which has the keys, and writes the file.
Status write_model(GgufWriter* writer, std::span<const TensorJob> tensors, const WriteJob& job,
                   const QuantizeObserver& observer, QuantizeReport* report);

}  // namespace hearth::quantize
