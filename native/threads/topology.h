// What this process may compute on. Knows nothing of the work.
#pragma once

namespace hearth {

// Physical cores that this process may use: its CPU affinity without SMT siblings, cut to the cgroup's CPU quota
// (rounded up). At least 1.
int usable_cores();

}  // namespace hearth
