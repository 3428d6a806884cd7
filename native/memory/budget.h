// Memory that this process may still take: of the machine, of the control groups that it is in (versions 1 and 2), or
// of a size that somebody set. Reads /proc and /sys; knows nothing of what the memory is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hearth {

// The folders in which the kernel tells of memory; tests have their own.
struct MemoryFiles {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

struct MemoryBudget {
  uint64_t bytes = 0;    // that this process may take beside what it has, a reserve for others left out
  uint64_t reserve = 0;  // that reserve
  uint64_t missing = 0;  // of it: so much is to be given back
  // The limit that set it: "memory.budget_bytes", "the machine's free memory", "the control group
  // /system.slice/hearth.service".
  std::string limit;
};

// `configured`: of the whole process, 0: what the machine and its control groups leave. Files that are not there, or
// say nothing, set no limit.
MemoryBudget memory_budget(uint64_t configured, const MemoryFiles& files = {});

// The budget that a limit of `configured` bytes leaves a process which has taken `taken` of them.
MemoryBudget budget_within(uint64_t configured, uint64_t taken);

// Bytes of this process that no file backs: its own, as Node's heap is.
uint64_t own_bytes(const MemoryFiles& files = {});

// The share of the last ten seconds, in percent, in which some program waited for memory: of the machine or of the
// control group, whichever waited longer (PSI). None where the kernel does not say: Raspberry Pi OS has to be told.
std::optional<double> stalled_percent(const MemoryFiles& files = {});

}  // namespace hearth
