// The JavaScript class NativeGrammar: one grammar, compiled for one model.
#pragma once

#include <napi.h>

#include <memory>

#include "include/engine.h"

namespace hearth::binding {

// Misuse, and its result:
// - JavaScript drops it while a sequence follows it -> the sequence holds its own reference.
// - it is given to an engine of another model -> SAMPLER_BAD_VALUE.
class NativeGrammar : public Napi::ObjectWrap<NativeGrammar> {
 public:
  static Napi::Function define(Napi::Env env);
  // A new object for `grammar`.
  static Napi::Value wrap(Napi::Env env, std::shared_ptr<const Grammar> grammar);
  // INTERNAL when the value is none.
  static Status unwrap(const Napi::Value& value, std::shared_ptr<const Grammar>* grammar);

  // Called by wrap() only: takes an External of the shared pointer.
  explicit NativeGrammar(const Napi::CallbackInfo& info);

 private:
  Napi::Value match(const Napi::CallbackInfo& info);  // (text) -> "none", "beginning" or "whole"

  std::shared_ptr<const Grammar> grammar_;
};

}  // namespace hearth::binding
