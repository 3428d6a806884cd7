#include "binding/plan.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "binding/call.h"
#include "binding/convert.h"
#include "binding/matmul.h"
#include "binding/promise_worker.h"
#include "include/plan.h"

namespace hearth::binding {
namespace {

// A copy, since the array may be collected or written to while the work runs.
Status to_bytes(const Napi::Value& value, std::vector<uint8_t>* bytes) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    return wrong_type("head of a file", "a Uint8Array");
  }
  const auto array = value.As<Napi::Uint8Array>();
  bytes->assign(array.Data(), array.Data() + array.ElementLength());
  return {};
}

Status to_head(const Napi::Value& value, FileHead* head) {
  if (!value.IsObject()) return wrong_type("head of a file", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("name"), "name", &head->name));
  HEARTH_RETURN_IF_ERROR(to_uint64(object.Get("fileBytes"), "fileBytes", &head->file_bytes));
  return to_bytes(object.Get("bytes"), &head->bytes);
}

Status to_request(const Napi::Value& value, MemoryPlanRequest* request) {
  if (!value.IsObject()) return wrong_type("request of a plan", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_engine_options(object.Get("engine"), &request->engine));
  HEARTH_RETURN_IF_ERROR(to_uint64(object.Get("memoryBytes"), "memoryBytes", &request->memory_bytes));
  return to_uint64(object.Get("processBytes"), "processBytes", &request->process_bytes);
}

template <typename T>
Status to_list(const Napi::Value& value, const char* name, Status (*convert)(const Napi::Value&, T*),
               std::vector<T>* list) {
  if (!value.IsArray()) return wrong_type(name, "an array");
  const auto array = value.As<Napi::Array>();
  list->resize(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) HEARTH_RETURN_IF_ERROR(convert(array.Get(i), &(*list)[i]));
  return {};
}

Napi::Value number(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Object to_object(Napi::Env env, const MemoryPlan& plan) {
  auto object = Napi::Object::New(env);
  object["options"] = binding::to_object(env, plan.options);
  object["budgetBytes"] = number(env, plan.budget_bytes);
  object["limit"] = Napi::String::New(env, plan.limit);
  object["reserveBytes"] = number(env, plan.reserve_bytes);
  object["processBytes"] = number(env, plan.process_bytes);
  object["kvBytes"] = number(env, plan.kv_bytes);
  object["prefixBytes"] = number(env, plan.prefix_bytes);
  object["scratchBytes"] = number(env, plan.scratch_bytes);
  object["weightBytes"] = number(env, plan.weight_bytes);
  object["keptBytes"] = number(env, plan.kept_bytes);
  object["streamedBytes"] = number(env, plan.streamed_bytes);
  object["streamedExpertBytes"] = number(env, plan.streamed_expert_bytes);
  object["ringBytes"] = number(env, plan.ring_bytes);
  object["experts"] = number(env, plan.n_expert);
  object["expertsUsed"] = number(env, plan.n_expert_used);
  object["mayBeQ8"] = Napi::Boolean::New(env, plan.q8_0);
  auto matmuls = Napi::Array::New(env, plan.matmuls.size());
  for (uint32_t i = 0; i < plan.matmuls.size(); ++i) {
    const PlannedMatmul& of = plan.matmuls[i];
    auto matmul = Napi::Object::New(env);
    matmul["type"] = Napi::String::New(env, of.type);
    matmul["rowLength"] = number(env, of.row_length);
    matmul["bytes"] = number(env, of.bytes);
    matmul["expertBytes"] = number(env, of.expert_bytes);
    matmuls[i] = matmul;
  }
  object["matmuls"] = matmuls;
  return object;
}

Napi::Object to_object(Napi::Env env, const ModelPlan& plan) {
  auto object = Napi::Object::New(env);
  object["model"] = binding::to_object(env, plan.model);
  object["tokens"] = number(env, plan.n_tokens);
  auto plans = Napi::Array::New(env, plan.plans.size());
  for (uint32_t i = 0; i < plan.plans.size(); ++i) plans[i] = to_object(env, plan.plans[i]);
  object["plans"] = plans;
  return object;
}

}  // namespace

Napi::Value check_head(const Napi::CallbackInfo& info) {
  auto bytes = std::make_shared<std::vector<uint8_t>>();
  uint64_t file_bytes = 0;
  Status status = to_bytes(info[0], bytes.get());
  if (status.ok()) status = to_uint64(info[1], "fileBytes", &file_bytes);
  if (!status.ok()) return rejected(info.Env(), status);
  auto whole = std::make_shared<bool>(false);
  return PromiseWorker::start(
      info.Env(), [=] { return check_file_head(*bytes, file_bytes, whole.get()); },
      [=](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, *whole); });
}

Napi::Value plan_memory(const Napi::CallbackInfo& info) {
  auto heads = std::make_shared<std::vector<FileHead>>();
  auto requests = std::make_shared<std::vector<MemoryPlanRequest>>();
  Status status = to_list(info[0], "list of heads", to_head, heads.get());
  if (status.ok()) status = to_list(info[1], "list of requests", to_request, requests.get());
  if (!status.ok()) return rejected(info.Env(), status);
  auto plan = std::make_shared<ModelPlan>();
  return PromiseWorker::start(
      info.Env(), [=] { return hearth::plan_memory(*heads, *requests, plan.get()); },
      [=](Napi::Env env) -> Napi::Value { return to_object(env, *plan); });
}

Napi::Value measure_reading(const Napi::CallbackInfo& info) {
  return call_later(info, std::function(measure_file_reading), "path", "milliseconds");
}

Napi::Value measure_weights(const Napi::CallbackInfo& info) {
  WeightTrial trial;
  const auto read = [&]() -> Status {
    if (!info[0].IsObject()) return wrong_type("kind", "an object");
    const auto kind = info[0].As<Napi::Object>();
    HEARTH_RETURN_IF_ERROR(to_string(kind.Get("type"), "type", &trial.type));
    HEARTH_RETURN_IF_ERROR(to_uint64(kind.Get("rowLength"), "rowLength", &trial.row_length));
    return to_matmul_trial(info[1], &trial.matmul);
  };
  if (Status status = read(); !status.ok()) return rejected(info.Env(), status);
  auto speed = std::make_shared<double>(0);
  return PromiseWorker::start(
      info.Env(), [=] { return hearth::measure_weights(trial, speed.get()); },
      [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *speed); });
}

}  // namespace hearth::binding
