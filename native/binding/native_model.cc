#include "binding/native_model.h"

#include <string>
#include <vector>

#include "binding/addon_data.h"
#include "binding/convert.h"
#include "binding/promise_worker.h"

namespace hearth::binding {

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {
                         InstanceMethod<&NativeModel::info>("info"),
                         InstanceMethod<&NativeModel::encode>("encode"),
                         InstanceMethod<&NativeModel::decode>("decode"),
                         InstanceMethod<&NativeModel::check_health>("checkHealth"),
                     });
}

Napi::Value NativeModel::load(const Napi::CallbackInfo& info) {
  std::string path;
  if (Status status = to_string(info[0], "path", &path); !status.ok()) return throw_status(info.Env(), status);
  LoadOptions options;
  if (info[1].IsObject()) {
    options.vocabulary_only = info[1].As<Napi::Object>().Get("vocabularyOnly").ToBoolean();
  }
  auto model = std::make_shared<std::shared_ptr<const Model>>();
  return PromiseWorker::start(
      info.Env(), [=] { return Model::load(path, options, model.get()); },
      [=](Napi::Env env) -> Napi::Value {
        const auto holder = Napi::External<std::shared_ptr<const Model>>::New(env, model.get());
        return env.GetInstanceData<AddonData>()->native_model.New({holder});
      });
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (!info[0].IsExternal()) {
    throw_status(info.Env(), {Code::INTERNAL, "A NativeModel is made by loadModel only."});
    return;
  }
  model_ = *info[0].As<Napi::External<std::shared_ptr<const Model>>>().Data();
}

Napi::Value NativeModel::info(const Napi::CallbackInfo& info) { return to_object(info.Env(), model_->info()); }

Napi::Value NativeModel::encode(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) return throw_status(info.Env(), {Code::INTERNAL, "encode takes an array of strings."});
  const auto array = info[0].As<Napi::Array>();
  std::vector<std::string> texts(array.Length());
  std::vector<std::string_view> words(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    if (Status status = to_string(array.Get(i), "word", &texts[i]); !status.ok()) {
      return throw_status(info.Env(), status);
    }
    words[i] = texts[i];
  }
  std::vector<int32_t> ids;
  if (Status status = model_->encode(words, &ids); !status.ok()) return throw_status(info.Env(), status);
  return to_array(info.Env(), ids);
}

Napi::Value NativeModel::decode(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    return throw_status(info.Env(), {Code::INTERNAL, "decode takes an Int32Array."});
  }
  const auto ids = info[0].As<Napi::Int32Array>();
  std::string bytes;
  const Status status = model_->decode({ids.Data(), ids.ElementLength()}, info[1].ToBoolean(), &bytes);
  if (!status.ok()) return throw_status(info.Env(), status);
  return Napi::Buffer<char>::Copy(info.Env(), bytes.data(), bytes.size());
}

Napi::Value NativeModel::check_health(const Napi::CallbackInfo& info) {
  if (Status status = model_->health(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

}  // namespace hearth::binding
