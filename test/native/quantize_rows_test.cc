// The loss of quantizing, by type, and rows that no model should have.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "gguf/random_blocks.h"
#include "gguf/types.h"
#include "kernels/dispatch.h"
#include "quantize/rows.h"

namespace hearth {
namespace {

// The largest loss on weights of a normal distribution, sum of squared errors by sum of squares: the search reaches it
// less 2 %, and a plain rounding by the largest weight of each block is far from it.
struct Loss {
  HearthType type;
  double most;
};
constexpr Loss kLosses[] = {
    {HEARTH_TYPE_Q8_0, 2.36e-5},   {HEARTH_TYPE_Q6_K, 2.78e-4},   {HEARTH_TYPE_Q5_1, 1.22e-3},
    {HEARTH_TYPE_Q5_0, 1.65e-3},   {HEARTH_TYPE_Q5_K, 1.22e-3},   {HEARTH_TYPE_Q4_1, 5.03e-3},
    {HEARTH_TYPE_Q4_0, 6.75e-3},   {HEARTH_TYPE_Q4_K, 5.05e-3},   {HEARTH_TYPE_Q3_K, 2.11e-2},
    {HEARTH_TYPE_IQ4_NL, 5.52e-3}, {HEARTH_TYPE_IQ4_XS, 5.58e-3}, {HEARTH_TYPE_Q2_K, 6.9e-2},
};

constexpr size_t kRow = 4096;

// Deviation 1; the same everywhere, which the distributions of the standard library are not.
std::vector<float> normal_weights(size_t n) {
  SplitMix64 random(7);
  std::vector<float> x(n);
  for (float& value : x) {
    double sum = 0;  // of twelve uniform numbers, less six: close enough
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.next() >> 11) * 0x1p-53;
    value = static_cast<float>(sum - 6);
  }
  return x;
}

std::vector<float> through(HearthType type, const std::vector<float>& x) {
  const HearthKernels* kernels = nullptr;
  REQUIRE(select_kernels("ref", &kernels).ok());
  uint64_t n_bytes = 0;
  REQUIRE(row_size(type, x.size(), &n_bytes));
  std::vector<uint8_t> blocks(n_bytes + 1);
  const quantize::QuantizeRow quantize_row = quantize::quantize_row(type);
  REQUIRE(static_cast<bool>(quantize_row));
  quantize_row(x.data(), x.size(), blocks.data() + 1);  // at an odd address
  std::vector<float> y(x.size());
  kernels->dequantize[type](blocks.data() + 1, y.size(), y.data());
  return y;
}

double loss(const std::vector<float>& x, const std::vector<float>& y) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
    norm += std::pow(static_cast<double>(x[i]), 2);
  }
  return error / norm;
}

}  // namespace

TEST_CASE("quantize: every type loses no more than its levels must") {
  const std::vector<float> x = normal_weights(16 * kRow);
  for (const Loss& bound : kLosses) {
    const HearthType type = bound.type;
    const double most = bound.most;
    CAPTURE(type_name(type));
    const double lost = loss(x, through(type, x));
    CHECK(lost <= most);
    CHECK(lost > most / 2);  // else the bound has grown loose
  }
}

TEST_CASE("quantize: weights that blocks can hold exactly are kept, whatever their scale") {
  for (const Loss& bound : kLosses) {
    const HearthType type = bound.type;
    const double most = bound.most;
    CAPTURE(type_name(type));
    const std::vector<float> once = through(type, normal_weights(kRow));
    CHECK(loss(once, through(type, once)) < most / 4);
  }
  std::vector<float> steps(kRow);
  for (size_t i = 0; i < kRow; ++i) steps[i] = 0.125f * static_cast<float>(static_cast<int>(i % 16) - 8);
  for (const HearthType type : {HEARTH_TYPE_Q4_0, HEARTH_TYPE_Q4_1, HEARTH_TYPE_Q5_0}) {
    CAPTURE(type_name(type));
    CHECK(through(type, steps) == steps);
  }
}

TEST_CASE("quantize: rows of zeros, constants, outliers, tiny and huge weights stay finite and close") {
  const auto row_of = [](auto value) {
    std::vector<float> x(512);
    for (size_t i = 0; i < x.size(); ++i) x[i] = value(i);
    return x;
  };
  const std::vector<float> zeros(512), ones(512, 1.0f), negative(512, -3.5f);
  const std::vector<float> outlier = row_of([](size_t i) { return i == 300 ? 1000.0f : 0.01f; });
  const std::vector<float> tiny = row_of([](size_t i) { return (i % 2 ? 1 : -1) * 1e-42f; });
  const std::vector<float> huge = row_of([](size_t i) { return (i % 2 ? 1.0f : -1.0f) * quantize::kLargestWeight; });
  for (const Loss& bound : kLosses) {
    const HearthType type = bound.type;
    CAPTURE(type_name(type));
    CHECK(through(type, zeros) == zeros);
    CHECK(loss(ones, through(type, ones)) < 1e-3);
    CHECK(loss(negative, through(type, negative)) < 1e-3);
    CHECK(loss(outlier, through(type, outlier)) < 2e-3);  // IQ4 has no level at zero
    for (const std::vector<float>& x : {tiny, huge}) {
      for (const float y : through(type, x)) CHECK(std::isfinite(y));
    }
  }
}

TEST_CASE("quantize: floats round to nearest even, and too large a one becomes the largest") {
  CHECK(through(HEARTH_TYPE_F32, {1.1f, -0.0f}) == std::vector<float>{1.1f, -0.0f});
  CHECK(through(HEARTH_TYPE_F16, {1.0f + 0x1p-11f, 1.0f + 0x3p-11f, -1e9f}) ==
        std::vector<float>{1.0f, 1.0f + 0x1p-9f, -65504.0f});
  CHECK(through(HEARTH_TYPE_BF16, {1.0f + 0x1p-8f, 1.0f + 0x3p-8f}) == std::vector<float>{1.0f, 1.0f + 0x1p-6f});
}

}  // namespace hearth
