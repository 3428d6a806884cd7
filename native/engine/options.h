// Options of an engine, checked against the model and completed.
#pragma once

#include <cstdint>

#include "include/engine.h"
#include "include/status.h"
#include "kv/shape.h"
#include "model/architecture.h"

namespace hearth {

// OPTION_OUT_OF_RANGE unless least <= value <= most.
Status check_range(const char* name, int64_t value, int64_t least, int64_t most);

// Sets what the options leave open, shares prefix_bytes out among sequences and tokens, and tells the shape of the
// model's KV cache in the type of the options. OPTION_OUT_OF_RANGE for what cannot be.
Status complete_options(const Dimensions& model, EngineOptions* options, kv::Shape* shape);

}  // namespace hearth
