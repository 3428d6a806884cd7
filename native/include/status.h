// Status: how the native library reports failure. It never prints, throws across its boundary, aborts or exits.
#pragma once

#include <string>
#include <utility>

#include "include/errors.h"

namespace hearth {

enum class Code {
  OK,
#define HEARTH_ERROR_ENUM(code, advice) code,
  HEARTH_NATIVE_ERRORS(HEARTH_ERROR_ENUM)
#undef HEARTH_ERROR_ENUM
};

// "GGUF_TRUNCATED" and its like; "OK" for Code::OK.
const char* code_name(Code code);
// The action that the user should take; empty for Code::OK.
const char* code_advice(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  // `message` says what was wrong, with the key, tensor or value; the advice is the code's own.
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::OK; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::OK;
  std::string message_;
};

}  // namespace hearth

// Returns the status of `expression` from the enclosing function when it failed.
#define HEARTH_RETURN_IF_ERROR(expression)                                      \
  do {                                                                          \
    if (::hearth::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
