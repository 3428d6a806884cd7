// Values across Node-API: JavaScript objects to the engine's structures and back. Checks types, since a wrong one must
// be an error and not a crash; ranges are the engine's to check.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "include/engine.h"

namespace hearth::binding {

// An Error with a `code` of the catalogue.
Napi::Error to_error(Napi::Env env, const Status& status);
// Throws it as a pending JavaScript exception and returns undefined.
Napi::Value throw_status(Napi::Env env, const Status& status);

Napi::Object to_object(Napi::Env env, const ModelInfo& info);
Napi::Object to_object(Napi::Env env, const ModelFileInfo& info);
Napi::Object to_object(Napi::Env env, const EngineOptions& options);
Napi::Object to_object(Napi::Env env, const WeightResidency& residency);
Napi::Object to_object(Napi::Env env, const EngineMemory& memory);
Napi::Object to_object(Napi::Env env, const SnapshotInfo& info);

// INTERNAL with the member's name when a member is missing or of another type: src/engine checks before it calls.
Status to_engine_options(const Napi::Value& value, EngineOptions* options);
Status to_sampler_options(const Napi::Value& value, SamplerOptions* options);

// A plan with copies of its tokens, since the arrays may be collected while the step runs.
struct OwnedPlan {
  std::vector<std::vector<int32_t>> tokens;  // [n_chunks]
  StepPlan plan;                             // views tokens
};
Status to_plan(const Napi::Value& value, OwnedPlan* plan);

Status wrong_type(const char* name, const char* expected);
Status to_bool(const Napi::Value& value, const char* name, bool* result);
Status to_float(const Napi::Value& value, const char* name, float* result);
Status to_int32(const Napi::Value& value, const char* name, int32_t* result);
Status to_uint64(const Napi::Value& value, const char* name, uint64_t* result);  // up to 2^53 - 1
Status to_string(const Napi::Value& value, const char* name, std::string* result);
// Conversions by type, and back, for call.h.
inline Status to_native(const Napi::Value& value, const char* name, int32_t* result) {
  return to_int32(value, name, result);
}
inline Status to_native(const Napi::Value& value, const char* name, uint64_t* result) {
  return to_uint64(value, name, result);
}
inline Status to_native(const Napi::Value& value, const char* name, bool* result) {
  return to_bool(value, name, result);
}
inline Status to_native(const Napi::Value& value, const char* name, std::string* result) {
  return to_string(value, name, result);
}
inline Status to_native(const Napi::Value& value, const char*, SamplerOptions* result) {
  return to_sampler_options(value, result);
}
inline Napi::Value to_value(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
inline Napi::Value to_value(Napi::Env env, int32_t value) { return Napi::Number::New(env, value); }
inline Napi::Value to_value(Napi::Env env, double value) { return Napi::Number::New(env, value); }
inline Napi::Value to_value(Napi::Env env, const std::string& value) { return Napi::String::New(env, value); }
inline Napi::Value to_value(Napi::Env env, const ModelFileInfo& info) { return to_object(env, info); }
inline Napi::Value to_value(Napi::Env env, const SnapshotInfo& info) { return to_object(env, info); }

Napi::Int32Array to_array(Napi::Env env, const std::vector<int32_t>& values);
Napi::Float32Array to_array(Napi::Env env, const std::vector<float>& values);

}  // namespace hearth::binding
