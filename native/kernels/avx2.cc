// AVX2, FMA and F16C: x86-64 since 2013 (Haswell) and 2015 (Excavator).
#include "kernels/lanes_avx2.h"
#include "kernels/parts_avx2.h"
#include "kernels/rows_avx2.h"
//
#include "kernels/attention.h"
#include "kernels/gemm_x86.h"
#include "kernels/sets.h"

namespace {

constexpr HearthKernels table() {
  HearthKernels t = {};
  t.name = "avx2";
  set_float_kernels(&t);
  set_matmul_quantized(&t);
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__avx2 = table();
