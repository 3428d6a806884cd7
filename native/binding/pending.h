// Work of an engine's own threads whose end settles a promise: made on the main thread, and settled there.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>

#include "binding/convert.h"

namespace hearth::binding {

struct Pending {
  explicit Pending(Napi::Env env) : deferred(env) {}
  virtual ~Pending() = default;

  // The promise's, once the work is done and `status` is ok.
  virtual Napi::Value value(Napi::Env env) const { return env.Undefined(); }

  Napi::Promise::Deferred deferred;
  Status status;
};

inline void settle(Napi::Env env, Napi::Function, std::nullptr_t*, Pending* raw) {
  const std::unique_ptr<Pending> pending(raw);
  if (env == nullptr) return;  // the environment is being torn down: nobody is left to tell
  const Napi::HandleScope scope(env);
  if (pending->status.ok()) {
    pending->deferred.Resolve(pending->value(env));
  } else {
    pending->deferred.Reject(to_error(env, pending->status).Value());
  }
}

// Keeps the event loop alive until released, so one is made for each work.
using Settler = Napi::TypedThreadSafeFunction<std::nullptr_t, Pending, settle>;

// Calls `begin`, which gives its second argument to what it begins: that calls it once, from any thread, and only if
// `begin` returns ok.
template <typename P>
Napi::Promise settle_later(Napi::Env env, std::unique_ptr<P> pending,
                           const std::function<Status(P*, std::function<void(Status)>)>& begin) {
  const Napi::Promise promise = pending->deferred.Promise();
  auto settler = Settler::New(env, "hearth engine", 0, 1);
  const Status status = begin(pending.get(), [settler, raw = pending.get()](Status ended) mutable {
    raw->status = std::move(ended);
    settler.BlockingCall(raw);
    settler.Release();
  });
  if (status.ok()) {
    pending.release();  // settle()'s from here on
  } else {
    settler.Release();
    pending->deferred.Reject(to_error(env, status).Value());
  }
  return promise;
}

}  // namespace hearth::binding
