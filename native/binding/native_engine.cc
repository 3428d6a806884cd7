#include "binding/native_engine.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "binding/addon_data.h"
#include "binding/call.h"
#include "binding/convert.h"
#include "binding/matmul.h"
#include "binding/native_model.h"
#include "binding/pending.h"
#include "binding/promise_worker.h"

namespace hearth::binding {
namespace {

const char* stop_name(StopReason reason) {
  switch (reason) {
    case StopReason::NONE:
      return nullptr;
    case StopReason::GRAMMAR_END:
      return "grammarEnd";
    case StopReason::GRAMMAR_LOOPS:
      return "grammarLoops";
    case StopReason::GRAMMAR_STUCK:
      return "grammarStuck";
    case StopReason::GRAMMAR_TOO_COMPLEX:
      return "grammarTooComplex";
  }
  return nullptr;
}

Napi::Object to_object(Napi::Env env, const StepResult& result) {
  const auto no_rows = Napi::Float32Array::New(env, 0);  // one for all that asked for none: steps are many
  const auto rows = [&](const std::vector<float>& values) { return values.empty() ? no_rows : to_array(env, values); };
  auto chunks = Napi::Array::New(env, result.chunks.size());
  for (uint32_t i = 0; i < result.chunks.size(); ++i) {
    const ChunkResult& chunk = result.chunks[i];
    const char* stopped = stop_name(chunk.stopped);
    auto object = Napi::Object::New(env);
    object["tokens"] = to_array(env, chunk.tokens);
    object["stopped"] = stopped == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, stopped));
    object["logits"] = rows(chunk.logits);
    object["hidden"] = rows(chunk.hidden);
    chunks[i] = object;
  }
  auto object = Napi::Object::New(env);
  object["chunks"] = chunks;
  object["computeMs"] = Napi::Number::New(env, result.compute_ms);
  return object;
}

Status closed() { return {Code::ENGINE_CLOSED, "The engine was closed."}; }

struct PendingStep : Pending {
  using Pending::Pending;
  Napi::Value value(Napi::Env env) const override { return to_object(env, result); }

  OwnedPlan owned;
  StepResult result;
};

}  // namespace

Napi::Function NativeEngine::define(Napi::Env env) {
  return DefineClass(env, "NativeEngine",
                     {
                         InstanceMethod<&NativeEngine::options>("options"),
                         InstanceMethod<&NativeEngine::isa>("isa"),
                         InstanceMethod<&NativeEngine::residency>("residency"),
                         InstanceMethod<&NativeEngine::memory>("memory"),
                         InstanceMethod<&NativeEngine::fit_weights>("fitWeights"),
                         InstanceMethod<&NativeEngine::hold_free_kv>("holdFreeKv"),
                         InstanceMethod<&NativeEngine::use_threads>("useThreads"),
                         InstanceMethod<&NativeEngine::matmuls>("matmuls"),
                         InstanceMethod<&NativeEngine::use_matmuls>("useMatmuls"),
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
    return rejected(env, {Code::INTERNAL, "createEngine takes a NativeModel."});
  }
  const auto model = NativeModel::Unwrap(info[0].As<Napi::Object>())->model();
  EngineOptions options;
  if (Status status = to_engine_options(info[1], &options); !status.ok()) return rejected(env, status);
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

Status NativeEngine::check_open() const { return engine_ ? Status() : closed(); }

Napi::Value NativeEngine::options(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return binding::to_object(info.Env(), engine_->options());
}

Napi::Value NativeEngine::isa(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::String::New(info.Env(), engine_->isa());
}

Napi::Value NativeEngine::residency(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  const std::optional<WeightResidency> residency = engine_->residency();
  return residency ? binding::to_object(info.Env(), *residency) : info.Env().Null();
}

template <typename... P>
std::function<Status(P...)> NativeEngine::bound(Status (Engine::*method)(P...)) const {
  return [engine = engine_, method](P... parameters) {
    return engine ? (engine.get()->*method)(std::forward<P>(parameters)...) : closed();
  };
}

template <typename... P>
std::function<Status(P...)> NativeEngine::bound(Status (Engine::*method)(P...) const) const {
  return [engine = engine_, method](P... parameters) {
    return engine ? (engine.get()->*method)(std::forward<P>(parameters)...) : closed();
  };
}

Napi::Value NativeEngine::memory(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return binding::to_object(info.Env(), engine_->memory());
}

template <typename T>
Napi::Value NativeEngine::change_memory(const Napi::CallbackInfo& info, const char* name,
                                        Status (Engine::*change)(T, std::function<void(Status)>)) {
  const auto begin = [&](Pending*, std::function<void(Status)> ended) -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    T value{};
    HEARTH_RETURN_IF_ERROR(to_native(info[0], name, &value));
    return (engine_.get()->*change)(value, std::move(ended));
  };
  return settle_later<Pending>(info.Env(), std::make_unique<Pending>(info.Env()), begin);
}

Napi::Value NativeEngine::fit_weights(const Napi::CallbackInfo& info) {
  return change_memory(info, "bytes", &Engine::fit_weights);
}

Napi::Value NativeEngine::hold_free_kv(const Napi::CallbackInfo& info) {
  return change_memory(info, "holds", &Engine::hold_free_kv);
}

Napi::Value NativeEngine::use_threads(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::use_threads), "threads", "decodeThreads");
}

Napi::Value NativeEngine::matmuls(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return to_array(info.Env(), engine_->matmuls());
}

Napi::Value NativeEngine::use_matmuls(const Napi::CallbackInfo& info) {
  const auto use = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    std::vector<MatmulChoice> choices;
    HEARTH_RETURN_IF_ERROR(to_matmul_choices(info[0], &choices));
    return engine_->use_matmuls(choices);
  };
  if (Status status = use(); !status.ok()) return throw_status(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value NativeEngine::open_sequence(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::open_sequence), "sampler");
}

Napi::Value NativeEngine::fork_sequence(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::fork_sequence), "source", "tokens", "sampler");
}

Napi::Value NativeEngine::truncate_sequence(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::truncate_sequence), "sequence", "tokens");
}

Napi::Value NativeEngine::resumable_tokens(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::resumable_tokens), "sequence", "tokens");
}

Napi::Value NativeEngine::set_sampler(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::set_sampler), "sequence", "sampler");
}

Napi::Value NativeEngine::close_sequence(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::close_sequence), "sequence");
}

Napi::Value NativeEngine::sequence_length(const Napi::CallbackInfo& info) {
  return call(info, bound(&Engine::sequence_length), "sequence");
}

Napi::Value NativeEngine::free_kv_tokens(const Napi::CallbackInfo& info) {
  if (Status status = check_open(); !status.ok()) return throw_status(info.Env(), status);
  return Napi::Number::New(info.Env(), engine_->free_kv_tokens());
}

Napi::Value NativeEngine::identify(const Napi::CallbackInfo& info) {
  return call_later(info, bound(&Engine::identify));
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
  return call_later(info, bound(&Engine::restore_snapshot), "path", "key", "tokens", "sampler");
}

Napi::Value NativeEngine::describe_snapshot(const Napi::CallbackInfo& info) {
  return call_later(info, std::function(describe_snapshot_file), "path", "key");
}

Napi::Value NativeEngine::step(const Napi::CallbackInfo& info) {
  const auto begin = [&](PendingStep* step, std::function<void(Status)> ended) -> Status {
    HEARTH_RETURN_IF_ERROR(check_open());
    HEARTH_RETURN_IF_ERROR(to_plan(info[0], &step->owned));
    return engine_->step(step->owned.plan, [step, ended = std::move(ended)](Status status, StepResult result) {
      step->result = std::move(result);
      ended(std::move(status));
    });
  };
  return settle_later<PendingStep>(info.Env(), std::make_unique<PendingStep>(info.Env()), begin);
}

Napi::Value NativeEngine::stop_step(const Napi::CallbackInfo& info) {
  if (engine_) engine_->stop_step();
  return info.Env().Undefined();
}

Napi::Value NativeEngine::close(const Napi::CallbackInfo& info) {
  if (engine_) engine_->stop_transfers();
  auto engine = std::make_shared<std::shared_ptr<Engine>>(std::move(engine_));
  engine_ = nullptr;
  // The last reference goes on a worker thread, since the destructor waits for the running step, or change of memory.
  return PromiseWorker::start(
      info.Env(),
      [engine] {
        engine->reset();
        return Status();
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

}  // namespace hearth::binding
