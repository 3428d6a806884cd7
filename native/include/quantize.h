// Writes GGUF files: a model in other weight types, or one put together from the tensors of other files.
// Whoever uses it (binding/, tools/, tests) knows nothing of blocks, scales or recipes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "include/status.h"

namespace hearth {

struct QuantizeOptions {
  std::string type;               // a mix of types: "Q4_K_M", "Q8_0", "F16", in any case
  int32_t threads = 0;            // 0: one per physical core this process may use
  bool pure = false;              // every matrix in the mix's main type
  bool allow_requantize = false;  // accept weights that are quantized already
};

struct QuantizeProgress {
  uint64_t done_bytes, total_bytes;  // of the source's weights
  std::string_view tensor;           // the one in work
};

// Called from the thread that works, some times a second. False stops the work: STOPPED.
using QuantizeObserver = std::function<bool(const QuantizeProgress&)>;

// The weights of one type in the written file, and the error that converting them made.
struct QuantizedType {
  std::string type;
  uint64_t tensors = 0, weights = 0, bytes = 0;
  double squared_error = 0, squared_norm = 0;  // sums over the weights that were converted to the type
};

struct QuantizeReport {
  uint64_t source_bytes = 0, bytes = 0, weights = 0;  // of all tensors' data
  std::vector<QuantizedType> types;                   // the largest first
};

// Writes the GGUF file `source` with the weights in another type to `path`, which appears when it is complete. Memory
// is bounded by some rows of a tensor; equal sources give equal files on every machine and number of threads. The codes
// of opening and reading a GGUF file; OPTION_OUT_OF_RANGE for an unknown type; QUANTIZE_SOURCE_QUANTIZED;
// MODEL_TENSOR_TYPE_UNSUPPORTED; MODEL_WEIGHTS_INVALID for weights that are no finite numbers; FILE_WRITE_FAILED;
// OUT_OF_MEMORY; STOPPED.
Status quantize_model(const std::string& source, const std::string& path, const QuantizeOptions& options,
                      const QuantizeObserver& observer, QuantizeReport* report);

// A tensor in one of several source files, row-major in F32, F16 or BF16, little-endian.
struct ImportTensor {
  std::string name;             // in the written file
  std::string type;             // in the source file
  std::vector<uint64_t> shape;  // the fastest dimension first, one to four
  size_t file = 0;              // of ImportPlan::files
  uint64_t offset = 0;          // of its data, from the start of that file
  // Not 0: rows are heads of so many rows, whose halves hold the two parts of RoPE's pairs; they are interleaved.
  uint32_t interleave_rows = 0;
  float add = 0;  // to each weight
};

struct ImportKey {
  std::string name;
  std::variant<bool, uint32_t, float, std::string, std::vector<std::string>, std::vector<int32_t>, std::vector<float>>
      value;
};

struct ImportPlan {
  std::vector<std::string> files;
  std::vector<ImportKey> keys;
  std::vector<ImportTensor> tensors;
  std::vector<float> rope_factors;  // becomes rope_freqs.weight; empty for none
};

// Writes a GGUF file of the plan's keys and tensors. An empty options.type keeps the matrices' types; vectors become
// F32. Codes as of quantize_model; IMPORT_BAD_TENSOR for a tensor that does not lie in its file.
Status import_model(const ImportPlan& plan, const std::string& path, const QuantizeOptions& options,
                    const QuantizeObserver& observer, QuantizeReport* report);

}  // namespace hearth
