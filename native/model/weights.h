// Fetches weights from a GGUF file by name, with the shape that the architecture expects of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gguf/gguf.h"
#include "include/status.h"
#include "model/tensor.h"

namespace hearth {

// All return GGUF_TENSOR_MISSING, GGUF_TENSOR_BAD_SHAPE or MODEL_TENSOR_TYPE_UNSUPPORTED with the tensor's name. The
// optional ones leave their result empty where the file lacks the tensor.
class WeightReader {
 public:
  explicit WeightReader(const GgufFile& file) : file_(file) {}

  // [rows, cols]: GGUF's ne = {cols, rows}.
  Status matrix(const std::string& name, uint64_t rows, uint64_t cols, Matrix* matrix) const;
  Status optional_matrix(const std::string& name, uint64_t rows, uint64_t cols, Matrix* matrix) const;
  // NAME.weight [rows, cols] and, where the file has it, NAME.bias [rows].
  Status linear(const std::string& name, uint64_t rows, uint64_t cols, Linear* linear) const;
  // [n] in F32, as GGUF writers keep all vectors.
  Status vector(const std::string& name, uint64_t n, std::span<const float>* vector) const;
  Status optional_vector(const std::string& name, uint64_t n, std::span<const float>* vector) const;

 private:
  const GgufFile& file_;
};

}  // namespace hearth
