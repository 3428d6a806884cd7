#include "tools/arguments.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace hearth::tools {
namespace {

bool parse_number(const std::string& text, int64_t* value) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stopped == end;
}

}  // namespace

Status Arguments::parse(const std::vector<std::string>& argv, const std::vector<std::string>& known,
                        Arguments* arguments) {
  for (size_t i = 0; i < argv.size(); ++i) {
    if (argv[i].empty() || argv[i][0] != '-') {
      arguments->positional_.push_back(argv[i]);
      continue;
    }
    if (std::find(known.begin(), known.end(), argv[i]) == known.end()) {
      return {Code::OPTION_OUT_OF_RANGE, "There is no option " + argv[i] + " here."};
    }
    if (i + 1 == argv.size()) return {Code::OPTION_OUT_OF_RANGE, "The option " + argv[i] + " needs a value."};
    arguments->options_[argv[i]] = argv[i + 1];
    ++i;
  }
  return {};
}

std::string Arguments::text(const std::string& option, const std::string& otherwise) const {
  const auto found = options_.find(option);
  return found == options_.end() ? otherwise : found->second;
}

Status Arguments::number(const std::string& option, int64_t least, int64_t most, int64_t* value) const {
  const auto found = options_.find(option);
  if (found == options_.end()) return {};
  if (parse_number(found->second, value) && *value >= least && *value <= most) return {};
  return {Code::OPTION_OUT_OF_RANGE, "The option " + option + " takes a whole number from " + std::to_string(least) +
                                         " to " + std::to_string(most) + ", not \"" + found->second + "\"."};
}

Status Arguments::tokens(const std::string& option, std::vector<int32_t>* tokens) const {
  std::istringstream words(text(option, ""));
  for (std::string word; words >> word;) {
    int64_t value = 0;
    if (!parse_number(word, &value) || value < 0 || value > INT32_MAX) {
      return {Code::OPTION_OUT_OF_RANGE, "The option " + option + " takes token ids, not \"" + word + "\"."};
    }
    tokens->push_back(static_cast<int32_t>(value));
  }
  if (!tokens->empty()) return {};
  return {Code::OPTION_OUT_OF_RANGE, "The option " + option + " takes at least one token id."};
}

}  // namespace hearth::tools
