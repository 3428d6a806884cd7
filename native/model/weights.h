// Fetches weights from a GGUF file by name, with the shape that the architecture expects of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gguf/gguf.h"
#include "include/status.h"
#include "model/tensor.h"

namespace hearth {

// Whether kernels multiply with it: every set has the types that the reference has.
bool is_supported_type(HearthType type);

// The first failure is kept for status() and its result is empty, so that an architecture reads as the list of its
// weights: GGUF_TENSOR_MISSING, GGUF_TENSOR_BAD_SHAPE or MODEL_TENSOR_TYPE_UNSUPPORTED, with the tensor's name.
// The optional ones are empty where the file lacks the tensor.
class WeightReader {
 public:
  // `norm_eps` goes into every norm.
  WeightReader(const GgufFile& file, float norm_eps) : file_(file), norm_eps_(norm_eps) {}

  // Names are from now on those of layer `il`: "attn_q" is "blk.2.attn_q.weight".
  void layer(size_t il) { prefix_ = "blk." + std::to_string(il) + "."; }

  // NAME.weight [rows, cols]: GGUF's ne = {cols, rows}.
  Matrix matrix(const std::string& name, uint64_t rows, uint64_t cols);
  Matrix optional_matrix(const std::string& name, uint64_t rows, uint64_t cols);
  // NAME.weight [n * rows, cols]: the matrices of n experts, one behind the other. GGUF's ne = {cols, rows, n}.
  Matrix experts(const std::string& name, uint64_t n, uint64_t rows, uint64_t cols);
  // NAME.weight [rows, cols] and, where the file has it, NAME.bias [rows].
  Linear linear(const std::string& name, uint64_t rows, uint64_t cols);
  // NAME.weight [n].
  RmsNorm norm(const std::string& name, uint64_t n);
  // The tensor NAME itself, with its suffix: [n] in F32, as GGUF writers keep all vectors.
  std::span<const float> vector(const std::string& name, uint64_t n);
  // NAME.weight [n_channels, taps] in F32.
  std::span<const float> filter(const std::string& name, uint64_t n_channels, uint64_t taps);
  std::span<const float> optional_vector(const std::string& name, uint64_t n);

  const Status& status() const { return status_; }

 private:
  const GgufTensor* find(const std::string& name, uint64_t rows, uint64_t cols, uint64_t n = 1);
  std::span<const float> floats(const GgufTensor* tensor);
  void fail(Code code, std::string message);

  const GgufFile& file_;
  float norm_eps_;
  std::string prefix_;
  Status status_;
};

}  // namespace hearth
