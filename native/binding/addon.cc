// The addon's entry: its classes and free functions.
#include <napi.h>

#include <memory>
#include <string>

#include "binding/addon_data.h"
#include "binding/convert.h"
#include "binding/file_lock.h"
#include "binding/native_engine.h"
#include "binding/native_grammar.h"
#include "binding/native_model.h"
#include "binding/notify.h"
#include "binding/promise_worker.h"
#include "binding/quantize.h"

namespace hearth::binding {
namespace {

// (threads) -> Promise<bytes a second>
Napi::Value measure_bandwidth(const Napi::CallbackInfo& info) {
  int32_t threads = 0;
  if (Status status = to_int32(info[0], "threads", &threads); !status.ok()) return throw_status(info.Env(), status);
  auto speed = std::make_shared<double>(0);
  return PromiseWorker::start(
      info.Env(),
      [=] {
        *speed = measure_read_bandwidth(threads);
        return Status();
      },
      [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *speed); });
}

// (shape, type, path) -> Promise<void>
Napi::Value write_synthetic(const Napi::CallbackInfo& info) {
  std::string shape, type, path;
  const auto read = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(to_string(info[0], "shape", &shape));
    HEARTH_RETURN_IF_ERROR(to_string(info[1], "type", &type));
    return to_string(info[2], "path", &path);
  };
  if (Status status = read(); !status.ok()) return throw_status(info.Env(), status);
  return PromiseWorker::start(
      info.Env(), [=] { return write_synthetic_model(shape, type, path); },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// (path) -> Promise<ModelFileInfo>
Napi::Value describe_file(const Napi::CallbackInfo& info) {
  std::string path;
  if (Status status = to_string(info[0], "path", &path); !status.ok()) return throw_status(info.Env(), status);
  auto described = std::make_shared<ModelFileInfo>();
  return PromiseWorker::start(
      info.Env(), [=] { return describe_model_file(path, described.get()); },
      [=](Napi::Env env) -> Napi::Value { return to_object(env, *described); });
}

// (fd) -> whether the lock was free
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  int32_t fd = -1;
  bool locked = false;
  const auto lock = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "fd", &fd));
    return try_lock(fd, &locked);
  };
  if (Status status = lock(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Boolean::New(info.Env(), locked);
}

Napi::Value isas(const Napi::CallbackInfo& info) {
  const std::vector<std::string> names = compiled_isas();
  auto array = Napi::Array::New(info.Env(), names.size());
  for (size_t i = 0; i < names.size(); ++i) array[i] = Napi::String::New(info.Env(), names[i]);
  return array;
}

// (socketPath, message)
Napi::Value notify(const Napi::CallbackInfo& info) {
  std::string path, message;
  const auto send = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(to_string(info[0], "socketPath", &path));
    HEARTH_RETURN_IF_ERROR(to_string(info[1], "message", &message));
    return send_notification(path, message);
  };
  if (Status status = send(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto data = std::make_unique<AddonData>();
  data->native_model = Napi::Persistent(NativeModel::define(env));
  data->native_engine = Napi::Persistent(NativeEngine::define(env));
  data->native_grammar = Napi::Persistent(NativeGrammar::define(env));
  env.SetInstanceData(data.release());
  exports["loadModel"] = Napi::Function::New<NativeModel::load>(env);
  exports["createEngine"] = Napi::Function::New<NativeEngine::create>(env);
  exports["measureReadBandwidth"] = Napi::Function::New<measure_bandwidth>(env);
  exports["writeSyntheticModel"] = Napi::Function::New<write_synthetic>(env);
  exports["describeFile"] = Napi::Function::New<describe_file>(env);
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
