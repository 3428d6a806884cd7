// The command line of hearth-native: a command, its positional arguments, and options with one value each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "include/status.h"

namespace hearth::tools {

class Arguments {
 public:
  // argv without the program and the command. An option that is not in `known` is an error.
  static Status parse(const std::vector<std::string>& argv, const std::vector<std::string>& known,
                      Arguments* arguments);

  const std::vector<std::string>& positional() const { return positional_; }
  std::string text(const std::string& option, const std::string& otherwise) const;
  // A whole number from `least` to `most`.
  Status number(const std::string& option, int64_t least, int64_t most, int64_t* value) const;
  // "1 2 3"
  Status tokens(const std::string& option, std::vector<int32_t>* tokens) const;

 private:
  std::vector<std::string> positional_;
  std::map<std::string, std::string> options_;
};

}  // namespace hearth::tools
