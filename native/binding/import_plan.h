// An ImportPlan from JavaScript.
#pragma once

#include <napi.h>

#include "include/quantize.h"

namespace hearth::binding {

// INTERNAL with the member's name when one is missing or of another type: src/store checks before it calls.
Status to_import_plan(const Napi::Value& value, ImportPlan* plan);

}  // namespace hearth::binding
