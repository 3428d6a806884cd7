// AVX-512 with VNNI: Ice Lake, Zen 4 and later.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own headers: https://gcc.gnu.org/PR105593
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include "kernels/lanes_avx512.h"
#include "kernels/parts_avx512.h"
#include "kernels/rows_avx512.h"
//
#include "kernels/attention.h"
#include "kernels/gemm_x86.h"
#include "kernels/sets.h"

namespace {

constexpr HearthKernels table() {
  HearthKernels t = {};
  t.name = "avx512vnni";
  set_float_kernels(&t);
  set_matmul_quantized(&t);
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__avx512vnni = table();
