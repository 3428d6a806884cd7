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

// The lowest-numbered SMT sibling of `cpu` stands for its core; `cpu` itself where the kernel tells nothing.
int core_of(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
  int first = cpu;
  return file >> first ? first : cpu;
}

int cores_in_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  std::set<int> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cores.insert(core_of(cpu));
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
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

int usable_cores() {
  return static_cast<int>(std::min<double>(cores_in_affinity(), std::max(1.0, std::ceil(cgroup_quota()))));
}

}  // namespace hearth
