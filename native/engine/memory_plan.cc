// Plans the memory of a model from the headers of its files: the engine's own division of memory, for a model that is
// not there.
#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "engine/memory_layout.h"
#include "engine/model_file.h"
#include "engine/options.h"
#include "gguf/gguf.h"
#include "include/plan.h"
#include "kernels/matmul_plan.h"
#include "memory/budget.h"
#include "memory/header_image.h"
#include "memory/read_speed.h"
#include "model/architecture.h"

namespace hearth {
namespace {

// The headers of all files of a model, as one.
struct Headers {
  std::vector<std::unique_ptr<HeaderImage>> images;  // the header views them
  GgufFile header;
};

Status part_invalid(const FileHead& head, const std::string& problem) {
  return {Code::MODEL_PART_INVALID, "The file " + quoted_path(head.name) + " " + problem + "."};
}

Status check_part(const FileHead& head, const GgufFile& header, uint32_t number, size_t count) {
  uint32_t said_number = 0, said_count = 1;
  HEARTH_RETURN_IF_ERROR(header.optional("split.count", &said_count));
  HEARTH_RETURN_IF_ERROR(header.optional("split.no", &said_number));
  if (said_count <= 1) said_count = 1, said_number = 0;  // such a key says that the file is whole
  if (said_count == count && said_number == number) return {};
  const std::string said = said_count == 1 ? "is a whole model"
                                           : "is part " + std::to_string(said_number + 1) + " of " +
                                                 std::to_string(said_count) + " of a model";
  return part_invalid(
      head, said + ", and its name stands for part " + std::to_string(number + 1) + " of " + std::to_string(count));
}

Status read_head(const FileHead& head, uint32_t number, size_t count, Headers* headers) {
  bool whole = false;
  HEARTH_RETURN_IF_ERROR(check_file_head(head.bytes, head.file_bytes, &whole));
  if (!whole) {
    return {Code::GGUF_TRUNCATED, "The first " + std::to_string(head.bytes.size()) + " bytes of " +
                                      quoted_path(head.name) + " do not hold its whole header."};
  }
  headers->images.emplace_back();
  HEARTH_RETURN_IF_ERROR(HeaderImage::create(head.bytes, head.file_bytes, &headers->images.back()));
  GgufFile header;
  HEARTH_RETURN_IF_ERROR(GgufFile::parse(headers->images.back()->bytes(), &header));
  HEARTH_RETURN_IF_ERROR(check_part(head, header, number, count));
  if (number > 0) return headers->header.append_part(std::move(header), number);
  headers->header = std::move(header);
  headers->header.forget_data();
  return {};
}

PlannedMatmul& matmul_of(std::vector<PlannedMatmul>* matmuls, HearthType type, uint64_t row_length) {
  const char* name = type_name(type);
  const auto found = std::ranges::find_if(
      *matmuls, [&](const PlannedMatmul& m) { return m.type == name && m.row_length == row_length; });
  if (found != matmuls->end()) return *found;
  return matmuls->emplace_back(PlannedMatmul{.type = name, .row_length = row_length});
}

std::vector<PlannedMatmul> matmuls_of(const CountedPass& pass) {
  const auto bytes = [](const Matrix& m) { return uint64_t{m.rows} * m.row_bytes; };
  std::vector<PlannedMatmul> matmuls;
  for (const Matrix& m : pass.matrices) matmul_of(&matmuls, m.type, m.cols).bytes += bytes(m);
  for (const Experts& e : pass.experts) {
    for (const Matrix* m : {&e.gates, &e.ups, &e.downs})
      matmul_of(&matmuls, m->type, m->cols).expert_bytes += bytes(*m);
  }
  std::ranges::sort(matmuls, std::greater(), [](const PlannedMatmul& m) { return m.bytes + m.expert_bytes; });
  return matmuls;
}

MemoryBudget budget_of(const MemoryPlanRequest& request, uint64_t* process_bytes) {
  const uint64_t own = own_bytes();
  *process_bytes = request.process_bytes > 0 ? request.process_bytes : own;
  if (request.memory_bytes > 0) return budget_within(request.memory_bytes, *process_bytes);
  MemoryBudget budget = memory_budget(0);
  // The process that is planned for takes this one's place.
  const uint64_t there = budget.bytes + own - std::min(own, budget.missing);
  budget.bytes = there > *process_bytes ? there - *process_bytes : 0;
  return budget;
}

Status plan_one(const Architecture& architecture, const MemoryPlanRequest& request, MemoryPlan* plan) {
  const Dimensions& dimensions = architecture.dimensions();
  plan->options = request.engine;
  plan->q8_0 = dimensions.kv.with(kv::Type::q8_0).unsuitable_head() == 0;
  MatmulWay way;
  HEARTH_RETURN_IF_ERROR(parse_matmul_way(request.engine.isa + ":" + request.engine.reading, &way));
  kv::Shape shape;
  EngineOptions slots = request.engine;
  slots.prefix_bytes = 0;
  HEARTH_RETURN_IF_ERROR(complete_options(dimensions, &slots, &shape));
  HEARTH_RETURN_IF_ERROR(complete_options(dimensions, &plan->options, &shape));
  plan->options.isa = way.kernels->name;

  const MemoryBudget budget = budget_of(request, &plan->process_bytes);
  plan->options.memory_budget = request.memory_bytes;
  const MemoryLayout layout = lay_out_memory(architecture, plan->options, shape, way, budget);
  plan->options = layout.options;
  plan->budget_bytes = budget.bytes;
  plan->limit = budget.limit;
  plan->reserve_bytes = budget.reserve;
  plan->kv_bytes = kv_cache_bytes(shape, uint64_t(slots.kv_tokens), uint64_t(slots.max_sequences));
  plan->prefix_bytes = layout.needs.kv_bytes - std::min(layout.needs.kv_bytes, plan->kv_bytes);
  plan->scratch_bytes = layout.needs.scratch_bytes;
  plan->matmuls = matmuls_of(layout.pass);
  plan->weight_bytes = plan->kept_bytes = layout.weights.all();
  const ExpertSizes experts = expert_sizes(layout.pass.experts);
  plan->n_expert = static_cast<uint32_t>(experts.n_expert);
  plan->n_expert_used = static_cast<uint32_t>(experts.n_used);
  if (!layout.residency) return {};
  const ResidencyLayout places = lay_out(mapped_matrices(layout.pass.matrices), experts, *layout.residency);
  plan->kept_bytes = places.tiles.kept_bytes() + places.experts.kept_bytes;
  plan->streamed_bytes = places.tiles.streamed_bytes() + places.experts.streamed_bytes;
  plan->streamed_expert_bytes = places.experts.streamed_bytes;
  plan->ring_bytes = places.ring_bytes + places.experts.ring_bytes;
  return {};
}

Status plan_all(std::span<const FileHead> heads, std::span<const MemoryPlanRequest> requests, ModelPlan* result) {
  if (heads.empty()) return {Code::INTERNAL, "A model has at least one file."};
  Headers headers;
  for (size_t i = 0; i < heads.size(); ++i) {
    HEARTH_RETURN_IF_ERROR(read_head(heads[i], static_cast<uint32_t>(i), heads.size(), &headers));
    result->model.file_bytes += heads[i].file_bytes;
  }
  const GgufFile& header = headers.header;
  describe_header(header, &result->model);
  if (header.tensors().empty()) {
    return {Code::MODEL_HAS_NO_WEIGHTS,
            "The file " + quoted_path(heads[0].name) + " holds a vocabulary, but no tensors."};
  }
  std::unique_ptr<const Architecture> architecture;
  HEARTH_RETURN_IF_ERROR(load_architecture(header, &architecture));
  result->n_tokens = architecture->dimensions().n_vocab;
  for (const MemoryPlanRequest& request : requests)
    HEARTH_RETURN_IF_ERROR(plan_one(*architecture, request, &result->plans.emplace_back()));
  return {};
}

}  // namespace

Status check_file_head(std::span<const uint8_t> bytes, uint64_t file_bytes, bool* whole) {
  GgufFile header;
  const Status status = GgufFile::parse(bytes, &header);
  const bool goes_on = bytes.size() < file_bytes;
  *whole = true;
  if (status.ok()) return {};
  if (status.code() == Code::GGUF_TRUNCATED && goes_on) {
    *whole = false;
    return {};
  }
  // Places of tensors are checked last: those beyond what was given may be in the file.
  if (status.code() == Code::GGUF_TENSOR_OUT_OF_BOUNDS && goes_on) return {};
  return status;
}

Status plan_memory(std::span<const FileHead> heads, std::span<const MemoryPlanRequest> requests, ModelPlan* plan) {
  try {
    return plan_all(heads, requests, plan);
  } catch (const std::exception&) {  // bad_alloc, or no thread to be had
    return {Code::OUT_OF_MEMORY, "There is not enough memory to plan for the model."};
  }
}

Status measure_file_reading(const std::string& path, int32_t milliseconds, double* bytes_per_second) {
  HEARTH_RETURN_IF_ERROR(check_range("milliseconds", milliseconds, 1, 60'000));
  return measure_read_speed(path, {.duration = std::chrono::milliseconds(milliseconds)}, bytes_per_second);
}

}  // namespace hearth
