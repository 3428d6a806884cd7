#include "binding/convert.h"

#include "binding/native_grammar.h"

#include <algorithm>
#include <cmath>

namespace hearth::binding {
namespace {

Napi::Value member(const Napi::Object& object, const char* name) { return object.Get(name); }

Status to_double(const Napi::Value& value, const char* name, double* result) {
  if (!value.IsNumber()) return wrong_type(name, "a number");
  *result = value.As<Napi::Number>().DoubleValue();
  return {};
}

Status to_logit_bias(const Napi::Value& value, std::vector<std::pair<int32_t, float>>* biases) {
  if (!value.IsArray()) return wrong_type("logitBias", "an array");
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value pair = array.Get(i);
    if (!pair.IsArray()) return wrong_type("logitBias", "an array of pairs");
    std::pair<int32_t, float> bias;
    HEARTH_RETURN_IF_ERROR(to_int32(pair.As<Napi::Array>().Get(uint32_t{0}), "logitBias token", &bias.first));
    HEARTH_RETURN_IF_ERROR(to_float(pair.As<Napi::Array>().Get(uint32_t{1}), "logitBias bias", &bias.second));
    biases->push_back(bias);
  }
  return {};
}

Napi::Value optional_id(Napi::Env env, const std::optional<int32_t>& id) {
  return id ? Napi::Value(Napi::Number::New(env, *id)) : Napi::Value(env.Null());
}

// Text of a file need not be UTF-8: what is not becomes U+FFFD.
Napi::String to_text(Napi::Env env, const std::string& text) { return Napi::String::New(env, text); }

Napi::Object to_object(Napi::Env env, const TokenizerInfo& info) {
  auto object = Napi::Object::New(env);
  object["kind"] = to_text(env, info.kind);
  object["preTokenizer"] = to_text(env, info.pre_tokenizer);
  object["tokens"] = Napi::Number::New(env, static_cast<double>(info.n_tokens));
  object["bos"] = optional_id(env, info.bos);
  object["eos"] = optional_id(env, info.eos);
  object["eot"] = optional_id(env, info.eot);
  object["eom"] = optional_id(env, info.eom);
  object["addBos"] = Napi::Boolean::New(env, info.add_bos);
  object["addEos"] = Napi::Boolean::New(env, info.add_eos);
  object["addSpacePrefix"] = Napi::Boolean::New(env, info.add_space_prefix);
  auto ends = Napi::Array::New(env, info.end_of_generation.size());
  for (size_t i = 0; i < info.end_of_generation.size(); ++i)
    ends[i] = Napi::Number::New(env, info.end_of_generation[i]);
  object["endOfGeneration"] = ends;
  auto warnings = Napi::Array::New(env, info.warnings.size());
  for (size_t i = 0; i < info.warnings.size(); ++i) warnings[i] = to_text(env, info.warnings[i]);
  object["warnings"] = warnings;
  auto specials = Napi::Array::New(env, info.special_tokens.size());
  for (size_t i = 0; i < info.special_tokens.size(); ++i) {
    const SpecialToken& token = info.special_tokens[i];
    auto special = Napi::Object::New(env);
    special["id"] = Napi::Number::New(env, token.id);
    special["text"] = to_text(env, token.text);
    special["control"] = Napi::Boolean::New(env, token.control);
    specials[i] = special;
  }
  object["specialTokens"] = specials;
  return object;
}

Napi::Object to_object(Napi::Env env, const KvBytes& bytes) {
  auto object = Napi::Object::New(env);
  object["perToken"] = Napi::Number::New(env, static_cast<double>(bytes.per_token));
  object["perSequence"] = Napi::Number::New(env, static_cast<double>(bytes.per_sequence));
  return object;
}

// By name: { temp: 0.7 }.
Napi::Object to_object(Napi::Env env, const std::vector<SamplingKey>& keys) {
  auto object = Napi::Object::New(env);
  for (const SamplingKey& key : keys) object.Set(to_text(env, key.name), Napi::Number::New(env, key.value));
  return object;
}

Status to_logits(const Napi::Value& value, ChunkLogits* logits) {
  std::string name;
  HEARTH_RETURN_IF_ERROR(to_string(value, "logits", &name));
  const std::pair<const char*, ChunkLogits> known[] = {
      {"none", ChunkLogits::NONE}, {"last", ChunkLogits::LAST}, {"all", ChunkLogits::ALL}};
  for (const auto& [text, which] : known) {
    if (name == text) {
      *logits = which;
      return {};
    }
  }
  return wrong_type("logits", "\"none\", \"last\" or \"all\"");
}

Status to_chunk(const Napi::Value& value, StepPlan::Chunk* chunk, std::vector<int32_t>* tokens) {
  if (!value.IsObject()) return wrong_type("chunk", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "sequence"), "sequence", &chunk->sequence));
  HEARTH_RETURN_IF_ERROR(to_bool(member(object, "sample"), "sample", &chunk->sample));
  const Napi::Value logits = member(object, "logits");
  if (!logits.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_logits(logits, &chunk->logits));
  const Napi::Value hidden = member(object, "hidden");
  if (!hidden.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_bool(hidden, "hidden", &chunk->hidden));
  const Napi::Value drafts = member(object, "drafts");
  if (!drafts.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_int32(drafts, "drafts", &chunk->drafts));
  const Napi::Value prompt_left = member(object, "promptLeft");
  if (!prompt_left.IsUndefined()) {
    HEARTH_RETURN_IF_ERROR(to_int32(prompt_left, "promptLeft", &chunk->prompt_left));
  }
  const Napi::Value ids = member(object, "tokens");
  if (!ids.IsTypedArray() || ids.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    return wrong_type("chunk's tokens", "an Int32Array");
  }
  const auto array = ids.As<Napi::Int32Array>();
  tokens->assign(array.Data(), array.Data() + array.ElementLength());
  chunk->tokens = *tokens;
  return {};
}

}  // namespace

Napi::Error to_error(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, code_name(status.code())));
  return error;
}

Napi::Value throw_status(Napi::Env env, const Status& status) {
  to_error(env, status).ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Object to_object(Napi::Env env, const ModelInfo& info) {
  auto object = Napi::Object::New(env);
  object["architecture"] = to_text(env, info.architecture);
  object["name"] = to_text(env, info.name);
  object["weightType"] = to_text(env, info.weight_type);
  object["chatTemplate"] = info.chat_template.empty() ? env.Null() : Napi::Value(to_text(env, info.chat_template));
  object["parameters"] = Napi::Number::New(env, static_cast<double>(info.parameters));
  object["fileBytes"] = Napi::Number::New(env, static_cast<double>(info.file_bytes));
  object["weightBytes"] = Napi::Number::New(env, static_cast<double>(info.weight_bytes));
  object["contextTrained"] = Napi::Number::New(env, info.context_trained);
  object["layers"] = Napi::Number::New(env, info.layers);
  object["embedding"] = Napi::Number::New(env, info.embedding);
  auto kv_bytes = Napi::Object::New(env);
  kv_bytes["f16"] = to_object(env, info.kv_f16);
  kv_bytes["q8_0"] = to_object(env, info.kv_q8_0);
  object["kvBytes"] = kv_bytes;
  object["device"] = to_text(env, info.device);
  object["sampling"] = to_object(env, info.sampling);
  object["hasWeights"] = Napi::Boolean::New(env, info.has_weights);
  object["tokenizer"] = to_object(env, info.tokenizer);
  return object;
}

Napi::Object to_object(Napi::Env env, const ModelFileInfo& info) {
  auto object = Napi::Object::New(env);
  object["architecture"] = to_text(env, info.architecture);
  object["name"] = to_text(env, info.name);
  object["weightType"] = to_text(env, info.weight_type);
  object["fileType"] = info.file_type ? Napi::Value(Napi::Number::New(env, *info.file_type)) : env.Null();
  object["chatTemplate"] = info.chat_template.empty() ? env.Null() : Napi::Value(to_text(env, info.chat_template));
  object["tokenizer"] = to_text(env, info.tokenizer);
  object["preTokenizer"] = to_text(env, info.pre_tokenizer);
  object["parameters"] = Napi::Number::New(env, static_cast<double>(info.parameters));
  object["fileBytes"] = Napi::Number::New(env, static_cast<double>(info.file_bytes));
  object["contextTrained"] = Napi::Number::New(env, info.context_trained);
  object["layers"] = Napi::Number::New(env, info.layers);
  object["embedding"] = Napi::Number::New(env, info.embedding);
  object["sampling"] = to_object(env, info.sampling);
  object["parts"] = Napi::Number::New(env, info.parts);
  return object;
}

Napi::Object to_object(Napi::Env env, const EngineOptions& options) {
  auto object = Napi::Object::New(env);
  object["threads"] = Napi::Number::New(env, options.threads);
  object["decodeThreads"] = Napi::Number::New(env, options.decode_threads);
  object["maxSequences"] = Napi::Number::New(env, options.max_sequences);
  object["contextTokens"] = Napi::Number::New(env, options.context_tokens);
  object["kvTokens"] = Napi::Number::New(env, options.kv_tokens);
  object["kvType"] = to_text(env, options.kv_type);
  object["maxBatchTokens"] = Napi::Number::New(env, options.max_batch_tokens);
  object["prefixBytes"] = Napi::Number::New(env, static_cast<double>(options.prefix_bytes));
  object["prefixSequences"] = Napi::Number::New(env, options.prefix_sequences);
  object["isa"] = to_text(env, options.isa);
  object["reading"] = to_text(env, options.reading);
  object["countsFolder"] = to_text(env, options.counts_folder);
  object["memoryBudget"] = Napi::Number::New(env, static_cast<double>(options.memory_budget));
  return object;
}

Napi::Object to_object(Napi::Env env, const WeightResidency& residency) {
  auto object = Napi::Object::New(env);
  const std::pair<const char*, uint64_t> bytes[] = {
      {"keptBytes", residency.kept_bytes},         {"lockedBytes", residency.locked_bytes},
      {"residentBytes", residency.resident_bytes}, {"streamedBytes", residency.streamed_bytes},
      {"ringBytes", residency.ring_bytes},         {"budgetBytes", residency.budget_bytes},
      {"readBytes", residency.read_bytes},
  };
  for (const auto& [name, value] : bytes) object[name] = Napi::Number::New(env, static_cast<double>(value));
  object["limit"] = to_text(env, residency.limit);
  object["readingMs"] = Napi::Number::New(env, residency.reading_ms);
  object["waitedMs"] = Napi::Number::New(env, residency.waited_ms);
  return object;
}

Napi::Object to_object(Napi::Env env, const EngineMemory& memory) {
  auto object = Napi::Object::New(env);
  const std::pair<const char*, uint64_t> bytes[] = {
      {"weightBytes", memory.weights}, {"heldBytes", memory.held}, {"affordableBytes", memory.affordable}};
  for (const auto& [name, value] : bytes) object[name] = Napi::Number::New(env, static_cast<double>(value));
  object["stalledPercent"] =
      memory.stalled_percent < 0 ? env.Null() : Napi::Value(Napi::Number::New(env, memory.stalled_percent));
  return object;
}

Napi::Object to_object(Napi::Env env, const SnapshotInfo& info) {
  auto object = Napi::Object::New(env);
  object["tokens"] = to_array(env, info.tokens);
  object["resumable"] = info.resumable.empty() ? env.Null() : Napi::Value(to_array(env, info.resumable));
  object["fileBytes"] = Napi::Number::New(env, static_cast<double>(info.file_bytes));
  return object;
}

Status to_engine_options(const Napi::Value& value, EngineOptions* options) {
  if (!value.IsObject()) return wrong_type("options", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "threads"), "threads", &options->threads));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "decodeThreads"), "decodeThreads", &options->decode_threads));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "maxSequences"), "maxSequences", &options->max_sequences));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "contextTokens"), "contextTokens", &options->context_tokens));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "kvTokens"), "kvTokens", &options->kv_tokens));
  const Napi::Value kv_type = member(object, "kvType");
  if (!kv_type.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_string(kv_type, "kvType", &options->kv_type));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "maxBatchTokens"), "maxBatchTokens", &options->max_batch_tokens));
  const Napi::Value prefix_bytes = member(object, "prefixBytes");
  if (!prefix_bytes.IsUndefined()) {
    HEARTH_RETURN_IF_ERROR(to_uint64(prefix_bytes, "prefixBytes", &options->prefix_bytes));
  }
  const Napi::Value budget = member(object, "memoryBudget");
  if (!budget.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_uint64(budget, "memoryBudget", &options->memory_budget));
  const Napi::Value kept_share = member(object, "keptShare");
  if (!kept_share.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_float(kept_share, "keptShare", &options->kept_share));
  const Napi::Value counts = member(object, "countsFolder");
  if (!counts.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_string(counts, "countsFolder", &options->counts_folder));
  const Napi::Value reading = member(object, "reading");
  if (!reading.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_string(reading, "reading", &options->reading));
  return to_string(member(object, "isa"), "isa", &options->isa);
}

Status to_sampler_options(const Napi::Value& value, SamplerOptions* options) {
  if (!value.IsObject()) return wrong_type("sampler", "an object");
  const auto object = value.As<Napi::Object>();
  const std::pair<const char*, float*> floats[] = {
      {"temperature", &options->temperature},
      {"topP", &options->top_p},
      {"minP", &options->min_p},
      {"typicalP", &options->typical_p},
      {"repetitionPenalty", &options->repetition_penalty},
      {"frequencyPenalty", &options->frequency_penalty},
      {"presencePenalty", &options->presence_penalty},
  };
  for (const auto& [name, field] : floats) HEARTH_RETURN_IF_ERROR(to_float(member(object, name), name, field));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "topK"), "topK", &options->top_k));
  HEARTH_RETURN_IF_ERROR(to_int32(member(object, "penaltyLastN"), "penaltyLastN", &options->penalty_last_n));
  HEARTH_RETURN_IF_ERROR(to_uint64(member(object, "seed"), "seed", &options->seed));
  const Napi::Value grammar = member(object, "grammar");
  if (!grammar.IsUndefined() && !grammar.IsNull()) {
    HEARTH_RETURN_IF_ERROR(NativeGrammar::unwrap(grammar, &options->grammar));
    HEARTH_RETURN_IF_ERROR(to_int32(member(object, "grammarFrom"), "grammarFrom", &options->grammar_from));
    const std::pair<const char*, int32_t*> limits[] = {
        {"loopRepeats", &options->loop_repeats},
        {"loopTokens", &options->loop_tokens},
    };
    for (const auto& [name, field] : limits) {
      const Napi::Value limit = member(object, name);
      if (!limit.IsUndefined()) HEARTH_RETURN_IF_ERROR(to_int32(limit, name, field));
    }
  }
  return to_logit_bias(member(object, "logitBias"), &options->logit_bias);
}

Status to_plan(const Napi::Value& value, OwnedPlan* result) {
  if (!value.IsObject()) return wrong_type("plan", "an object");
  const Napi::Value chunks = member(value.As<Napi::Object>(), "chunks");
  if (!chunks.IsArray()) return wrong_type("plan's chunks", "an array");
  const auto array = chunks.As<Napi::Array>();
  result->tokens.resize(array.Length());
  result->plan.chunks.resize(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    HEARTH_RETURN_IF_ERROR(to_chunk(array.Get(i), &result->plan.chunks[i], &result->tokens[i]));
  }
  return {};
}

Status wrong_type(const char* name, const char* expected) {
  return {Code::INTERNAL, std::string("The addon was called with a ") + name + " that is not " + expected + "."};
}

Status to_bool(const Napi::Value& value, const char* name, bool* result) {
  if (!value.IsBoolean()) return wrong_type(name, "a boolean");
  *result = value.As<Napi::Boolean>().Value();
  return {};
}

Status to_float(const Napi::Value& value, const char* name, float* result) {
  double number = 0;
  HEARTH_RETURN_IF_ERROR(to_double(value, name, &number));
  *result = static_cast<float>(number);
  return {};
}

Status to_int32(const Napi::Value& value, const char* name, int32_t* result) {
  double number = 0;
  HEARTH_RETURN_IF_ERROR(to_double(value, name, &number));
  if (!(number >= INT32_MIN && number <= INT32_MAX) || number != std::trunc(number)) {
    return wrong_type(name, "a whole number of 32 bits");
  }
  *result = static_cast<int32_t>(number);
  return {};
}

Status to_uint64(const Napi::Value& value, const char* name, uint64_t* result) {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  double number = 0;
  HEARTH_RETURN_IF_ERROR(to_double(value, name, &number));
  if (!(number >= 0 && number <= kMaxSafeInteger) || number != std::trunc(number)) {
    return wrong_type(name, "a whole number from 0 to 2^53 - 1");
  }
  *result = static_cast<uint64_t>(number);
  return {};
}

Status to_string(const Napi::Value& value, const char* name, std::string* result) {
  if (!value.IsString()) return wrong_type(name, "a string");
  *result = value.As<Napi::String>().Utf8Value();
  return {};
}

Napi::Int32Array to_array(Napi::Env env, const std::vector<int32_t>& values) {
  auto array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Float32Array to_array(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace hearth::binding
