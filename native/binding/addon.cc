// The addon's entry: its classes and free functions.
#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "binding/addon_data.h"
#include "binding/call.h"
#include "binding/file_lock.h"
#include "binding/matmul.h"
#include "binding/native_engine.h"
#include "binding/native_grammar.h"
#include "binding/native_model.h"
#include "binding/notify.h"
#include "binding/plan.h"
#include "binding/quantize.h"

namespace hearth::binding {
namespace {

// (threads) -> Promise<bytes a second>
Napi::Value measure_bandwidth(const Napi::CallbackInfo& info) {
  const std::function<Status(int32_t, double*)> measure = [](int32_t threads, double* speed) {
    *speed = measure_read_bandwidth(threads);
    return Status();
  };
  return call_later(info, measure, "threads");
}

// (shape, type, path) -> Promise<void>
Napi::Value write_synthetic(const Napi::CallbackInfo& info) {
  return call_later(info, std::function(write_synthetic_model), "shape", "type", "path");
}

// (path) -> Promise<ModelFileInfo>
Napi::Value describe_file(const Napi::CallbackInfo& info) {
  return call_later(info, std::function(describe_model_file), "path");
}

// (fd) -> whether the lock was free
Napi::Value lock_file(const Napi::CallbackInfo& info) { return call(info, std::function(try_lock), "fd"); }

Napi::Value isas(const Napi::CallbackInfo& info) {
  const std::vector<std::string> names = compiled_isas();
  auto array = Napi::Array::New(info.Env(), names.size());
  for (size_t i = 0; i < names.size(); ++i) array[i] = Napi::String::New(info.Env(), names[i]);
  return array;
}

// (socketPath, message)
Napi::Value notify(const Napi::CallbackInfo& info) {
  return call(info, std::function(send_notification), "socketPath", "message");
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto data = std::make_unique<AddonData>();
  data->native_model = Napi::Persistent(NativeModel::define(env));
  data->native_engine = Napi::Persistent(NativeEngine::define(env));
  data->native_grammar = Napi::Persistent(NativeGrammar::define(env));
  env.SetInstanceData(data.release());
  exports["loadModel"] = Napi::Function::New<NativeModel::load>(env);
  exports["createEngine"] = Napi::Function::New<NativeEngine::create>(env);
  exports["matmulWays"] = Napi::Function::New<matmul_ways>(env);
  exports["measureMatmul"] = Napi::Function::New<measure_matmul>(env);
  exports["measureReadBandwidth"] = Napi::Function::New<measure_bandwidth>(env);
  exports["writeSyntheticModel"] = Napi::Function::New<write_synthetic>(env);
  exports["describeFile"] = Napi::Function::New<describe_file>(env);
  exports["checkHead"] = Napi::Function::New<check_head>(env);
  exports["planMemory"] = Napi::Function::New<plan_memory>(env);
  exports["measureReading"] = Napi::Function::New<measure_reading>(env);
  exports["measureWeights"] = Napi::Function::New<measure_weights>(env);
  exports["tryLock"] = Napi::Function::New<lock_file>(env);
  exports["quantizeModel"] = Napi::Function::New<quantize_model>(env);
  exports["importModel"] = Napi::Function::New<import_model>(env);
  exports["compiledIsas"] = Napi::Function::New<isas>(env);
  exports["notify"] = Napi::Function::New<notify>(env);
  return exports;
}

}  // namespace
}  // namespace hearth::binding

Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return hearth::binding::init(env, exports); }
NODE_API_MODULE(hearth, init_addon)
