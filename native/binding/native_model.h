// The JavaScript class NativeModel: one loaded model.
#pragma once

#include <napi.h>

#include <memory>

#include "include/engine.h"

namespace hearth::binding {

// Misuse, and its result:
// - load: the file changes under us -> health; JavaScript drops the promise -> the model is freed.
// - encode: a piece is neither string nor number -> INTERNAL. Lone surrogates -> Node-API gives U+FFFD. JavaScript
// drops
//   the model meanwhile -> the work holds its own reference.
// - an engine still uses the model when JavaScript drops it -> the engine holds its own reference.
class NativeModel : public Napi::ObjectWrap<NativeModel> {
 public:
  static Napi::Function define(Napi::Env env);
  // loadModel(path, {vocabularyOnly}) -> Promise<NativeModel>; maps and checks the file on a worker thread.
  static Napi::Value load(const Napi::CallbackInfo& info);

  // Called by load() only: takes an External of the shared pointer.
  explicit NativeModel(const Napi::CallbackInfo& info);

  const std::shared_ptr<const Model>& model() const { return model_; }

 private:
  Napi::Value info(const Napi::CallbackInfo& info);             // -> ModelInfo
  Napi::Value encode(const Napi::CallbackInfo& info);           // (pieces: (string | number)[]) -> Promise<Int32Array>
  Napi::Value decode(const Napi::CallbackInfo& info);           // (ids: Int32Array, withControlTokens) -> Buffer
  Napi::Value compile_grammar(const Napi::CallbackInfo& info);  // (gbnf) -> Promise<NativeGrammar>
  Napi::Value check_storage(const Napi::CallbackInfo& info);

  std::shared_ptr<const Model> model_;
};

}  // namespace hearth::binding
