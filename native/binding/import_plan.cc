#include "binding/import_plan.h"

#include "binding/convert.h"

namespace hearth::binding {
namespace {

template <typename T>
using Convert = Status (*)(const Napi::Value& value, T* result);

template <typename T>
Status to_vector(const Napi::Value& value, const char* name, Convert<T> convert, std::vector<T>* result) {
  if (!value.IsArray()) return wrong_type(name, "an array");
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());  // vocabularies have hundreds of thousands of elements
    T element;
    HEARTH_RETURN_IF_ERROR(convert(array.Get(i), &element));
    result->push_back(std::move(element));
  }
  return {};
}

Status to_text(const Napi::Value& value, std::string* result) { return to_string(value, "string of a list", result); }

Status to_size(const Napi::Value& value, uint64_t* result) { return to_uint64(value, "dimension", result); }

template <typename Array, typename T>
std::vector<T> copy_of(const Napi::Value& value) {
  const auto array = value.As<Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

Status to_uint32(const Napi::Value& value, const char* name, uint32_t* result) {
  uint64_t number = 0;
  HEARTH_RETURN_IF_ERROR(to_uint64(value, name, &number));
  if (number > UINT32_MAX) return wrong_type(name, "a whole number of 32 bits");
  *result = static_cast<uint32_t>(number);
  return {};
}

// JavaScript's types say which a key has, but for its numbers.
Status to_key(const Napi::Value& value, ImportKey* key) {
  if (!value.IsObject()) return wrong_type("key", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("name"), "name of a key", &key->name));
  const Napi::Value content = object.Get("value");
  if (content.IsBoolean()) {
    key->value = content.As<Napi::Boolean>().Value();
  } else if (content.IsString()) {
    key->value = content.As<Napi::String>().Utf8Value();
  } else if (content.IsArray()) {
    return to_vector<std::string>(content, "list", to_text, &key->value.emplace<std::vector<std::string>>());
  } else if (content.IsTypedArray()) {
    const napi_typedarray_type type = content.As<Napi::TypedArray>().TypedArrayType();
    if (type == napi_int32_array) {
      key->value = copy_of<Napi::Int32Array, int32_t>(content);
    } else if (type == napi_float32_array) {
      key->value = copy_of<Napi::Float32Array, float>(content);
    } else {
      return wrong_type("list", "of int32 or float32");
    }
  } else if (object.Get("type").StrictEquals(Napi::String::New(value.Env(), "float32"))) {
    return to_float(content, "float key", &key->value.emplace<float>());
  } else {
    return to_uint32(content, "number key", &key->value.emplace<uint32_t>());
  }
  return {};
}

Status to_tensor(const Napi::Value& value, ImportTensor* tensor) {
  if (!value.IsObject()) return wrong_type("tensor", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("name"), "name of a tensor", &tensor->name));
  HEARTH_RETURN_IF_ERROR(to_string(object.Get("type"), "type of a tensor", &tensor->type));
  HEARTH_RETURN_IF_ERROR(to_vector<uint64_t>(object.Get("shape"), "shape", to_size, &tensor->shape));
  HEARTH_RETURN_IF_ERROR(to_uint64(object.Get("file"), "file of a tensor", &tensor->file));
  HEARTH_RETURN_IF_ERROR(to_uint64(object.Get("offset"), "offset of a tensor", &tensor->offset));
  HEARTH_RETURN_IF_ERROR(to_uint32(object.Get("interleaveRows"), "interleaveRows", &tensor->interleave_rows));
  return to_float(object.Get("add"), "add", &tensor->add);
}

}  // namespace

Status to_import_plan(const Napi::Value& value, ImportPlan* plan) {
  if (!value.IsObject()) return wrong_type("plan", "an object");
  const auto object = value.As<Napi::Object>();
  HEARTH_RETURN_IF_ERROR(to_vector<std::string>(object.Get("files"), "files", to_text, &plan->files));
  HEARTH_RETURN_IF_ERROR(to_vector<ImportKey>(object.Get("keys"), "keys", to_key, &plan->keys));
  HEARTH_RETURN_IF_ERROR(to_vector<ImportTensor>(object.Get("tensors"), "tensors", to_tensor, &plan->tensors));
  const Napi::Value factors = object.Get("ropeFactors");
  if (!factors.IsTypedArray() || factors.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    return wrong_type("ropeFactors", "a Float32Array");
  }
  plan->rope_factors = copy_of<Napi::Float32Array, float>(factors);
  return {};
}

}  // namespace hearth::binding
