// The kernel sets of this build. Only dispatch.cc chooses among them.
#pragma once

#include "kernels/kernels.h"

extern const HearthKernels hearth_kernels__ref;  // plain scalar C: the oracle
#if defined(__x86_64__)
extern const HearthKernels hearth_kernels__avx2;
extern const HearthKernels hearth_kernels__avx512vnni;
#elif defined(__aarch64__)
extern const HearthKernels hearth_kernels__neon;
extern const HearthKernels hearth_kernels__neon_dotprod;
extern const HearthKernels hearth_kernels__neon_i8mm;
#endif
