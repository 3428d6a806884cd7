// Implements import_model of include/quantize.h. The plan comes from files of unknown origin: nothing in it is
// believed.
#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "base/checked.h"
#include "base/text.h"
#include "gguf/types.h"
#include "memory/mapped_file.h"
#include "quantize/model_writer.h"
#include "quantize/recipe.h"

namespace hearth {
namespace {

using quantize::Mix;
using quantize::ModelFacts;
using quantize::TensorJob;
using quantize::TensorShape;

Status bad_tensor(const ImportTensor& tensor, const std::string& problem) {
  return {Code::IMPORT_BAD_TENSOR, "Tensor " + in_quotes(tensor.name) + " " + problem + "."};
}

Status find_source_type(const ImportTensor& tensor, HearthType* type) {
  if (find_type(tensor.type, type) &&
      (*type == HEARTH_TYPE_F32 || *type == HEARTH_TYPE_F16 || *type == HEARTH_TYPE_BF16)) {
    return {};
  }
  return bad_tensor(tensor, "is of type " + in_quotes(tensor.type) + ", not F32, F16 or BF16");
}

// The job with its source in place; `type` is chosen later.
Status locate(const ImportTensor& tensor, std::span<const std::unique_ptr<MappedFile>> files, TensorJob* job) {
  HEARTH_RETURN_IF_ERROR(find_source_type(tensor, &job->source_type));
  if (tensor.shape.empty() || tensor.shape.size() > gguf_limits::kDimensions) {
    return bad_tensor(tensor, "has " + std::to_string(tensor.shape.size()) + " dimensions");
  }
  uint64_t n_bytes = type_traits(job->source_type)->block_bytes, end = 0;
  for (const uint64_t n : tensor.shape) {
    if (n == 0 || !checked_mul(n_bytes, n, &n_bytes)) return bad_tensor(tensor, "has a dimension out of range");
  }
  if (tensor.file >= files.size() || !checked_add(tensor.offset, n_bytes, &end) ||
      end > files[tensor.file]->bytes().size()) {
    return bad_tensor(tensor, "does not lie in its file");
  }
  // A vector that is interleaved is taken as rows of one element.
  const bool split_vector = tensor.interleave_rows != 0 && tensor.shape.size() == 1;
  job->name = tensor.name;
  job->shape = tensor.shape;
  job->source = files[tensor.file]->bytes().subspan(tensor.offset, n_bytes);
  job->row_elements = split_vector ? 1 : tensor.shape[0];
  job->source_row_bytes = job->row_elements * type_traits(job->source_type)->block_bytes;
  job->interleave_rows = tensor.interleave_rows;
  job->add = tensor.add;
  const uint64_t n_rows = n_bytes / job->source_row_bytes;
  if (tensor.interleave_rows % 2 != 0 || (tensor.interleave_rows != 0 && n_rows % tensor.interleave_rows != 0)) {
    return bad_tensor(tensor, "has " + std::to_string(n_rows) + " rows, which are no whole heads of " +
                                  std::to_string(tensor.interleave_rows));
  }
  return {};
}

TensorJob rope_factors_job(std::span<const float> factors) {
  const uint64_t n_bytes = factors.size() * sizeof(float);
  return {.name = "rope_freqs.weight",
          .type = HEARTH_TYPE_F32,
          .shape = {factors.size()},
          .source_type = HEARTH_TYPE_F32,
          .source = {reinterpret_cast<const uint8_t*>(factors.data()), n_bytes},
          .row_elements = factors.size(),
          .source_row_bytes = n_bytes};
}

ModelFacts read_facts(std::span<const ImportKey> keys) {
  const auto count = [&](std::string_view suffix, uint32_t otherwise) {
    const auto found = std::ranges::find_if(keys, [&](const ImportKey& key) {
      return key.name.ends_with(suffix) && std::holds_alternative<uint32_t>(key.value);
    });
    return found == keys.end() ? otherwise : std::get<uint32_t>(found->value);
  };
  const uint32_t heads = count(".attention.head_count", 1), kv_heads = count(".attention.head_count_kv", heads);
  return {.n_layer = count(".block_count", 0),
          .n_expert = count(".expert_count", 0),
          .heads_per_kv_head = kv_heads == 0 ? 0 : heads / kv_heads};
}

// The type of matrices that has most bytes.
const char* prevailing_type(std::span<const TensorJob> jobs) {
  std::array<uint64_t, HEARTH_TYPE_COUNT> bytes{};
  for (const TensorJob& job : jobs) {
    if (job.shape.size() > 1) bytes[job.source_type] += job.source.size();
  }
  return type_name(static_cast<uint32_t>(std::ranges::max_element(bytes) - bytes.begin()));
}

// Vectors become F32, as every reader expects them.
Status choose_types(const ImportPlan& plan, const QuantizeOptions& options, std::vector<TensorJob>* jobs,
                    uint32_t* file_type) {
  const Mix* mix = nullptr;
  HEARTH_RETURN_IF_ERROR(quantize::find_mix(options.type.empty() ? prevailing_type(*jobs) : options.type, &mix));
  *file_type = mix->file_type;
  std::vector<TensorShape> shapes;
  for (const TensorJob& job : *jobs) {
    const HearthType kept = job.shape.size() == 1 ? HEARTH_TYPE_F32 : job.source_type;
    shapes.push_back({job.name, kept, static_cast<uint32_t>(job.shape.size()), job.shape[0]});
  }
  const std::vector<HearthType> types = choose_types(*mix, options.pure, read_facts(plan.keys), shapes);
  for (size_t i = 0; i < jobs->size(); ++i) (*jobs)[i].type = options.type.empty() ? shapes[i].type : types[i];
  return {};
}

void add_keys(const ImportPlan& plan, GgufWriter* writer) {
  for (const ImportKey& key : plan.keys) {
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_arithmetic_v<T>) {
            writer->add(key.name, value);
          } else if constexpr (std::is_same_v<T, std::string>) {
            writer->add(key.name, std::string_view(value));
          } else {
            writer->add(key.name, std::span<const typename T::value_type>(value));
          }
        },
        key.value);
  }
}

Status health_of(std::span<const std::unique_ptr<MappedFile>> files) {
  for (const auto& file : files) HEARTH_RETURN_IF_ERROR(file->health());
  return {};
}

Status import_mapped(const ImportPlan& plan, std::span<const std::unique_ptr<MappedFile>> files,
                     const std::string& path, const QuantizeOptions& options, const QuantizeObserver& observer,
                     QuantizeReport* report) {
  std::vector<TensorJob> jobs(plan.tensors.size());
  for (size_t i = 0; i < jobs.size(); ++i) HEARTH_RETURN_IF_ERROR(locate(plan.tensors[i], files, &jobs[i]));
  if (!plan.rope_factors.empty()) jobs.push_back(rope_factors_job(plan.rope_factors));
  uint32_t file_type = 0;
  HEARTH_RETURN_IF_ERROR(choose_types(plan, options, &jobs, &file_type));
  GgufWriter writer;
  add_keys(plan, &writer);
  writer.add("general.file_type", file_type);
  writer.add("general.quantization_version", quantize::kQuantizationVersion);
  return quantize::write_model(&writer, jobs, {path, options.threads, [&] { return health_of(files); }}, observer,
                               report);
}

}  // namespace

Status import_model(const ImportPlan& plan, const std::string& path, const QuantizeOptions& options,
                    const QuantizeObserver& observer, QuantizeReport* report) {
  try {
    std::vector<std::unique_ptr<MappedFile>> files(plan.files.size());
    for (size_t i = 0; i < files.size(); ++i) HEARTH_RETURN_IF_ERROR(MappedFile::open(plan.files[i], &files[i]));
    const Status written = import_mapped(plan, files, path, options, observer, report);
    if (!written.ok()) HEARTH_RETURN_IF_ERROR(health_of(files));
    return written;
  } catch (const std::bad_alloc&) {
    return {Code::OUT_OF_MEMORY, "There is not enough memory to import the model."};
  }
}

}  // namespace hearth
