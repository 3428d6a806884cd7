#include "engine/sampling_keys.h"

#include <optional>
#include <string_view>

namespace hearth {
namespace {

constexpr std::string_view kPrefix = "general.sampling.";
constexpr size_t kMost = 64;

// Writers differ in the types of these keys.
std::optional<double> number_of(const GgufFile& header, std::string_view key) {
  float real = 0;
  if (header.require(key, &real).ok()) return real;
  int64_t whole = 0;
  if (header.require(key, &whole).ok()) return static_cast<double>(whole);
  return {};
}

}  // namespace

std::vector<SamplingKey> sampling_keys(const GgufFile& header) {
  std::vector<SamplingKey> keys;
  for (const GgufKey& key : header.keys()) {
    if (keys.size() == kMost) break;
    if (!key.name.starts_with(kPrefix)) continue;
    if (const std::optional<double> value = number_of(header, key.name)) {
      keys.push_back({key.name.substr(kPrefix.size()), *value});
    }
  }
  return keys;
}

}  // namespace hearth
