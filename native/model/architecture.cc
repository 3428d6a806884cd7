#include "model/architecture.h"

#include "base/text.h"
#include "model/architectures.h"

namespace hearth {
namespace {

struct Entry {
  const char* name;  // general.architecture
  Status (*load)(const GgufFile& file, ArchitecturePtr* architecture);
};

constexpr Entry kArchitectures[] = {
    {"gemma2", load_gemma2}, {"gemma3", load_gemma3},     {"gemma4", load_gemma4},   {"granite", load_granite},
    {"lfm2", load_lfm2},     {"lfm2moe", load_lfm2moe},   {"llama", load_llama},     {"mistral3", load_mistral3},
    {"olmo2", load_olmo2},   {"phi3", load_phi3},         {"qwen2", load_qwen2},     {"qwen3", load_qwen3},
    {"qwen35", load_qwen35}, {"qwen3moe", load_qwen3moe}, {"smollm3", load_smollm3},
};

}  // namespace

Status load_architecture(const GgufFile& file, std::unique_ptr<const Architecture>* architecture) {
  std::string_view name;
  HEARTH_RETURN_IF_ERROR(file.require("general.architecture", &name));
  std::string supported;
  for (const Entry& entry : kArchitectures) {
    if (name == entry.name) return entry.load(file, architecture);
    supported += supported.empty() ? "" : ", ";
    supported += entry.name;
  }
  return {Code::MODEL_ARCHITECTURE_UNSUPPORTED,
          "The file is of architecture " + in_quotes(name) + "; supported are: " + supported + "."};
}

}  // namespace hearth
