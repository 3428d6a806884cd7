// The processors that this process may use. Knows nothing of the work.
#pragma once

#include <sched.h>

#include <string>
#include <vector>

namespace hearth {

// A physical core that this process may use.
struct Core {
  int cpu;       // its lowest-numbered hardware thread in the affinity mask
  int capacity;  // relative to the others (Linux's cpu_capacity); all alike where the kernel tells nothing
};

// Physical cores in this process's CPU affinity, the most capable first. `sysfs` is /sys/devices/system/cpu, or a copy
// of it in a test.
std::vector<Core> cores(const std::string& sysfs = "/sys/devices/system/cpu");

// How many of them to use at most: cut to the cgroup's CPU quota (rounded up). At least 1.
int usable_cores();

// The CPUs that thread number `thread` of a pool should run on so that big cores are taken before little ones: all of
// `cores` as capable as the core of that place. Empty where all cores are alike: the kernel places threads best then.
std::vector<int> placement(const std::vector<Core>& cores, int thread);

}  // namespace hearth
