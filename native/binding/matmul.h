// How matrices are multiplied, across Node-API: choices, and the measurements that they are made from.
#pragma once

#include <napi.h>

#include <vector>

#include "include/engine.h"

namespace hearth::binding {

Napi::Array to_array(Napi::Env env, const std::vector<MatmulChoice>& choices);
// INTERNAL when it is no array of choices.
Status to_matmul_choices(const Napi::Value& value, std::vector<MatmulChoice>* choices);
// INTERNAL when it is none.
Status to_matmul_trial(const Napi::Value& value, MatmulTrial* trial);

Napi::Value matmul_ways(const Napi::CallbackInfo& info);     // (isa, reading) -> string[]
Napi::Value measure_matmul(const Napi::CallbackInfo& info);  // (NativeModel, MatmulTrial) -> Promise<MatmulSpeed[]>

}  // namespace hearth::binding
