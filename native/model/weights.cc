#include "model/weights.h"

#include "kernels/sets.h"

namespace hearth {

bool is_supported_type(HearthType type) { return hearth_kernels__ref.matmul[type] != nullptr; }

namespace {

std::string shape_of(const GgufTensor& tensor) {
  std::string text;
  for (uint32_t i = 0; i < tensor.n_dims; ++i) text += (i ? " x " : "") + std::to_string(tensor.ne[i]);
  return text;
}

}  // namespace

void WeightReader::fail(Code code, std::string message) {
  if (status_.ok()) status_ = {code, std::move(message)};
}

const GgufTensor* WeightReader::find(const std::string& name, uint64_t rows, uint64_t cols, uint64_t n) {
  const GgufTensor* tensor = nullptr;
  if (Status status = file_.require_tensor(name, &tensor); !status.ok()) {
    fail(status.code(), status.message());
    return nullptr;
  }
  if (tensor->ne[0] == cols && tensor->ne[1] == rows && tensor->ne[2] == n && tensor->ne[3] == 1) return tensor;
  fail(Code::GGUF_TENSOR_BAD_SHAPE, "Tensor \"" + name + "\" has the shape " + shape_of(*tensor) +
                                        "; its architecture expects " + std::to_string(cols) +
                                        (rows == 1 ? "" : " x " + std::to_string(rows)) +
                                        (n == 1 ? "" : " x " + std::to_string(n)) + ".");
  return nullptr;
}

Matrix WeightReader::matrix(const std::string& name, uint64_t rows, uint64_t cols) {
  return experts(name, 1, rows, cols);
}

Matrix WeightReader::experts(const std::string& name, uint64_t n, uint64_t rows, uint64_t cols) {
  const GgufTensor* tensor = find(prefix_ + name + ".weight", rows, cols, n);
  if (tensor == nullptr) return {};
  if (is_supported_type(tensor->type)) return {tensor->data.data(), tensor->type, n * rows, cols, tensor->row_bytes};
  fail(Code::MODEL_TENSOR_TYPE_UNSUPPORTED, "Tensor \"" + tensor->name + "\" is of type " + type_name(tensor->type) +
                                                ", which this build cannot compute with.");
  return {};
}

Matrix WeightReader::optional_matrix(const std::string& name, uint64_t rows, uint64_t cols) {
  return file_.find_tensor(prefix_ + name + ".weight") ? matrix(name, rows, cols) : Matrix();
}

Linear WeightReader::linear(const std::string& name, uint64_t rows, uint64_t cols) {
  const std::span<const float> bias = optional_vector(name + ".bias", rows);
  return {matrix(name, rows, cols), bias.empty() ? nullptr : bias.data()};
}

RmsNorm WeightReader::norm(const std::string& name, uint64_t n) { return {vector(name + ".weight", n), norm_eps_}; }

std::span<const float> WeightReader::vector(const std::string& name, uint64_t n) {
  return floats(find(prefix_ + name, 1, n));
}

std::span<const float> WeightReader::filter(const std::string& name, uint64_t n_channels, uint64_t taps) {
  return floats(find(prefix_ + name + ".weight", n_channels, taps));
}

std::span<const float> WeightReader::floats(const GgufTensor* tensor) {
  if (tensor == nullptr) return {};
  if (tensor->type == HEARTH_TYPE_F32) {
    // The reader guarantees an alignment of 8.
    return {reinterpret_cast<const float*>(tensor->data.data()), static_cast<size_t>(tensor->n_elements)};
  }
  fail(Code::MODEL_TENSOR_TYPE_UNSUPPORTED,
       "Tensor \"" + tensor->name + "\" is of type " + type_name(tensor->type) + "; this one has to be F32.");
  return {};
}

std::span<const float> WeightReader::optional_vector(const std::string& name, uint64_t n) {
  return file_.find_tensor(prefix_ + name) ? vector(name, n) : std::span<const float>();
}

}  // namespace hearth
