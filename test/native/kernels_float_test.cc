// The float kernels and the quantizer: ref against double precision, every other set against ref, bit for bit.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels_float_support.h"

namespace hearth {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("rms_norm divides by the root of the mean square") {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), w(n), y(n);
    fill(x, random, 3.0f);
    fill(w, random);
    double squares = 0;
    for (const float v : std::vector<float>(x.begin(), x.end())) squares += static_cast<double>(v) * v;
    ref_kernels().rms_norm(x.data(), w.data(), n, 1e-5f, y.data());
    for (size_t i = 0; i < n; ++i) {
      const double expected = x[i] / std::sqrt(squares / static_cast<double>(n) + 1e-5) * w[i];
      CHECK(std::fabs(y[i] - expected) <= 1e-6 * std::fabs(expected));
    }
    expect_like_ref(x, [&](const HearthKernels& kernels, float* in_place) {
      kernels.rms_norm(in_place, w.data(), n, 1e-5f, in_place);
    });
  }
}

TEST_CASE("add adds") {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), y(n), sum(n);
    fill(x, random);
    fill(y, random);
    std::memcpy(sum.data(), x.data(), n * sizeof(float));
    ref_kernels().add(sum.data(), y.data(), n);
    for (size_t i = 0; i < n; ++i) CHECK(sum[i] == x[i] + y[i]);
    expect_like_ref(x, [&](const HearthKernels& kernels, float* in_place) { kernels.add(in_place, y.data(), n); });
  }
}

TEST_CASE("silu_mul is x / (1 + exp(-x)) times y, from underflow to overflow") {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), y(n), z(n);
    for (float& v : x) v = random.uniform(-100.0f, 100.0f);
    fill(y, random);
    if (n >= 15) {
      const float special[] = {0.0f,  -0.0f,  1e-40f, -1e-40f, 87.5f,     -87.5f,
                               88.5f, -88.5f, 1e30f,  -1e30f,  kInfinity, kNaN};
      std::memcpy(x.data(), special, sizeof special);
    }
    std::memcpy(z.data(), x.data(), n * sizeof(float));
    ref_kernels().silu_mul(z.data(), y.data(), n);
    for (size_t i = 0; i < n; ++i) {
      const double expected = static_cast<double>(x[i]) / (1.0 + std::exp(-static_cast<double>(x[i]))) * y[i];
      if (std::isfinite(expected) && x[i] > -1e30f) {
        CHECK(std::fabs(z[i] - expected) <= 1e-6 * std::fabs(expected) + 1e-34);
      } else if (x[i] != x[i]) {
        CHECK(z[i] != z[i]);
      }
    }
    expect_like_ref(x, [&](const HearthKernels& kernels, float* in_place) { kernels.silu_mul(in_place, y.data(), n); });
  }
}

TEST_CASE("rope rotates neighbours or halves") {
  for (const size_t pairs : odd_sizes()) {
    Random random(static_cast<uint32_t>(pairs));
    GuardedBuffer<float> x(2 * pairs), cosines(pairs), sines(pairs), interleaved(2 * pairs), halves(2 * pairs);
    fill(x, random);
    for (size_t i = 0; i < pairs; ++i) {
      const float angle = random.uniform(-10.0f, 10.0f);
      cosines[i] = std::cos(angle);
      sines[i] = std::sin(angle);
    }
    std::memcpy(interleaved.data(), x.data(), x.size() * sizeof(float));
    std::memcpy(halves.data(), x.data(), x.size() * sizeof(float));
    ref_kernels().rope_interleaved(interleaved.data(), cosines.data(), sines.data(), 2 * pairs);
    ref_kernels().rope_halves(halves.data(), cosines.data(), sines.data(), 2 * pairs);
    for (size_t i = 0; i < pairs; ++i) {
      const double c = cosines[i], s = sines[i];
      CHECK(interleaved[2 * i] == doctest::Approx(x[2 * i] * c - x[2 * i + 1] * s).epsilon(1e-5));
      CHECK(interleaved[2 * i + 1] == doctest::Approx(x[2 * i] * s + x[2 * i + 1] * c).epsilon(1e-5));
      CHECK(halves[i] == doctest::Approx(x[i] * c - x[i + pairs] * s).epsilon(1e-5));
      CHECK(halves[i + pairs] == doctest::Approx(x[i] * s + x[i + pairs] * c).epsilon(1e-5));
    }
    expect_like_ref(x, [&](const HearthKernels& kernels, float* in_place) {
      kernels.rope_interleaved(in_place, cosines.data(), sines.data(), 2 * pairs);
    });
    expect_like_ref(x, [&](const HearthKernels& kernels, float* in_place) {
      kernels.rope_halves(in_place, cosines.data(), sines.data(), 2 * pairs);
    });
  }
}

TEST_CASE("f16 to f32 and back is the identity for every finite half") {
  std::vector<uint16_t> halves, back(65536);
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    if ((bits >> 10 & 31) != 31) halves.push_back(static_cast<uint16_t>(bits));
  }
  std::vector<float> floats(halves.size());
  ref_kernels().dequantize[HEARTH_TYPE_F16](halves.data(), halves.size(), floats.data());
  ref_kernels().f32_to_f16(floats.data(), floats.size(), back.data());
  CHECK(std::memcmp(back.data(), halves.data(), halves.size() * sizeof(uint16_t)) == 0);
}

TEST_CASE("f32 to f16 rounds to nearest, ties to even, in every set") {
  const auto convert = [](float x) {
    uint16_t half = 0;
    ref_kernels().f32_to_f16(&x, 1, &half);
    return half;
  };
  CHECK(convert(1.0f + 0x1p-11f) == 0x3c00);             // a tie goes to the even mantissa
  CHECK(convert(1.0f + 3 * 0x1p-11f) == 0x3c02);         // and here up
  CHECK(convert(1.0f + 0x1p-11f + 0x1p-20f) == 0x3c01);  // above the tie
  CHECK(convert(65519.0f) == 0x7bff);
  CHECK(convert(65520.0f) == 0x7c00);  // a tie at the end of the range becomes infinity
  CHECK(convert(-kInfinity) == 0xfc00);
  CHECK(convert(0x1p-24f) == 0x0001);
  CHECK(convert(0x1p-25f) == 0x0000);  // half of the smallest: a tie to zero
  CHECK(convert(0x1.8p-25f) == 0x0001);
  CHECK(convert(0x1.ff8p-15f) == 0x03ff);  // the largest subnormal
  CHECK(convert(0x1.fffp-15f) == 0x0400);  // rounds up to the smallest normal number

  Random random(5);
  for (const size_t n : {1, 5, 16, 17, 31, 48, 5000}) {
    GuardedBuffer<float> x(n);
    GuardedBuffer<uint16_t> expected(n), actual(n);
    for (float& v : x) {
      const uint32_t bits = (random.bits() & 0x807fffff) | static_cast<uint32_t>(random.between(95, 145)) << 23;
      std::memcpy(&v, &bits, sizeof v);
    }
    ref_kernels().f32_to_f16(x.data(), n, expected.data());
    for (const HearthKernels* kernels : vector_kernels()) {
      CAPTURE(kernels->name);
      kernels->f32_to_f16(x.data(), n, actual.data());
      CHECK(std::memcmp(expected.data(), actual.data(), n * sizeof(uint16_t)) == 0);
    }
  }
}

namespace {

struct Quantized {
  explicit Quantized(size_t n) : q(n), d(n / 32), sum(n / 32) {}
  bool equals(const Quantized& other) const {
    return std::memcmp(q.data(), other.q.data(), q.size()) == 0 && same_bits(d.data(), other.d.data(), d.size()) &&
           std::memcmp(sum.data(), other.sum.data(), sum.size() * sizeof(int32_t)) == 0;
  }
  GuardedBuffer<int8_t> q;
  GuardedBuffer<float> d;
  GuardedBuffer<int32_t> sum;
};

void expect_quantized_like_ref(const GuardedBuffer<float>& x) {
  Quantized expected(x.size()), actual(x.size());
  ref_kernels().quantize_q8(x.data(), x.size(), expected.q.data(), expected.d.data(), expected.sum.data());
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    kernels->quantize_q8(x.data(), x.size(), actual.q.data(), actual.d.data(), actual.sum.data());
    CHECK(actual.equals(expected));
  }
}

}  // namespace

TEST_CASE("quantize_q8 stays within half a step, and its sums are those of its quants") {
  Random random(11);
  GuardedBuffer<float> x(320);
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.normal() * std::pow(10.0f, static_cast<float>(i / 32) * 4 - 20);
  Quantized out(x.size());
  ref_kernels().quantize_q8(x.data(), x.size(), out.q.data(), out.d.data(), out.sum.data());
  for (size_t b = 0; b < x.size() / 32; ++b) {
    int32_t sum = 0;
    for (size_t i = 32 * b; i < 32 * b + 32; ++i) {
      CHECK(std::fabs(x[i] - out.d[b] * out.q[i]) <= 0.5001f * out.d[b]);
      CHECK(std::abs(out.q[i]) <= 127);
      sum += out.q[i];
    }
    CHECK(out.sum[b] == sum);
  }
  expect_quantized_like_ref(x);
}

TEST_CASE("quantize_q8 rounds ties to even") {
  GuardedBuffer<float> x(32);
  for (size_t i = 0; i < 32; ++i) x[i] = static_cast<float>(i) - 15.5f;
  x[0] = 127.0f;  // so that the scale is one
  Quantized out(32);
  ref_kernels().quantize_q8(x.data(), 32, out.q.data(), out.d.data(), out.sum.data());
  CHECK(out.d[0] == 1.0f);
  CHECK(out.q[1] == -14);  // -14.5
  CHECK(out.q[2] == -14);  // -13.5
  CHECK(out.q[15] == 0);   // -0.5
  CHECK(out.q[17] == 2);   // 1.5
  expect_quantized_like_ref(x);
}

TEST_CASE("quantize_q8 keeps zeros, subnormals and what is not finite apart") {
  GuardedBuffer<float> x(5 * 32);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 5) - 2.0f;
  for (size_t i = 0; i < 32; ++i) x[i] = i % 2 == 0 ? 0.0f : -0.0f;
  for (size_t i = 32; i < 64; ++i) x[i] = 1e-41f * static_cast<float>(i);
  x[70] = kInfinity;
  x[100] = kNaN;
  Quantized out(x.size());
  ref_kernels().quantize_q8(x.data(), x.size(), out.q.data(), out.d.data(), out.sum.data());
  for (size_t i = 0; i < 128; ++i) CHECK(out.q[i] == 0);
  CHECK(out.d[0] == 0.0f);
  CHECK(out.d[1] == 0.0f);
  CHECK(out.d[2] == kInfinity);
  CHECK(out.d[3] != out.d[3]);
  CHECK(out.d[4] == 2.0f / 127.0f);
  expect_quantized_like_ref(x);
}

}  // namespace hearth
