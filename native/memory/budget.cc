#include "memory/budget.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

namespace hearth {
namespace {

constexpr uint64_t kMegabyte = uint64_t{1} << 20;
// Left to the rest of the system: a sixteenth, which on a board of 4 GB is 250 MB.
constexpr uint64_t kLeastSystemReserve = 96 * kMegabyte, kMostSystemReserve = 1024 * kMegabyte;
// Left of a limit that is this process's own: room for Node's heap to grow, and for page tables.
constexpr uint64_t kLeastOwnReserve = 48 * kMegabyte, kMostOwnReserve = 256 * kMegabyte;

constexpr uint64_t kNoLimit = UINT64_MAX;

uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }
uint64_t own_reserve(uint64_t limit) { return std::clamp(limit / 32, kLeastOwnReserve, kMostOwnReserve); }

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<uint64_t> parse(std::string_view text) {
  const size_t first = text.find_first_of("0123456789");
  uint64_t value = 0;
  if (first == text.npos || std::from_chars(text.data() + first, text.data() + text.size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

std::optional<uint64_t> read_number(const std::string& path) {
  const std::optional<std::string> text = read_text(path);
  return text ? parse(*text) : std::nullopt;
}

// The number behind a name at the start of a line: "MemAvailable:   1234 kB", "inactive_file 1234".
std::optional<uint64_t> number_after(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name) && line.size() > name.size() && (line[name.size()] == ' ' || line[name.size()] == ':'))
      return parse(std::string_view(line).substr(name.size()));
  }
  return std::nullopt;
}

uint64_t kilobytes_after(const std::string& text, const std::string& name, uint64_t otherwise) {
  const std::optional<uint64_t> kilobytes = number_after(text, name);
  return kilobytes ? *kilobytes * 1024 : otherwise;
}

void narrow(MemoryBudget* budget, uint64_t available, uint64_t reserve, const std::string& limit) {
  const uint64_t bytes = minus(available, reserve), missing = minus(reserve, available);
  if (bytes < budget->bytes || missing > budget->missing) *budget = {bytes, reserve, missing, limit};
}

// How one version of control groups names what it tells of memory.
struct GroupFiles {
  const char* limits[2];  // null: no second one
  const char* usage;
  const char* caches[2];  // lines of memory.stat: pages of files, which go when others need the room
};
constexpr GroupFiles kVersion1 = {
    {"memory.limit_in_bytes", nullptr}, "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
constexpr GroupFiles kVersion2 = {{"memory.max", "memory.high"}, "memory.current", {"inactive_file", "active_file"}};

// The group of this folder, and all above it up to `root`: each of them limits the process.
void narrow_by_groups(const std::string& root, std::string group, const GroupFiles& names, MemoryBudget* budget) {
  for (;; group.resize(group.rfind('/'))) {
    const std::string folder = root + group + "/";
    uint64_t limit = kNoLimit;
    for (const char* name : names.limits) {
      if (name != nullptr) limit = std::min(limit, read_number(folder + name).value_or(kNoLimit));
    }
    const std::optional<uint64_t> usage = read_number(folder + names.usage);
    if (usage && limit != kNoLimit) {
      uint64_t cached = 0;
      if (const auto stat = read_text(folder + "memory.stat")) {
        for (const char* name : names.caches) cached += number_after(*stat, name).value_or(0);
      }
      const uint64_t free = minus(limit, minus(*usage, cached));
      narrow(budget, free, own_reserve(limit), "the control group " + (group.empty() ? "/" : group));
    }
    if (group.empty() || group.find('/') == group.npos) return;
  }
}

void narrow_by_groups(const MemoryFiles& files, MemoryBudget* budget) {
  std::istringstream lines(read_text(files.proc + "/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    // ID:CONTROLLERS:/GROUP
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    controllers.insert(0, 1, ',').push_back(',');
    std::string group = line.substr(second + 1);
    while (group.ends_with('/')) group.pop_back();
    if (controllers == ",,") {
      narrow_by_groups(files.cgroup, group, kVersion2, budget);
    } else if (controllers.find(",memory,") != controllers.npos) {
      narrow_by_groups(files.cgroup + "/memory", group, kVersion1, budget);
    }
  }
}

}  // namespace

uint64_t own_bytes(const MemoryFiles& files) {
  return kilobytes_after(read_text(files.proc + "/self/status").value_or(""), "RssAnon", 0);
}

MemoryBudget budget_within(uint64_t configured, uint64_t taken) {
  const uint64_t reserve = own_reserve(configured);
  const uint64_t left = minus(configured, taken);
  return {minus(left, reserve), reserve, minus(reserve, left), "memory.budget_bytes"};
}

MemoryBudget memory_budget(uint64_t configured, const MemoryFiles& files) {
  if (configured > 0) return budget_within(configured, own_bytes(files));
  MemoryBudget budget{.bytes = kNoLimit, .reserve = 0, .missing = 0, .limit = "nothing"};
  const std::string memory = read_text(files.proc + "/meminfo").value_or("");
  const uint64_t available = kilobytes_after(memory, "MemAvailable", kNoLimit);
  if (available != kNoLimit) {
    const uint64_t total = kilobytes_after(memory, "MemTotal", available);
    const uint64_t reserve = std::clamp(total / 16, kLeastSystemReserve, kMostSystemReserve);
    narrow(&budget, available, reserve, "the machine's free memory");
  }
  narrow_by_groups(files, &budget);
  return budget;
}

std::optional<double> stalled_percent(const MemoryFiles& files) {
  // "some avg10=1.23 avg60=...": the share of ten seconds in which some task waited for memory.
  const auto average = [](const std::string& path) -> std::optional<double> {
    constexpr std::string_view kStart = "some avg10=";
    const std::optional<std::string> text = read_text(path);
    if (!text || !text->starts_with(kStart)) return std::nullopt;
    return std::strtod(text->c_str() + kStart.size(), nullptr);
  };
  std::optional<double> most = average(files.proc + "/pressure/memory");
  std::istringstream lines(read_text(files.proc + "/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("0::/")) continue;
    if (const auto of_group = average(files.cgroup + line.substr(3) + "/memory.pressure"))
      most = std::max(most.value_or(0), *of_group);
  }
  return most;
}

}  // namespace hearth
