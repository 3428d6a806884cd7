// What the addon keeps for each environment (a Node process or worker thread): its classes' constructors.
#pragma once

#include <napi.h>

namespace hearth::binding {

struct AddonData {
  Napi::FunctionReference native_model;
  Napi::FunctionReference native_engine;
  Napi::FunctionReference native_grammar;
};

}  // namespace hearth::binding
