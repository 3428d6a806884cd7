#include "model/architecture.h"

#include "base/text.h"
#include "model/llama.h"

namespace hearth {
namespace {

struct Entry {
  const char* name;  // general.architecture
  Status (*load)(const GgufFile& file, std::unique_ptr<const Architecture>* architecture);
};

constexpr Entry kArchitectures[] = {
    {"llama", Llama::load},
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
          "The file is of architecture " + quoted(name) + "; supported are: " + supported + "."};
}

}  // namespace hearth
