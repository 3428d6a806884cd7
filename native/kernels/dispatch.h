// Chooses the kernel set once, at start.
#pragma once

#include <string>
#include <vector>

#include "include/status.h"
#include "kernels/kernels.h"

namespace hearth {

// `forced` is a name of kernel_names(), or empty for the best that this CPU runs.
// ISA_UNKNOWN: not compiled into this build. ISA_UNSUPPORTED: the CPU lacks its instructions.
Status select_kernels(const std::string& forced, const HearthKernels** kernels);

// Compiled into this build, best last.
std::vector<std::string> kernel_names();

}  // namespace hearth
