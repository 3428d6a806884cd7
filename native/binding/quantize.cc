#include "binding/quantize.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "binding/convert.h"
#include "binding/import_plan.h"
#include "binding/promise_worker.h"
#include "include/quantize.h"

namespace hearth::binding {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

struct ProgressCopy {
  uint64_t done_bytes, total_bytes;
  std::string tensor;
};

void report_progress(Napi::Env env, Napi::Function callback, std::nullptr_t*, ProgressCopy* raw) {
  const std::unique_ptr<ProgressCopy> progress(raw);
  if (env == nullptr) return;  // the environment is being torn down: nobody is left to tell
  const Napi::HandleScope scope(env);
  auto object = Napi::Object::New(env);
  object["doneBytes"] = Napi::Number::New(env, static_cast<double>(progress->done_bytes));
  object["totalBytes"] = Napi::Number::New(env, static_cast<double>(progress->total_bytes));
  object["tensor"] = Napi::String::New(env, progress->tensor);
  callback.Call({object});
}

using Reporter = Napi::TypedThreadSafeFunction<std::nullptr_t, ProgressCopy, report_progress>;

// The state that the JavaScript side and the worker share.
struct Work {
  std::atomic<bool> cancelled{false};
  Reporter reporter;
  Clock::time_point last_report{};
  QuantizeReport report;

  bool observe(const QuantizeProgress& progress) {
    const bool ended = progress.done_bytes == progress.total_bytes;
    if (const auto now = Clock::now(); ended || now - last_report >= kProgressInterval) {
      last_report = now;
      auto copy = std::make_unique<ProgressCopy>(
          ProgressCopy{progress.done_bytes, progress.total_bytes, std::string(progress.tensor)});
      if (reporter.NonBlockingCall(copy.get()) == napi_ok) copy.release();
    }
    return !cancelled.load();
  }
};

Napi::Object to_object(Napi::Env env, const QuantizeReport& report) {
  const auto number = [&](double value) { return Napi::Number::New(env, value); };
  const auto count = [&](uint64_t value) { return number(static_cast<double>(value)); };
  auto types = Napi::Array::New(env, report.types.size());
  for (size_t i = 0; i < report.types.size(); ++i) {
    const QuantizedType& type = report.types[i];
    auto object = Napi::Object::New(env);
    object["type"] = Napi::String::New(env, type.type);
    object["tensors"] = count(type.tensors);
    object["weights"] = count(type.weights);
    object["bytes"] = count(type.bytes);
    object["squaredError"] = number(type.squared_error);
    object["squaredNorm"] = number(type.squared_norm);
    types[i] = object;
  }
  auto object = Napi::Object::New(env);
  object["sourceBytes"] = count(report.source_bytes);
  object["bytes"] = count(report.bytes);
  object["weights"] = count(report.weights);
  object["types"] = types;
  return object;
}

Status to_quantize_options(const Napi::Value& value, QuantizeOptions* options) {
  if (!value.IsObject()) return wrong_type("options", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("type"), "type", &options->type));
  HEARTH_RETURN_IF_ERROR(to_int32(object.Get("threads"), "threads", &options->threads));
  HEARTH_RETURN_IF_ERROR(to_bool(object.Get("pure"), "pure", &options->pure));
  return to_bool(object.Get("allowRequantize"), "allowRequantize", &options->allow_requantize);
}

using Body = std::function<Status(const QuantizeObserver& observer, QuantizeReport* report)>;

Napi::Value start(Napi::Env env, const Napi::Value& on_progress, Body body) {
  if (!on_progress.IsFunction()) return throw_status(env, wrong_type("onProgress", "a function"));
  auto work = std::make_shared<Work>();
  work->reporter = Reporter::New(env, on_progress.As<Napi::Function>(), "hearth progress", 0, 1);
  auto handle = Napi::Object::New(env);
  handle["done"] = PromiseWorker::start(
      env,
      [work, body = std::move(body)] {
        const Status status =
            body([&](const QuantizeProgress& progress) { return work->observe(progress); }, &work->report);
        work->reporter.Release();
        return status;
      },
      [work](Napi::Env e) -> Napi::Value { return to_object(e, work->report); });
  handle["cancel"] = Napi::Function::New(env, [work](const Napi::CallbackInfo&) { work->cancelled.store(true); });
  return handle;
}

}  // namespace

Napi::Value quantize_model(const Napi::CallbackInfo& info) {
  std::string source, path;
  QuantizeOptions options;
  const auto read = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(to_string(info[0], "source", &source));
    HEARTH_RETURN_IF_ERROR(to_string(info[1], "path", &path));
    return to_quantize_options(info[2], &options);
  };
  if (Status status = read(); !status.ok()) return throw_status(info.Env(), status);
  return start(info.Env(), info[3], [=](const QuantizeObserver& observer, QuantizeReport* report) {
    return hearth::quantize_model(source, path, options, observer, report);
  });
}

Napi::Value import_model(const Napi::CallbackInfo& info) {
  auto plan = std::make_shared<ImportPlan>();
  std::string path;
  QuantizeOptions options;
  const auto read = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(to_import_plan(info[0], plan.get()));
    HEARTH_RETURN_IF_ERROR(to_string(info[1], "path", &path));
    return to_quantize_options(info[2], &options);
  };
  if (Status status = read(); !status.ok()) return throw_status(info.Env(), status);
  return start(info.Env(), info[3], [=](const QuantizeObserver& observer, QuantizeReport* report) {
    return hearth::import_model(*plan, path, options, observer, report);
  });
}

}  // namespace hearth::binding
