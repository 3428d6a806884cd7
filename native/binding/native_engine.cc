#include "binding/native_engine.h"

#include <algorithm>
#include <utility>

#include "binding/addon_data.h"
#include "binding/convert.h"
#include "binding/native_model.h"
#include "binding/promise_worker.h"

namespace hearth::binding {
namespace {

// A step on its way: made on the main thread, settled there when the engine's thread is done with it.
struct Step {
  Step(Napi::Env env) : deferred(env) {}

  Napi::Promise::Deferred deferred;
  OwnedPlan owned;
  Status status;
  StepResult result;
};

Napi::Object to_object(Napi::Env env, const StepResult& result) {
  auto object = Napi::Object::New(env);
  object["tokens"] = to_array(env, result.tokens);
  object["logits"] = to_array(env, result.logits);
  object["hidden"] = to_array(env, result.hidden);
  object["computeMs"] = Napi::Number::New(env, result.compute_ms);
  return object;
}

Napi::Object to_object(Napi::Env env, const SnapshotInfo& info) {
  auto object = Napi::Object::New(env);
  object["tokens"] = to_array(env, info.tokens);
  object["resumable"] = info.resumable.empty() ? env.Null() : Napi::Value(to_array(env, info.resumable));
  object["fileBytes"] = Napi::Number::New(env, static_cast<double>(info.file_bytes));
  return object;
}

Napi::Value rejected(Napi::Env env, const Status& status) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(to_error(env, status).Value());
  return deferred.Promise();
}

void settle(Napi::Env env, Napi::Function, std::nullptr_t*, Step* raw) {
  const std::unique_ptr<Step> step(raw);
  if (env == nullptr) return;  // the environment is being torn down: nobody is left to tell
  const Napi::HandleScope scope(env);
  if (step->status.ok()) {
    step->deferred.Resolve(to_object(env, step->result));
  } else {
    step->deferred.Reject(to_error(env, step->status).Value());
  }
}

// Keeps the event loop alive until released, so one is made for each step.
using Settler = Napi::TypedThreadSafeFunction<std::nullptr_t, Step, settle>;

}  // namespace

Napi::Function NativeEngine::define(Napi::Env env) {
  return DefineClass(env, "NativeEngine",
                     {
                         InstanceMethod<&NativeEngine::options>("options"),
                         InstanceMethod<&NativeEngine::isa>("isa"),
                         InstanceMethod<&NativeEngine::use_threads>("useThreads"),
                         InstanceMethod<&NativeEngine::open_sequence>("openSequence"),
                         InstanceMethod<&NativeEngine::fork_sequence>("forkSequence"),
                         InstanceMethod<&NativeEngine::truncate_sequence>("truncateSequence"),
                         InstanceMethod<&NativeEngine::resumable_tokens>("resumableTokens"),
                         InstanceMethod<&NativeEngine::set_sampler>("setSampler"),
                         InstanceMethod<&NativeEngine::close_sequence>("closeSequence"),
                         InstanceMethod<&NativeEngine::sequence_length>("sequenceLength"),
                         InstanceMethod<&NativeEngine::free_kv_tokens>("freeKvTokens"),
                         InstanceMethod<&NativeEngine::identify>("identify"),
                         InstanceMethod<&NativeEngine::save_snapshot>("saveSnapshot"),
                         InstanceMethod<&NativeEngine::restore_snapshot>("restoreSnapshot"),
                         InstanceMethod<&NativeEngine::describe_snapshot>("describeSnapshot"),
                         InstanceMethod<&NativeEngine::step>("step"),
                         InstanceMethod<&NativeEngine::stop_step>("stopStep"),
                         InstanceMethod<&NativeEngine::close>("close"),
                     });
}

Napi::Value NativeEngine::create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Function model_class = env.GetInstanceData<AddonData>()->native_model.Value();
  if (!info[0].IsObject() || !info[0].As<Napi::Object>().InstanceOf(model_class)) {
    return throw_status(env, {Code::INTERNAL, "createEngine takes a NativeModel."});
  }
  const auto model = NativeModel::Unwrap(info[0].As<Napi::Object>())->model();
  EngineOptions options;
  if (Status status = to_engine_options(info[1], &options); !status.ok()) return throw_status(env, status);
  auto engine = std::make_shared<std::unique_ptr<Engine>>();
  return PromiseWorker::start(
      env, [=] { return Engine::create(model, options, engine.get()); },
      [=](Napi::Env e) -> Napi::Value {
        const auto holder = Napi::External<std::unique_ptr<Engine>>::New(e, engine.get());
        return e.GetInstanceData<AddonData>()->native_engine.New({holder});
      });
}

NativeEngine::NativeEngine(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (!info[0].IsExternal()) {
    throw_status(info.Env(), {Code::INTERNAL, "A NativeEngine is made by createEngine only."});
    return;
  }
  engine_ = std::move(*info[0].As<Napi::External<std::unique_ptr<Engine>>>().Data());
}

Status NativeEngine::check_open() const {
  if (engine_) return {};
  return {Code::ENGINE_CLOSED, "The engine was closed."};
}

Napi::Value NativeEngine::options(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return binding::to_object(info.Env(), engine_->options());
}

Napi::Value NativeEngine::isa(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::String::New(info.Env(), engine_->isa());
}

Napi::Value NativeEngine::use_threads(const Napi::CallbackInfo& info) {
  const auto use = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t threads = 0, decode_threads = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "threads", &threads));
    HEARTH_RETURN_IF_ERROR(to_int32(info[1], "decodeThreads", &decode_threads));
    return engine_->use_threads(threads, decode_threads);
  };
  if (Status status = use(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value NativeEngine::open_sequence(const Napi::CallbackInfo& info) {
  int32_t id = 0;
  const auto open = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    SamplerOptions sampler;
    HEARTH_RETURN_IF_ERROR(to_sampler_options(info[0], &sampler));
    return engine_->open_sequence(sampler, &id);
  };
  if (Status status = open(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Number::New(info.Env(), id);
}

Napi::Value NativeEngine::fork_sequence(const Napi::CallbackInfo& info) {
  int32_t id = 0;
  const auto fork = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t source = 0, tokens = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "source", &source));
    HEARTH_RETURN_IF_ERROR(to_int32(info[1], "tokens", &tokens));
    SamplerOptions sampler;
    HEARTH_RETURN_IF_ERROR(to_sampler_options(info[2], &sampler));
    return engine_->fork_sequence(source, tokens, sampler, &id);
  };
  if (Status status = fork(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Number::New(info.Env(), id);
}

Napi::Value NativeEngine::truncate_sequence(const Napi::CallbackInfo& info) {
  const auto truncate = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t id = 0, tokens = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "sequence", &id));
    HEARTH_RETURN_IF_ERROR(to_int32(info[1], "tokens", &tokens));
    return engine_->truncate_sequence(id, tokens);
  };
  if (Status status = truncate(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value NativeEngine::resumable_tokens(const Napi::CallbackInfo& info) {
  int32_t resumable = 0;
  const auto ask = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t id = 0, tokens = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "sequence", &id));
    HEARTH_RETURN_IF_ERROR(to_int32(info[1], "tokens", &tokens));
    return engine_->resumable_tokens(id, tokens, &resumable);
  };
  if (Status status = ask(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Number::New(info.Env(), resumable);
}

Napi::Value NativeEngine::set_sampler(const Napi::CallbackInfo& info) {
  const auto set = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t id = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "sequence", &id));
    SamplerOptions sampler;
    HEARTH_RETURN_IF_ERROR(to_sampler_options(info[1], &sampler));
    return engine_->set_sampler(id, sampler);
  };
  if (Status status = set(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value NativeEngine::close_sequence(const Napi::CallbackInfo& info) {
  const auto close = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t id = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "sequence", &id));
    return engine_->close_sequence(id);
  };
  if (Status status = close(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value NativeEngine::sequence_length(const Napi::CallbackInfo& info) {
  int32_t length = 0;
  const auto measure = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t id = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "sequence", &id));
    return engine_->sequence_length(id, &length);
  };
  if (Status status = measure(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Number::New(info.Env(), length);
}

Napi::Value NativeEngine::free_kv_tokens(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Number::New(info.Env(), engine_->free_kv_tokens());
}

Napi::Value NativeEngine::identify(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return rejected(info.Env(), status);
  auto identity = std::make_shared<std::string>();
  return PromiseWorker::start(
      info.Env(), [engine = engine_, identity] { return engine->identify(identity.get()); },
      [identity](Napi::Env env) -> Napi::Value { return Napi::String::New(env, *identity); });
}

Napi::Value NativeEngine::save_snapshot(const Napi::CallbackInfo& info) {
  auto snapshot = std::make_shared<std::unique_ptr<PrefixSnapshot>>();
  std::string path, key;
  const auto take = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    int32_t id = 0, tokens = 0;
    HEARTH_RETURN_IF_ERROR(to_int32(info[0], "sequence", &id));
    HEARTH_RETURN_IF_ERROR(to_int32(info[1], "tokens", &tokens));
    HEARTH_RETURN_IF_ERROR(to_string(info[2], "path", &path));
    HEARTH_RETURN_IF_ERROR(to_string(info[3], "key", &key));
    return engine_->snapshot(id, tokens, snapshot.get());
  };
  if (Status status = take(); !status.ok()) return rejected(info.Env(), status);
  auto saved = std::make_shared<SnapshotInfo>();
  return PromiseWorker::start(
      info.Env(),
      [engine = engine_, snapshot, path, key, saved] {
        const Status status = (*snapshot)->save(path, key, saved.get());
        snapshot->reset();  // here, since it may have to wait for a step
        return status;
      },
      [saved](Napi::Env env) -> Napi::Value { return to_object(env, *saved); });
}

Napi::Value NativeEngine::restore_snapshot(const Napi::CallbackInfo& info) {
  std::string path, key;
  int32_t tokens = 0;
  SamplerOptions sampler;
  const auto read = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    HEARTH_RETURN_IF_ERROR(to_string(info[0], "path", &path));
    HEARTH_RETURN_IF_ERROR(to_string(info[1], "key", &key));
    HEARTH_RETURN_IF_ERROR(to_int32(info[2], "tokens", &tokens));
    return to_sampler_options(info[3], &sampler);
  };
  if (Status status = read(); !status.ok()) return rejected(info.Env(), status);
  auto id = std::make_shared<int32_t>(0);
  return PromiseWorker::start(
      info.Env(), [=, engine = engine_] { return engine->restore_snapshot(path, key, tokens, sampler, id.get()); },
      [id](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *id); });
}

Napi::Value NativeEngine::describe_snapshot(const Napi::CallbackInfo& info) {
  std::string path, key;
  const auto read = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(to_string(info[0], "path", &path));
    return to_string(info[1], "key", &key);
  };
  if (Status status = read(); !status.ok()) return rejected(info.Env(), status);
  auto described = std::make_shared<SnapshotInfo>();
  return PromiseWorker::start(
      info.Env(), [=] { return describe_snapshot_file(path, key, described.get()); },
      [described](Napi::Env env) -> Napi::Value { return to_object(env, *described); });
}

Napi::Value NativeEngine::step(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto step = std::make_unique<Step>(env);
  const Napi::Promise promise = step->deferred.Promise();
  Status status = check_open();
  if (status.ok()) status = to_plan(info[0], &step->owned);
  if (status.ok()) {
    auto settler = Settler::New(env, "hearth step", 0, 1);
    // The engine calls back exactly once, and only if step() is ok.
    status = engine_->step(step->owned.plan, [settler, raw = step.get()](Status ended, StepResult result) mutable {
      raw->status = std::move(ended);
      raw->result = std::move(result);
      settler.BlockingCall(raw);
      settler.Release();
    });
    if (!status.ok()) settler.Release();
  }
  if (status.ok()) {
    step.release();  // settle()'s from here on
  } else {
    step->deferred.Reject(to_error(env, status).Value());
  }
  return promise;
}

Napi::Value NativeEngine::stop_step(const Napi::CallbackInfo& info) {
  if (engine_) engine_->stop_step();
  return info.Env().Undefined();
}

Napi::Value NativeEngine::close(const Napi::CallbackInfo& info) {
  if (engine_) engine_->stop_transfers();
  auto engine = std::make_shared<std::shared_ptr<Engine>>(std::move(engine_));
  engine_ = nullptr;
  // The last reference goes on a worker thread, since the destructor waits for the running step.
  return PromiseWorker::start(
      info.Env(),
      [engine] {
        engine->reset();
        return Status();
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

}  // namespace hearth::binding
