// Implements quantize_model of include/quantize.h: the keys are copied, the tensors converted as the recipe says.
#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <utility>

#include "base/text.h"
#include "gguf/types.h"
#include "memory/model_parts.h"
#include "quantize/model_writer.h"
#include "quantize/recipe.h"

namespace hearth {
namespace {

using quantize::Mix;
using quantize::ModelFacts;
using quantize::TensorJob;
using quantize::TensorShape;

// Keys that say how the source was written, which the written file is not.
bool is_about_the_file(std::string_view key) {
  return key == "general.alignment" || key == "general.file_type" || key == "general.quantization_version" ||
         key.starts_with("split.");
}

// A value that is no count is left at its default: a recipe is no reason to refuse a file.
ModelFacts read_facts(const GgufFile& file) {
  std::string_view architecture;
  if (!file.optional("general.architecture", &architecture).ok()) architecture = {};
  const auto count = [&](const char* key, uint64_t otherwise) {
    const std::string name = std::string(architecture) + "." + key;
    uint64_t value = otherwise;
    std::vector<uint32_t> per_layer;
    if (file.optional(name, &value).ok()) return value;
    if (file.optional(name, &per_layer).ok() && !per_layer.empty()) return uint64_t{per_layer[0]};
    return otherwise;
  };
  const uint64_t heads = count("attention.head_count", 1), kv_heads = count("attention.head_count_kv", heads);
  return {.n_layer = count("block_count", 0),
          .n_expert = count("expert_count", 0),
          .heads_per_kv_head = kv_heads == 0 ? 0 : heads / kv_heads};
}

Status check_requantize(const GgufTensor& tensor, HearthType type, bool allowed) {
  const bool is_float = type_traits(tensor.type)->block_elements == 1;
  if (allowed || is_float || tensor.type == type) return {};
  return {Code::QUANTIZE_SOURCE_QUANTIZED,
          "Tensor " + in_quotes(tensor.name) + " is " + type_name(tensor.type) + ", which has lost precision already."};
}

// Orders tensors as they lie in the source, so that it is read from front to back.
std::vector<const GgufTensor*> tensors_in_order(const GgufFile& file) {
  std::vector<const GgufTensor*> tensors;
  for (const GgufTensor& tensor : file.tensors()) tensors.push_back(&tensor);
  std::ranges::sort(tensors, {}, [](const GgufTensor* tensor) { return std::pair(tensor->part, tensor->offset); });
  return tensors;
}

Status plan_tensors(const GgufFile& file, const Mix& mix, const QuantizeOptions& options,
                    std::vector<TensorJob>* jobs) {
  const std::vector<const GgufTensor*> tensors = tensors_in_order(file);
  std::vector<TensorShape> shapes;
  for (const GgufTensor* tensor : tensors) {
    shapes.push_back({tensor->name, tensor->type, tensor->n_dims, tensor->ne[0]});
  }
  const std::vector<HearthType> types = choose_types(mix, options.pure, read_facts(file), shapes);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& tensor = *tensors[i];
    HEARTH_RETURN_IF_ERROR(check_requantize(tensor, types[i], options.allow_requantize));
    const size_t n_dims = std::max<size_t>(1, tensor.n_dims);
    jobs->push_back({.name = tensor.name,
                     .type = types[i],
                     .shape = {tensor.ne.begin(), tensor.ne.begin() + static_cast<ptrdiff_t>(n_dims)},
                     .source_type = tensor.type,
                     .source = tensor.data,
                     .row_elements = tensor.ne[0],
                     .source_row_bytes = tensor.row_bytes});
  }
  return {};
}

Status quantize_parts(const ModelParts& parts, const std::string& path, const Mix& mix, const QuantizeOptions& options,
                      const QuantizeObserver& observer, QuantizeReport* report) {
  const GgufFile& file = parts.header();
  if (file.tensors().empty()) {
    return {Code::MODEL_HAS_NO_WEIGHTS, "The file " + quoted_path(parts.path()) + " has no tensors."};
  }
  GgufWriter writer;
  for (const GgufKey& key : file.keys()) {
    if (!is_about_the_file(key.name)) writer.add(key);
  }
  writer.add("general.file_type", mix.file_type);
  writer.add("general.quantization_version", quantize::kQuantizationVersion);
  std::vector<TensorJob> tensors;
  HEARTH_RETURN_IF_ERROR(plan_tensors(file, mix, options, &tensors));
  return quantize::write_model(&writer, tensors, {path, options.threads, [&parts] { return parts.health(); }}, observer,
                               report);
}

}  // namespace

Status quantize_model(const std::string& source, const std::string& path, const QuantizeOptions& options,
                      const QuantizeObserver& observer, QuantizeReport* report) {
  try {
    const Mix* mix = nullptr;
    HEARTH_RETURN_IF_ERROR(quantize::find_mix(options.type, &mix));
    std::unique_ptr<ModelParts> parts;
    HEARTH_RETURN_IF_ERROR(ModelParts::open(source, true, &parts));
    const Status written = quantize_parts(*parts, path, *mix, options, observer, report);
    // A file that cannot be read shows as zeros, and so as a damaged header: its health tells the true cause.
    if (!written.ok()) HEARTH_RETURN_IF_ERROR(parts->health());
    return written;
  } catch (const std::bad_alloc&) {
    return {Code::OUT_OF_MEMORY, "There is not enough memory to quantize " + quoted_path(source) + "."};
  }
}

}  // namespace hearth
