// Names and advice of the error codes.
#include "include/status.h"

namespace hearth {

const char* code_name(Code code) {
  switch (code) {
    case Code::OK:
      return "OK";
#define HEARTH_ERROR_NAME(code, advice) \
  case Code::code:                      \
    return #code;
      HEARTH_NATIVE_ERRORS(HEARTH_ERROR_NAME)
#undef HEARTH_ERROR_NAME
  }
  return "INTERNAL";
}

const char* code_advice(Code code) {
  switch (code) {
    case Code::OK:
      return "";
#define HEARTH_ERROR_ADVICE(code, advice) \
  case Code::code:                        \
    return advice;
      HEARTH_NATIVE_ERRORS(HEARTH_ERROR_ADVICE)
#undef HEARTH_ERROR_ADVICE
  }
  return "";
}

}  // namespace hearth
