#include "threads/topology.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>

namespace hearth {
namespace {

int read_number(const std::string& path, int fallback) {
  std::ifstream file(path);
  int number = 0;
  return file >> number ? number : fallback;
}

// CPUs' worth of time that the cgroup grants, or a large number without a quota.
double cgroup_quota() {
  constexpr double unlimited = 1e9;
  double quota = 0, period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period && period > 0) return quota / period;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) return quota / period;
  return unlimited;
}

}  // namespace

std::vector<Core> cores(const std::string& sysfs) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {{0, 0}};
  std::set<int> seen;  // the lowest-numbered hardware thread stands for its core
  std::vector<Core> result;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    const std::string folder = sysfs + "/cpu" + std::to_string(cpu);
    if (!seen.insert(read_number(folder + "/topology/thread_siblings_list", cpu)).second) continue;
    result.push_back({cpu, read_number(folder + "/cpu_capacity", 0)});
  }
  std::stable_sort(result.begin(), result.end(), [](const Core& a, const Core& b) { return a.capacity > b.capacity; });
  return result;
}

int usable_cores() {
  const auto n = static_cast<double>(cores().size());
  return std::max(1, static_cast<int>(std::min(n, std::max(1.0, std::ceil(cgroup_quota())))));
}

std::vector<int> placement(const std::vector<Core>& cores, int thread) {
  if (cores.empty() || cores.front().capacity == cores.back().capacity) return {};
  const int capacity = cores[std::min<size_t>(thread, cores.size() - 1)].capacity;
  std::vector<int> cpus;
  for (const Core& core : cores) {
    if (core.capacity == capacity) cpus.push_back(core.cpu);
  }
  return cpus;
}

}  // namespace hearth
