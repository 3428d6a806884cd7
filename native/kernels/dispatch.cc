// The whole choice of kernels on one screen, from the plainest to the best.
#include "kernels/dispatch.h"

#include "kernels/cpu_features.h"
#include "kernels/sets.h"

namespace hearth {
namespace {

// The first instruction set that `cpu` lacks for a kernel set, or null.
const char* missing_for_ref(const CpuFeatures&) { return nullptr; }

#if defined(__x86_64__)
const char* missing_for_avx2(const CpuFeatures& cpu) {
  if (!cpu.avx2) return "AVX2";
  if (!cpu.fma) return "FMA";
  if (!cpu.f16c) return "F16C";
  return nullptr;
}

const char* missing_for_avx512vnni(const CpuFeatures& cpu) {
  if (const char* missing = missing_for_avx2(cpu)) return missing;
  if (!cpu.avx512f) return "AVX-512 F";
  if (!cpu.avx512bw) return "AVX-512 BW";
  if (!cpu.avx512dq) return "AVX-512 DQ";
  if (!cpu.avx512vl) return "AVX-512 VL";
  if (!cpu.avx512vnni) return "AVX-512 VNNI";
  return nullptr;
}
#elif defined(__aarch64__)
const char* missing_for_neon(const CpuFeatures& cpu) { return cpu.asimd ? nullptr : "Advanced SIMD"; }

const char* missing_for_neon_dotprod(const CpuFeatures& cpu) {
  if (const char* missing = missing_for_neon(cpu)) return missing;
  return cpu.dotprod ? nullptr : "the dot product instructions (asimddp)";
}

const char* missing_for_neon_i8mm(const CpuFeatures& cpu) {
  if (const char* missing = missing_for_neon_dotprod(cpu)) return missing;
  return cpu.i8mm ? nullptr : "the matrix products of 8-bit integers (i8mm)";
}
#endif

struct KernelSet {
  const HearthKernels* kernels;
  const char* (*missing)(const CpuFeatures& cpu);
};

const KernelSet kSets[] = {
    {&hearth_kernels__ref, missing_for_ref},
#if defined(__x86_64__)
    {&hearth_kernels__avx2, missing_for_avx2},
    {&hearth_kernels__avx512vnni, missing_for_avx512vnni},
#elif defined(__aarch64__)
    {&hearth_kernels__neon, missing_for_neon},                  // Raspberry Pi 3, 4 (Cortex-A53, A72)
    {&hearth_kernels__neon_dotprod, missing_for_neon_dotprod},  // Raspberry Pi 5 (Cortex-A76)
    {&hearth_kernels__neon_i8mm, missing_for_neon_i8mm},        // Cortex-A78C, X2, Neoverse N2 and later
#endif
};

std::string joined_names() {
  std::string names;
  for (const KernelSet& set : kSets) names += (names.empty() ? "" : ", ") + std::string(set.kernels->name);
  return names;
}

}  // namespace

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const KernelSet& set : kSets) names.emplace_back(set.kernels->name);
  return names;
}

Status select_kernels(const std::string& forced, const HearthKernels** kernels) {
  const CpuFeatures cpu = detect_cpu_features();
  if (forced.empty()) {
    for (const KernelSet& set : kSets) {
      if (set.missing(cpu) == nullptr) *kernels = set.kernels;
    }
    return Status();
  }
  for (const KernelSet& set : kSets) {
    if (forced != set.kernels->name) continue;
    if (const char* missing = set.missing(cpu)) {
      return Status(Code::ISA_UNSUPPORTED, "The kernels '" + forced + "' need " + missing + ", which this CPU lacks.");
    }
    *kernels = set.kernels;
    return Status();
  }
  return Status(Code::ISA_UNKNOWN,
                "There are no kernels named '" + forced + "'; this build has " + joined_names() + ".");
}

}  // namespace hearth
