#include "quantize/model_writer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "gguf/types.h"
#include "kernels/dispatch.h"
#include "quantize/rows.h"
#include "threads/pool.h"
#include "threads/topology.h"

namespace hearth::quantize {
namespace {

constexpr uint64_t kChunkBytes = 8 << 20;  // of the written file, converted at a time
constexpr uint64_t kPiecesPerThread = 8;   // of a chunk, so that threads end it together

struct RowResult {
  double squared_error = 0, squared_norm = 0;
  bool valid = true;
};

// The place in the source of row `row` of the written tensor.
uint64_t source_row(const TensorJob& tensor, uint64_t row) {
  const uint64_t n = tensor.interleave_rows;
  if (n == 0) return row;
  const uint64_t in_head = row % n;
  return row - in_head + in_head % 2 * (n / 2) + in_head / 2;
}

class ModelWriter {
 public:
  ModelWriter(GgufWriter* writer, const HearthKernels* kernels, const WriteJob& job, const QuantizeObserver& observer)
      : writer_(*writer),
        kernels_(*kernels),
        job_(job),
        observer_(observer),
        pool_(job.threads > 0 ? job.threads : usable_cores()) {}

  Status run(std::span<const TensorJob> tensors, QuantizeReport* report);

 private:
  Status copy(const TensorJob& tensor);
  Status convert(const TensorJob& tensor, QuantizedType* totals);
  void convert_row(const TensorJob& tensor, uint64_t row, float* x, uint8_t* out, RowResult* result) const;
  Status advance(const TensorJob& tensor, uint64_t source_bytes);

  GgufWriter& writer_;
  const HearthKernels& kernels_;
  const WriteJob& job_;
  const QuantizeObserver& observer_;
  Pool pool_;
  uint64_t done_bytes_ = 0, total_bytes_ = 0;
  std::vector<uint8_t> out_;  // the rows of a chunk
  std::vector<float> x_;      // two rows for each piece
  std::vector<RowResult> results_;
};

Status ModelWriter::run(std::span<const TensorJob> tensors, QuantizeReport* report) {
  for (const TensorJob& tensor : tensors) {
    HEARTH_RETURN_IF_ERROR(writer_.add_tensor(tensor.name, tensor.type, tensor.shape));
    total_bytes_ += tensor.source.size();
  }
  HEARTH_RETURN_IF_ERROR(writer_.begin(job_.path));
  std::vector<QuantizedType> totals(HEARTH_TYPE_COUNT);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorJob& tensor = tensors[i];
    QuantizedType& of_type = totals[tensor.type];
    const bool unchanged = tensor.type == tensor.source_type && tensor.interleave_rows == 0 && tensor.add == 0;
    HEARTH_RETURN_IF_ERROR(unchanged ? copy(tensor) : convert(tensor, &of_type));
    of_type.tensors += 1;
    of_type.weights += std::accumulate(tensor.shape.begin(), tensor.shape.end(), uint64_t{1}, std::multiplies<>());
    of_type.bytes += writer_.tensor_bytes()[i];
  }
  HEARTH_RETURN_IF_ERROR(job_.source_health());
  HEARTH_RETURN_IF_ERROR(writer_.finish());

  *report = {};
  report->source_bytes = total_bytes_;
  for (uint32_t id = 0; id < totals.size(); ++id) {
    if (totals[id].tensors == 0) continue;
    totals[id].type = type_name(id);
    report->bytes += totals[id].bytes;
    report->weights += totals[id].weights;
    report->types.push_back(totals[id]);
  }
  std::ranges::sort(report->types, std::greater<>(), &QuantizedType::bytes);
  return {};
}

Status ModelWriter::advance(const TensorJob& tensor, uint64_t source_bytes) {
  done_bytes_ += source_bytes;
  HEARTH_RETURN_IF_ERROR(job_.source_health());
  if (!observer_ || observer_({done_bytes_, total_bytes_, tensor.name})) return {};
  return {Code::STOPPED, "The work was stopped at tensor " + in_quotes(tensor.name) + "."};
}

Status ModelWriter::copy(const TensorJob& tensor) {
  for (std::span<const uint8_t> rest = tensor.source; !rest.empty();) {
    const size_t n = std::min<size_t>(rest.size(), kChunkBytes);
    HEARTH_RETURN_IF_ERROR(writer_.write(rest.first(n)));
    HEARTH_RETURN_IF_ERROR(advance(tensor, n));
    rest = rest.subspan(n);
  }
  return {};
}

// One row: read as float32 into x, converted, and measured by reading it back into the floats behind x.
void ModelWriter::convert_row(const TensorJob& tensor, uint64_t row, float* x, uint8_t* out, RowResult* result) const {
  const uint64_t n = tensor.row_elements;
  kernels_.dequantize[tensor.source_type](tensor.source.data() + source_row(tensor, row) * tensor.source_row_bytes, n,
                                          x);
  *result = {};
  for (uint64_t i = 0; i < n; ++i) {
    x[i] += tensor.add;
    if (!(std::fabs(x[i]) <= kLargestWeight)) result->valid = false;
  }
  if (!result->valid) return;
  quantize_row(tensor.type)(x, n, out);
  float* y = x + n;
  kernels_.dequantize[tensor.type](out, n, y);
  for (uint64_t i = 0; i < n; ++i) {
    const double rest = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    result->squared_error += rest * rest;
    result->squared_norm += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
}

Status ModelWriter::convert(const TensorJob& tensor, QuantizedType* totals) {
  if (kernels_.dequantize[tensor.source_type] == nullptr || kernels_.dequantize[tensor.type] == nullptr ||
      quantize_row(tensor.type) == nullptr) {
    return {Code::MODEL_TENSOR_TYPE_UNSUPPORTED, "Tensor " + in_quotes(tensor.name) + " cannot be converted from " +
                                                     type_name(tensor.source_type) + " to " + type_name(tensor.type) +
                                                     "."};
  }
  uint64_t row_bytes = 0;
  if (!row_size(tensor.type, tensor.row_elements, &row_bytes)) {
    return {Code::INTERNAL, "The rows of tensor " + in_quotes(tensor.name) + " are no whole blocks."};
  }
  const uint64_t n_rows = tensor.source.size() / tensor.source_row_bytes;
  const uint64_t chunk_rows = std::clamp<uint64_t>(kChunkBytes / row_bytes, 1, n_rows);
  const uint64_t most_pieces = kPiecesPerThread * static_cast<uint64_t>(pool_.threads());
  const uint64_t grain = (chunk_rows + most_pieces - 1) / most_pieces;
  // All memory is taken here: a worker thread has nobody to tell that there is none.
  out_.resize(chunk_rows * row_bytes);
  x_.resize((chunk_rows + grain - 1) / grain * 2 * tensor.row_elements);
  results_.resize(chunk_rows);

  for (uint64_t first = 0; first < n_rows; first += chunk_rows) {
    const uint64_t n = std::min(chunk_rows, n_rows - first);
    pool_.parallel_for(n, grain, [&](size_t begin, size_t end) {
      float* x = &x_[begin / grain * 2 * tensor.row_elements];
      for (size_t row = begin; row < end; ++row) {
        convert_row(tensor, first + row, x, &out_[row * row_bytes], &results_[row]);
      }
    });
    HEARTH_RETURN_IF_ERROR(advance(tensor, n * tensor.source_row_bytes));
    for (uint64_t row = 0; row < n; ++row) {
      if (!results_[row].valid) {
        return {Code::MODEL_WEIGHTS_INVALID, "Row " + std::to_string(first + row) + " of tensor " +
                                                 in_quotes(tensor.name) + " holds an infinity or no number."};
      }
      totals->squared_error += results_[row].squared_error;
      totals->squared_norm += results_[row].squared_norm;
    }
    HEARTH_RETURN_IF_ERROR(writer_.write(std::span<const uint8_t>(out_).first(n * row_bytes)));
  }
  return {};
}

}  // namespace

Status write_model(GgufWriter* writer, std::span<const TensorJob> tensors, const WriteJob& job,
                   const QuantizeObserver& observer, QuantizeReport* report) {
  const HearthKernels* kernels = nullptr;
  HEARTH_RETURN_IF_ERROR(select_kernels("", &kernels));
  return ModelWriter(writer, kernels, job, observer).run(tensors, report);
}

}  // namespace hearth::quantize
