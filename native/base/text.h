// Text that comes from files: whether it is UTF-8, and how to show it in a message.
#pragma once

#include <string>
#include <string_view>

namespace hearth {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF (Unicode 17, table 3-7).
bool is_utf8(std::string_view text);

// A name of unknown origin in quotes, for a message: control characters and bytes that are no UTF-8 become '?', and
// what is longer than 80 bytes is cut.
std::string in_quotes(std::string_view name);

// Quotes a path, which is not cut.
std::string quoted_path(std::string_view path);

}  // namespace hearth
