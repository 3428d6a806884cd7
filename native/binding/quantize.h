// Quantizing and importing from JavaScript: both run on a worker thread, report progress and can be cancelled.
#pragma once

#include <napi.h>

namespace hearth::binding {

// Misuse, and its result:
// - the callback throws -> an uncaught exception of the process, as from any callback.
// - cancel is called after the end -> nothing happens.
// - the process exits meanwhile -> the worker keeps the event loop alive; a kill leaves a temporary file at most.

// (source, path, {type, threads, pure, allowRequantize}, onProgress) -> {done: Promise<QuantizeReport>, cancel()};
// onProgress gets {doneBytes, totalBytes, tensor} some times a second.
Napi::Value quantize_model(const Napi::CallbackInfo& info);

// (plan, path, options, onProgress) -> the same.
Napi::Value import_model(const Napi::CallbackInfo& info);

}  // namespace hearth::binding
