#include "model/weights.h"

#include "kernels/sets.h"

namespace hearth {
namespace {

// Every kernel set has the types that the reference has.
bool is_supported_type(HearthType type) { return hearth_kernels__ref.matmul[type] != nullptr; }

std::string shape_of(const GgufTensor& tensor) {
  std::string text;
  for (uint32_t i = 0; i < tensor.n_dims; ++i) text += (i ? " x " : "") + std::to_string(tensor.ne[i]);
  return text;
}

Status check_shape(const GgufTensor& tensor, uint64_t cols, uint64_t rows) {
  if (tensor.ne[0] == cols && tensor.ne[1] == rows && tensor.ne[2] == 1 && tensor.ne[3] == 1) return {};
  return {Code::GGUF_TENSOR_BAD_SHAPE, "Tensor \"" + tensor.name + "\" has the shape " + shape_of(tensor) +
                                           "; its architecture expects " + std::to_string(cols) +
                                           (rows == 1 ? "" : " x " + std::to_string(rows)) + "."};
}

}  // namespace

Status WeightReader::matrix(const std::string& name, uint64_t rows, uint64_t cols, Matrix* matrix) const {
  const GgufTensor* tensor = nullptr;
  HEARTH_RETURN_IF_ERROR(file_.require_tensor(name, &tensor));
  HEARTH_RETURN_IF_ERROR(check_shape(*tensor, cols, rows));
  if (!is_supported_type(tensor->type)) {
    return {Code::MODEL_TENSOR_TYPE_UNSUPPORTED, "Tensor \"" + name + "\" is of type " + type_name(tensor->type) +
                                                     ", which this build cannot compute with."};
  }
  *matrix = {tensor->data.data(), tensor->type, rows, cols, tensor->row_bytes};
  return {};
}

Status WeightReader::optional_matrix(const std::string& name, uint64_t rows, uint64_t cols, Matrix* result) const {
  return file_.find_tensor(name) ? matrix(name, rows, cols, result) : Status();
}

Status WeightReader::linear(const std::string& name, uint64_t rows, uint64_t cols, Linear* linear) const {
  HEARTH_RETURN_IF_ERROR(matrix(name + ".weight", rows, cols, &linear->weight));
  std::span<const float> bias;
  HEARTH_RETURN_IF_ERROR(optional_vector(name + ".bias", rows, &bias));
  linear->bias = bias.empty() ? nullptr : bias.data();
  return {};
}

Status WeightReader::vector(const std::string& name, uint64_t n, std::span<const float>* vector) const {
  const GgufTensor* tensor = nullptr;
  HEARTH_RETURN_IF_ERROR(file_.require_tensor(name, &tensor));
  HEARTH_RETURN_IF_ERROR(check_shape(*tensor, n, 1));
  if (tensor->type != HEARTH_TYPE_F32) {
    return {Code::MODEL_TENSOR_TYPE_UNSUPPORTED,
            "Tensor \"" + name + "\" is of type " + type_name(tensor->type) + "; vectors have to be F32."};
  }
  // The reader guarantees an alignment of 8.
  *vector = {reinterpret_cast<const float*>(tensor->data.data()), static_cast<size_t>(n)};
  return {};
}

Status WeightReader::optional_vector(const std::string& name, uint64_t n, std::span<const float>* result) const {
  return file_.find_tensor(name) ? vector(name, n, result) : Status();
}

}  // namespace hearth
