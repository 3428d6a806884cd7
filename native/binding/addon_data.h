// AddonData belongs to one environment (a Node process or worker thread): the constructors of the addon's classes.
#pragma once

#include <napi.h>

namespace hearth::binding {

struct AddonData {
  Napi::FunctionReference native_model;
  Napi::FunctionReference native_engine;
  Napi::FunctionReference native_grammar;
};

}  // namespace hearth::binding
