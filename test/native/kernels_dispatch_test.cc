// Which kernels are chosen, and what is said when that cannot be.
#include <doctest/doctest.h>

#include "kernels/cpu_features.h"
#include "kernels_support.h"

namespace hearth {

TEST_CASE("a forced kernel set is the one that runs, and is complete") {
  for (const std::string& name : kernel_names()) {
    CAPTURE(name);
    const HearthKernels* kernels = nullptr;
    const Status status = select_kernels(name, &kernels);
    if (!status.ok()) {
      CHECK(status.code() == Code::ISA_UNSUPPORTED);
      CHECK(status.message().find("'" + name + "' need") != std::string::npos);
      CHECK(kernels == nullptr);
      continue;
    }
    CHECK(kernels->name == name);
    for (const TypeLayout& layout : type_layouts()) {
      CAPTURE(layout.name);
      CHECK(static_cast<bool>(kernels->matmul[layout.type]));
      CHECK(static_cast<bool>(kernels->matmul_direct[layout.type]));
      CHECK(static_cast<bool>(kernels->dequantize[layout.type]));
    }
    CHECK(!static_cast<bool>(kernels->matmul[5]));  // an id that GGUF has withdrawn
    CHECK(static_cast<bool>(kernels->quantize_q8));
    CHECK(static_cast<bool>(kernels->rms_norm));
    CHECK(static_cast<bool>(kernels->add));
    CHECK(static_cast<bool>(kernels->mul));
    CHECK(static_cast<bool>(kernels->scale));
    CHECK(static_cast<bool>(kernels->silu_mul));
    CHECK(static_cast<bool>(kernels->gelu_mul));
    CHECK(static_cast<bool>(kernels->sigmoid_mul));
    CHECK(static_cast<bool>(kernels->softcap));
    CHECK(static_cast<bool>(kernels->softmax));
    CHECK(static_cast<bool>(kernels->l2_norm));
    CHECK(static_cast<bool>(kernels->convolve));
    CHECK(static_cast<bool>(kernels->delta_decay));
    CHECK(static_cast<bool>(kernels->delta_rule));
    CHECK(static_cast<bool>(kernels->rope_interleaved));
    CHECK(static_cast<bool>(kernels->rope_halves));
    CHECK(static_cast<bool>(kernels->f32_to_f16));
    CHECK(static_cast<bool>(kernels->attend_f16));
    CHECK(static_cast<bool>(kernels->attend_q8));
    CHECK(static_cast<bool>(kernels->merge_attended));
  }
}

TEST_CASE("without a name the best set that this CPU runs is chosen") {
  std::string best;
  for (const std::string& name : kernel_names()) {
    const HearthKernels* kernels = nullptr;
    if (select_kernels(name, &kernels).ok()) best = name;
  }
  const HearthKernels* kernels = nullptr;
  REQUIRE(select_kernels("", &kernels).ok());
  CHECK(kernels->name == best);
}

TEST_CASE("an unknown name is an error that lists the known ones") {
  const HearthKernels* kernels = nullptr;
  const Status status = select_kernels("sse9", &kernels);
  CHECK(status.code() == Code::ISA_UNKNOWN);
  CHECK(kernels == nullptr);
  for (const std::string& name : kernel_names()) CHECK(status.message().find(name) != std::string::npos);
}

#if defined(__aarch64__)
TEST_CASE("neon_dotprod is refused on a CPU without the dot product") {
  const HearthKernels* kernels = nullptr;
  const Status status = select_kernels("neon_dotprod", &kernels);
  CHECK(status.ok() == detect_cpu_features().dotprod);
  if (!status.ok()) CHECK(status.message().find("asimddp") != std::string::npos);
}

TEST_CASE("neon_i8mm is refused on a CPU without matrix products of 8-bit integers") {
  const CpuFeatures cpu = detect_cpu_features();
  const HearthKernels* kernels = nullptr;
  const Status status = select_kernels("neon_i8mm", &kernels);
  CHECK(status.ok() == (cpu.dotprod && cpu.i8mm));
  if (!status.ok()) CHECK(status.message().find(cpu.dotprod ? "i8mm" : "asimddp") != std::string::npos);
}
#endif

}  // namespace hearth
