#include "binding/native_grammar.h"

#include <string>
#include <utility>

#include "binding/addon_data.h"
#include "binding/convert.h"

namespace hearth::binding {

Napi::Function NativeGrammar::define(Napi::Env env) {
  return DefineClass(env, "NativeGrammar", {InstanceMethod<&NativeGrammar::match>("match")});
}

Napi::Value NativeGrammar::wrap(Napi::Env env, std::shared_ptr<const Grammar> grammar) {
  const auto holder = Napi::External<std::shared_ptr<const Grammar>>::New(env, &grammar);
  return env.GetInstanceData<AddonData>()->native_grammar.New({holder});
}

Status NativeGrammar::unwrap(const Napi::Value& value, std::shared_ptr<const Grammar>* grammar) {
  const Napi::Function grammar_class = value.Env().GetInstanceData<AddonData>()->native_grammar.Value();
  if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(grammar_class)) {
    return {Code::INTERNAL, "The addon was called with a grammar that is not a NativeGrammar."};
  }
  *grammar = Unwrap(value.As<Napi::Object>())->grammar_;
  return {};
}

NativeGrammar::NativeGrammar(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (!info[0].IsExternal()) {
    throw_status(info.Env(), {Code::INTERNAL, "A NativeGrammar is made by compileGrammar only."});
    return;
  }
  grammar_ = *info[0].As<Napi::External<std::shared_ptr<const Grammar>>>().Data();
}

Napi::Value NativeGrammar::match(const Napi::CallbackInfo& info) {
  std::string text;
  if (Status status = to_string(info[0], "text", &text); !status.ok()) return throw_status(info.Env(), status);
  const GrammarMatch match = grammar_->match(text);
  const char* name = match == GrammarMatch::WHOLE ? "whole" : match == GrammarMatch::BEGINNING ? "beginning" : "none";
  return Napi::String::New(info.Env(), name);
}

}  // namespace hearth::binding
