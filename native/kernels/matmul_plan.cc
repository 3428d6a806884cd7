#include "kernels/matmul_plan.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include "kernels/dispatch.h"

namespace hearth {
namespace {

constexpr uint32_t kMostAhead = 1 << 20;

// The parts of a way's name; those that it leaves out are empty.
struct Named {
  std::string set;
  std::optional<bool> streams;
  std::optional<uint32_t> ahead;
};

Status unreadable(std::string_view name) {
  return {Code::OPTION_OUT_OF_RANGE, "The way of multiplying '" + std::string(name) +
                                         "' is not SET:ORDER:BYTES with an order streams or memory and at most " +
                                         std::to_string(kMostAhead) + " bytes, such as avx2:streams:256."};
}

Status split(std::string_view name, Named* named) {
  const std::string_view whole = name;
  const auto next = [&name] {
    const std::string_view part = name.substr(0, name.find(':'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    return part;
  };
  named->set = next();
  const std::string_view order = next(), ahead = next();
  if (!name.empty() || (!order.empty() && order != "streams" && order != "memory")) return unreadable(whole);
  if (!order.empty()) named->streams = order == "streams";
  if (ahead.empty()) return {};
  uint32_t bytes = 0;
  const auto [end, error] = std::from_chars(ahead.data(), ahead.data() + ahead.size(), bytes);
  if (error != std::errc() || end != ahead.data() + ahead.size() || bytes > kMostAhead) return unreadable(whole);
  named->ahead = bytes;
  return {};
}

std::vector<HearthReading> readings_of(const HearthKernels& kernels, const Named& named) {
  std::vector<HearthReading> readings;
  for (HearthReading reading : std::span(kernels.readings, kernels.n_readings)) {
    if (named.streams.has_value() && reading.streams != *named.streams) continue;
    if (named.ahead.has_value()) reading.ahead = *named.ahead;
    const bool known = std::ranges::any_of(readings, [&](const HearthReading& other) {
      return other.streams == reading.streams && other.ahead == reading.ahead;
    });
    if (!known) readings.push_back(reading);
  }
  // A set that knows one order only: that the other one is forced makes no difference to it.
  if (readings.empty()) readings.push_back(kernels.readings[0]);
  return readings;
}

}  // namespace

std::string MatmulWay::name() const {
  return std::string(kernels->name) + (reading.streams ? ":streams:" : ":memory:") + std::to_string(reading.ahead);
}

Status parse_matmul_way(std::string_view name, MatmulWay* way) {
  Named named;
  HEARTH_RETURN_IF_ERROR(split(name, &named));
  HEARTH_RETURN_IF_ERROR(select_kernels(named.set, &way->kernels));
  way->reading = readings_of(*way->kernels, named).front();
  return {};
}

Status possible_matmul_ways(std::string_view forced, std::vector<MatmulWay>* ways) {
  Named named;
  HEARTH_RETURN_IF_ERROR(split(forced, &named));
  const HearthKernels* best = nullptr;
  HEARTH_RETURN_IF_ERROR(select_kernels(named.set, &best));
  std::vector<const HearthKernels*> sets = {best};
  // The plain set is the oracle of the others, and never the fastest.
  for (const std::string& name : kernel_names()) {
    const HearthKernels* kernels = nullptr;
    if (!named.set.empty() || name == "ref" || name == best->name) continue;
    if (select_kernels(name, &kernels).ok()) sets.push_back(kernels);
  }
  for (const HearthKernels* kernels : sets) {
    for (const HearthReading& reading : readings_of(*kernels, named)) ways->push_back({kernels, reading});
  }
  return {};
}

void MatmulPlan::set(HearthType type, size_t length, const MatmulWays& ways) {
  for (Entry& entry : entries_) {
    if (entry.type != type || entry.length != length) continue;
    entry.ways = ways;
    return;
  }
  entries_.push_back({type, length, ways});
}

const MatmulWays& MatmulPlan::ways(HearthType type, size_t length) const {
  for (const Entry& entry : entries_) {
    if (entry.type == type && entry.length == length) return entry.ways;
  }
  return usual_;
}

}  // namespace hearth
