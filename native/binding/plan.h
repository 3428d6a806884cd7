// Plans of memory and the measurements that go with them, across Node-API.
#pragma once

#include <napi.h>

namespace hearth::binding {

Napi::Value check_head(const Napi::CallbackInfo& info);       // (bytes, fileBytes) -> Promise<whether it is whole>
Napi::Value plan_memory(const Napi::CallbackInfo& info);      // (heads, requests) -> Promise<ModelMemoryPlan>
Napi::Value measure_reading(const Napi::CallbackInfo& info);  // (path, milliseconds) -> Promise<bytes a second>
Napi::Value measure_weights(const Napi::CallbackInfo& info);  // (kind, MatmulTrial) -> Promise<bytes a second>

}  // namespace hearth::binding
