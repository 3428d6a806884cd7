// Calls of C++ functions from JavaScript: each parameter is read as its type says, and a last one that is a pointer is
// what the call gives back.
#pragma once

#include <napi.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "binding/convert.h"
#include "binding/promise_worker.h"

namespace hearth::binding {

// Values for the parameters P of a function: `const std::string&` is held as a string, `int32_t*` as the number behind
// it.
template <typename... P>
class Parameters {
 public:
  static constexpr bool kHasResult = (std::is_pointer_v<P> || ...);
  static constexpr size_t kArguments = sizeof...(P) - (kHasResult ? 1 : 0);

  // `names` of the arguments, for messages.
  template <typename... Name>
  Status read(const Napi::CallbackInfo& info, Name... names) {
    static_assert(sizeof...(Name) == kArguments, "each argument has a name, and the result has none");
    Status status;
    size_t at = 0;
    const auto read_one = [&](auto* held, const char* name) {
      if (status.ok()) status = to_native(info[at++], name, held);
    };
    read_each(read_one, std::make_index_sequence<kArguments>(), names...);
    return status;
  }

  Status pass_to(const std::function<Status(P...)>& function) {
    return std::apply([&](auto&... held) { return function(pass<P>(held)...); }, held_);
  }

  Napi::Value result(Napi::Env env) const {
    if constexpr (kHasResult) {
      return to_value(env, std::get<kArguments>(held_));
    } else {
      return env.Undefined();
    }
  }

 private:
  template <typename T>
  using Held = std::remove_cv_t<std::remove_pointer_t<std::remove_reference_t<T>>>;

  template <typename T>
  static T pass(Held<T>& held) {
    if constexpr (std::is_pointer_v<T>) {
      return &held;
    } else {
      return held;
    }
  }

  template <typename ReadOne, size_t... I, typename... Name>
  void read_each(const ReadOne& read_one, std::index_sequence<I...>, Name... names) {
    (read_one(&std::get<I>(held_), names), ...);
  }

  std::tuple<Held<P>...> held_;
};

// Calls `function` at once.
template <typename... P, typename... Name>
Napi::Value call(const Napi::CallbackInfo& info, const std::function<Status(P...)>& function, Name... names) {
  Parameters<P...> parameters;
  Status status = parameters.read(info, names...);
  if (status.ok()) status = parameters.pass_to(function);
  return status.ok() ? parameters.result(info.Env()) : throw_status(info.Env(), status);
}

// Calls it on a worker thread; the value is a promise.
template <typename... P, typename... Name>
Napi::Value call_later(const Napi::CallbackInfo& info, std::function<Status(P...)> function, Name... names) {
  auto parameters = std::make_shared<Parameters<P...>>();
  if (Status status = parameters->read(info, names...); !status.ok()) return rejected(info.Env(), status);
  return PromiseWorker::start(
      info.Env(), [parameters, function = std::move(function)] { return parameters->pass_to(function); },
      [parameters](Napi::Env env) { return parameters->result(env); });
}

}  // namespace hearth::binding
