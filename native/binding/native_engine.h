// The JavaScript class NativeEngine: one engine with its sequences.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "include/engine.h"

namespace hearth::binding {

// Misuse, and its result:
// - step: the arrays are changed or collected while it runs -> the plan holds copies.
// - step: the process exits meanwhile -> a running step keeps the event loop alive; the destructor waits for it.
// - close during a step, or a change of memory -> it waits on a worker thread; the promise of what runs settles as
// ever.
// - any method after close -> ENGINE_CLOSED.
// - close while a prefix is saved or restored -> the transfer is told to end, and keeps the engine until it has.
// - a prefix is saved while steps change its sequence -> the snapshot is of the moment of the call.
class NativeEngine : public Napi::ObjectWrap<NativeEngine> {
 public:
  static Napi::Function define(Napi::Env env);
  // createEngine(model: NativeModel, options) -> Promise<NativeEngine>
  static Napi::Value create(const Napi::CallbackInfo& info);

  // Called by create() only: takes an External of the engine.
  explicit NativeEngine(const Napi::CallbackInfo& info);

 private:
  Napi::Value options(const Napi::CallbackInfo& info);
  Napi::Value isa(const Napi::CallbackInfo& info);
  Napi::Value residency(const Napi::CallbackInfo& info);          // -> WeightResidency or null
  Napi::Value memory(const Napi::CallbackInfo& info);             // -> EngineMemory
  Napi::Value fit_weights(const Napi::CallbackInfo& info);        // (bytes) -> Promise<void>
  Napi::Value hold_free_kv(const Napi::CallbackInfo& info);       // (holds) -> Promise<void>
  Napi::Value use_threads(const Napi::CallbackInfo& info);        // (threads, decodeThreads)
  Napi::Value matmuls(const Napi::CallbackInfo& info);            // -> MatmulChoice[]
  Napi::Value use_matmuls(const Napi::CallbackInfo& info);        // (MatmulChoice[])
  Napi::Value open_sequence(const Napi::CallbackInfo& info);      // (sampler) -> id
  Napi::Value fork_sequence(const Napi::CallbackInfo& info);      // (source, tokens, sampler) -> id
  Napi::Value truncate_sequence(const Napi::CallbackInfo& info);  // (id, tokens)
  Napi::Value resumable_tokens(const Napi::CallbackInfo& info);   // (id, tokens) -> tokens
  Napi::Value set_sampler(const Napi::CallbackInfo& info);        // (id, sampler)
  Napi::Value close_sequence(const Napi::CallbackInfo& info);     // (id)
  Napi::Value sequence_length(const Napi::CallbackInfo& info);    // (id) -> tokens
  Napi::Value free_kv_tokens(const Napi::CallbackInfo& info);
  Napi::Value identify(const Napi::CallbackInfo& info);           // -> Promise<string>
  Napi::Value save_snapshot(const Napi::CallbackInfo& info);      // (id, tokens, path, key) -> Promise<SnapshotInfo>
  Napi::Value restore_snapshot(const Napi::CallbackInfo& info);   // (path, key, tokens, sampler) -> Promise<id>
  Napi::Value describe_snapshot(const Napi::CallbackInfo& info);  // (path, key) -> Promise<SnapshotInfo>
  Napi::Value step(const Napi::CallbackInfo& info);               // (plan) -> Promise<StepResult>
  Napi::Value stop_step(const Napi::CallbackInfo& info);          // ()
  Napi::Value close(const Napi::CallbackInfo& info);              // -> Promise<void>

  template <typename T>
  Napi::Value change_memory(const Napi::CallbackInfo& info, const char* name,
                            Status (Engine::*change)(T, std::function<void(Status)>));
  Status check_open() const;
  // A method of the engine as it is now; ENGINE_CLOSED when that is closed already.
  template <typename... P>
  std::function<Status(P...)> bound(Status (Engine::*method)(P...)) const;
  template <typename... P>
  std::function<Status(P...)> bound(Status (Engine::*method)(P...) const) const;

  std::shared_ptr<Engine> engine_;  // null once closed
};

}  // namespace hearth::binding
