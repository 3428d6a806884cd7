// Work on one of Node's worker threads whose end settles a promise.
#pragma once

#include <napi.h>

#include <functional>
#include <utility>

#include "binding/convert.h"

namespace hearth::binding {

// For functions that return a promise: they never throw.
inline Napi::Value rejected(Napi::Env env, const Status& status) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(to_error(env, status).Value());
  return deferred.Promise();
}

class PromiseWorker final : public Napi::AsyncWorker {
 public:
  // `work` runs on a worker thread; if it is ok, `value` makes the promise's value on the main thread.
  static Napi::Promise start(Napi::Env env, std::function<Status()> work, std::function<Napi::Value(Napi::Env)> value) {
    auto* worker = new PromiseWorker(env, std::move(work), std::move(value));  // frees itself after it settled
    Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 private:
  PromiseWorker(Napi::Env env, std::function<Status()> work, std::function<Napi::Value(Napi::Env)> value)
      : AsyncWorker(env), deferred_(env), work_(std::move(work)), value_(std::move(value)) {}

  void Execute() override {
    status_ = work_();
    work_ = nullptr;  // what it owned goes here: the last reference to an engine must not end on the main thread
  }

  void OnOK() override {
    if (status_.ok()) {
      deferred_.Resolve(value_(Env()));
    } else {
      deferred_.Reject(to_error(Env(), status_).Value());
    }
  }

  Napi::Promise::Deferred deferred_;
  std::function<Status()> work_;
  std::function<Napi::Value(Napi::Env)> value_;
  Status status_;
};

}  // namespace hearth::binding
