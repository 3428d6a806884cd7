// The loaders of all architectures, one a file. Each reads its keys and tensors from a GGUF file, which has to outlive
// what is built; errors are those of HyperParameters and WeightReader.
#pragma once

#include <memory>

#include "gguf/gguf.h"
#include "include/status.h"
#include "model/architecture.h"

namespace hearth {

using ArchitecturePtr = std::unique_ptr<const Architecture>;

Status load_gemma2(const GgufFile& file, ArchitecturePtr* architecture);
Status load_gemma3(const GgufFile& file, ArchitecturePtr* architecture);
Status load_gemma4(const GgufFile& file, ArchitecturePtr* architecture);
Status load_granite(const GgufFile& file, ArchitecturePtr* architecture);
Status load_lfm2(const GgufFile& file, ArchitecturePtr* architecture);
Status load_lfm2moe(const GgufFile& file, ArchitecturePtr* architecture);
Status load_llama(const GgufFile& file, ArchitecturePtr* architecture);
Status load_mistral3(const GgufFile& file, ArchitecturePtr* architecture);
Status load_olmo2(const GgufFile& file, ArchitecturePtr* architecture);
Status load_phi3(const GgufFile& file, ArchitecturePtr* architecture);
Status load_qwen2(const GgufFile& file, ArchitecturePtr* architecture);
Status load_qwen3(const GgufFile& file, ArchitecturePtr* architecture);
Status load_qwen35(const GgufFile& file, ArchitecturePtr* architecture);
Status load_qwen3moe(const GgufFile& file, ArchitecturePtr* architecture);
Status load_smollm3(const GgufFile& file, ArchitecturePtr* architecture);

// Builds an A by its load(file, arguments).
template <class A, class... Arguments>
Status load_as(const GgufFile& file, ArchitecturePtr* architecture, Arguments... arguments) {
  auto loaded = std::make_unique<A>();
  HEARTH_RETURN_IF_ERROR(loaded->load(file, arguments...));
  *architecture = std::move(loaded);
  return {};
}

}  // namespace hearth
