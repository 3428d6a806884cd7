// The interface of model architectures to the engine, and the list of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "include/status.h"
#include "kv/block_cache.h"
#include "model/pass.h"

namespace hearth {

struct Dimensions {
  uint32_t n_layer = 0;
  uint32_t n_embd = 0;
  uint32_t n_vocab = 0;
  uint32_t n_ctx_train = 0;
  kv::Shape kv{};
};

// Weights in the mapped file and the order of the operations. Immutable.
class Architecture {
 public:
  virtual ~Architecture() = default;
  virtual const Dimensions& dimensions() const = 0;
  virtual void forward(Pass& pass) const = 0;
};

// Builds the architecture that general.architecture names; the file has to outlive it.
// MODEL_ARCHITECTURE_UNSUPPORTED lists the supported ones; GGUF_... name the key or tensor at fault.
Status load_architecture(const GgufFile& file, std::unique_ptr<const Architecture>* architecture);

}  // namespace hearth
