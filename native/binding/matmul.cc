#include "binding/matmul.h"

#include <memory>
#include <string>

#include "binding/addon_data.h"
#include "binding/convert.h"
#include "binding/native_model.h"
#include "binding/promise_worker.h"

namespace hearth::binding {
namespace {

Status to_matmul_choice(const Napi::Value& value, MatmulChoice* choice) {
  if (!value.IsObject()) return wrong_type("choice", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("type"), "type", &choice->type));
  HEARTH_RETURN_IF_ERROR(to_uint64(object.Get("rowLength"), "rowLength", &choice->row_length));
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("one"), "one", &choice->one));
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("few"), "few", &choice->few));
  return to_string(object.Get("many"), "many", &choice->many);
}

Napi::Object to_object(Napi::Env env, const std::string& type, uint64_t row_length) {
  auto object = Napi::Object::New(env);
  object["type"] = Napi::String::New(env, type);
  object["rowLength"] = Napi::Number::New(env, static_cast<double>(row_length));
  return object;
}

Napi::Array to_array(Napi::Env env, const std::vector<MatmulSpeed>& speeds) {
  auto array = Napi::Array::New(env, speeds.size());
  for (size_t i = 0; i < speeds.size(); ++i) {
    auto object = to_object(env, speeds[i].type, speeds[i].row_length);
    object["bytesPerSecond"] = Napi::Number::New(env, speeds[i].bytes_per_second);
    array[i] = object;
  }
  return array;
}

}  // namespace

Napi::Array to_array(Napi::Env env, const std::vector<MatmulChoice>& choices) {
  auto array = Napi::Array::New(env, choices.size());
  for (size_t i = 0; i < choices.size(); ++i) {
    auto object = to_object(env, choices[i].type, choices[i].row_length);
    object["one"] = Napi::String::New(env, choices[i].one);
    object["few"] = Napi::String::New(env, choices[i].few);
    object["many"] = Napi::String::New(env, choices[i].many);
    array[i] = object;
  }
  return array;
}

Status to_matmul_choices(const Napi::Value& value, std::vector<MatmulChoice>* choices) {
  if (!value.IsArray()) return wrong_type("list of choices", "an array");
  const auto array = value.As<Napi::Array>();
  choices->resize(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    HEARTH_RETURN_IF_ERROR(to_matmul_choice(array.Get(i), &(*choices)[i]));
  }
  return {};
}

Status to_matmul_trial(const Napi::Value& value, MatmulTrial* trial) {
  if (!value.IsObject()) return wrong_type("trial", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("way"), "way", &trial->way));
  HEARTH_RETURN_IF_ERROR(to_int32(object.Get("columns"), "columns", &trial->columns));
  return to_int32(object.Get("threads"), "threads", &trial->threads);
}

Napi::Value matmul_ways(const Napi::CallbackInfo& info) {
  std::vector<std::string> ways;
  const auto read = [&]() -> Status {
    std::string isa, reading;
    HEARTH_RETURN_IF_ERROR(to_string(info[0], "isa", &isa));
    HEARTH_RETURN_IF_ERROR(to_string(info[1], "reading", &reading));
    return hearth::matmul_ways(isa, reading, &ways);
  };
  if (Status status = read(); !status.ok()) return throw_status(info.Env(), status);
  auto array = Napi::Array::New(info.Env(), ways.size());
  for (size_t i = 0; i < ways.size(); ++i) array[i] = Napi::String::New(info.Env(), ways[i]);
  return array;
}

Napi::Value measure_matmul(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Function model_class = env.GetInstanceData<AddonData>()->native_model.Value();
  if (!info[0].IsObject() || !info[0].As<Napi::Object>().InstanceOf(model_class)) {
    return throw_status(env, {Code::INTERNAL, "measureMatmul takes a NativeModel."});
  }
  const auto model = NativeModel::Unwrap(info[0].As<Napi::Object>())->model();
  MatmulTrial trial;
  if (Status status = to_matmul_trial(info[1], &trial); !status.ok()) return throw_status(env, status);
  auto speeds = std::make_shared<std::vector<MatmulSpeed>>();
  return PromiseWorker::start(
      env, [=] { return hearth::measure_matmul(model, trial, speeds.get()); },
      [=](Napi::Env e) -> Napi::Value { return to_array(e, *speeds); });
}

}  // namespace hearth::binding
