// Reads CPUID and XCR0 on x86-64 (Intel SDM, volume 1, 14.3 and 15.2), the auxiliary vector on AArch64 Linux.
#include "kernels/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace hearth {

#if defined(__x86_64__)

namespace {

bool bit(unsigned word, int i) { return (word >> i & 1) != 0; }

// The extended control register 0: which register states the operating system saves. Needs CPUID's OSXSAVE.
unsigned read_xcr0() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures cpu;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return cpu;
  const unsigned leaf1_c = c;
  if (!bit(leaf1_c, 27)) return cpu;  // OSXSAVE

  const unsigned xcr0 = read_xcr0();
  const bool saves_ymm = (xcr0 & 0x06) == 0x06;               // xmm, ymm
  const bool saves_zmm = saves_ymm && (xcr0 & 0xe0) == 0xe0;  // opmask, upper halves of zmm0-15, zmm16-31
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;

  cpu.fma = saves_ymm && bit(leaf1_c, 12);
  cpu.f16c = saves_ymm && bit(leaf1_c, 29);
  cpu.avx2 = saves_ymm && bit(b, 5);
  cpu.avx512f = saves_zmm && bit(b, 16);
  cpu.avx512dq = saves_zmm && bit(b, 17);
  cpu.avx512bw = saves_zmm && bit(b, 30);
  cpu.avx512vl = saves_zmm && bit(b, 31);
  cpu.avx512vnni = saves_zmm && bit(c, 11);
  return cpu;
}

#elif defined(__aarch64__)

CpuFeatures detect_cpu_features() {
  CpuFeatures cpu;
  const unsigned long hwcap = getauxval(AT_HWCAP);
  cpu.asimd = (hwcap & HWCAP_ASIMD) != 0;
  cpu.dotprod = (hwcap & HWCAP_ASIMDDP) != 0;
  cpu.i8mm = (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
  return cpu;
}

#else

CpuFeatures detect_cpu_features() { return {}; }

#endif

}  // namespace hearth
