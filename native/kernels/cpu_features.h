// Instruction sets that this CPU and its operating system can run. The only place that reads CPUID or HWCAP.
#pragma once

namespace hearth {

struct CpuFeatures {
  // x86-64; false unless the operating system also saves the registers.
  bool avx2 = false, fma = false, f16c = false;
  bool avx512f = false, avx512bw = false, avx512dq = false, avx512vl = false, avx512vnni = false;
  // AArch64
  bool asimd = false, dotprod = false, i8mm = false;
};

CpuFeatures detect_cpu_features();

}  // namespace hearth
