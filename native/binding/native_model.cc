#include "binding/native_model.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "binding/addon_data.h"
#include "binding/call.h"
#include "binding/convert.h"
#include "binding/native_grammar.h"
#include "binding/promise_worker.h"

namespace hearth::binding {

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {
                         InstanceMethod<&NativeModel::info>("info"),
                         InstanceMethod<&NativeModel::encode>("encode"),
                         InstanceMethod<&NativeModel::decode>("decode"),
                         InstanceMethod<&NativeModel::compile_grammar>("compileGrammar"),
                         InstanceMethod<&NativeModel::check_storage>("checkStorage"),
                     });
}

Napi::Value NativeModel::load(const Napi::CallbackInfo& info) {
  std::string path;
  if (Status status = to_string(info[0], "path", &path); !status.ok()) return rejected(info.Env(), status);
  LoadOptions options;
  if (info[1].IsObject()) {
    options.vocabulary_only = info[1].As<Napi::Object>().Get("vocabularyOnly").ToBoolean();
  }
  auto model = std::make_shared<std::shared_ptr<const Model>>();
  return PromiseWorker::start(
      info.Env(), [=] { return Model::load(path, options, model.get()); },
      [=](Napi::Env env) -> Napi::Value {
        const auto holder = Napi::External<std::shared_ptr<const Model>>::New(env, model.get());
        return env.GetInstanceData<AddonData>()->native_model.New({holder});
      });
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (!info[0].IsExternal()) {
    throw_status(info.Env(), {Code::INTERNAL, "A NativeModel is made by loadModel only."});
    return;
  }
  model_ = *info[0].As<Napi::External<std::shared_ptr<const Model>>>().Data();
}

Napi::Value NativeModel::info(const Napi::CallbackInfo& info) { return to_object(info.Env(), model_->info()); }

namespace {

// The input of encode(): words, and the ids that stand between them.
struct Pieces {
  std::vector<std::string> words;
  std::vector<std::pair<size_t, int32_t>> ids;  // how many words stand before the id, and the id
};

Status to_pieces(const Napi::Array& array, Pieces* pieces) {
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value value = array.Get(i);
    if (value.IsNumber()) {
      pieces->ids.emplace_back(pieces->words.size(), value.As<Napi::Number>().Int32Value());
    } else if (Status status = to_string(value, "word", &pieces->words.emplace_back()); !status.ok()) {
      return status;
    }
  }
  return {};
}

Status encode_pieces(const Model& model, const Pieces& pieces, std::vector<int32_t>* ids) {
  const std::vector<std::string_view> words(pieces.words.begin(), pieces.words.end());
  const std::span<const std::string_view> all(words);
  size_t at = 0;
  for (const auto& [before, id] : pieces.ids) {
    if (Status status = model.encode(all.subspan(at, before - at), ids); !status.ok()) return status;
    ids->push_back(id);
    at = before;
  }
  return model.encode(all.subspan(at), ids);
}

}  // namespace

Napi::Value NativeModel::encode(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) return rejected(info.Env(), {Code::INTERNAL, "encode takes an array of pieces."});
  auto pieces = std::make_shared<Pieces>();
  if (Status status = to_pieces(info[0].As<Napi::Array>(), pieces.get()); !status.ok()) {
    return rejected(info.Env(), status);
  }
  auto ids = std::make_shared<std::vector<int32_t>>();
  return PromiseWorker::start(
      info.Env(), [model = model_, pieces, ids] { return encode_pieces(*model, *pieces, ids.get()); },
      [ids](Napi::Env env) -> Napi::Value { return to_array(env, *ids); });
}

Napi::Value NativeModel::decode(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    return throw_status(info.Env(), {Code::INTERNAL, "decode takes an Int32Array."});
  }
  const auto ids = info[0].As<Napi::Int32Array>();
  std::string bytes;
  const Status status = model_->decode({ids.Data(), ids.ElementLength()}, info[1].ToBoolean(), &bytes);
  if (!status.ok()) return throw_status(info.Env(), status);
  return Napi::Buffer<char>::Copy(info.Env(), bytes.data(), bytes.size());
}

Napi::Value NativeModel::compile_grammar(const Napi::CallbackInfo& info) {
  std::string gbnf;
  if (Status status = to_string(info[0], "grammar", &gbnf); !status.ok()) return rejected(info.Env(), status);
  auto grammar = std::make_shared<std::shared_ptr<const Grammar>>();
  return PromiseWorker::start(
      info.Env(), [model = model_, gbnf, grammar] { return model->compile_grammar(gbnf, grammar.get()); },
      [grammar](Napi::Env env) { return NativeGrammar::wrap(env, *grammar); });
}

Napi::Value NativeModel::check_storage(const Napi::CallbackInfo& info) {
  return call_later(info, std::function([model = model_](bool probes) { return model->check_storage(probes); }),
                    "probes");
}

}  // namespace hearth::binding
