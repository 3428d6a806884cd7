// Activation functions, convolution and the gated delta rule: ref against double precision, every other set against
// ref, bit for bit.
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels_float_support.h"

namespace hearth {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Values from underflow to overflow; the specials first where there is room for them.
void fill_wide(GuardedBuffer<float>& x, Random& random, float limit) {
  for (float& v : x) v = random.uniform(-limit, limit);
  const float special[] = {0.0f, -0.0f, 1e-40f, -1e-40f, 87.5f, -87.5f, 88.5f, -88.5f, 1e15f, -1e15f, kInfinity, kNaN};
  if (x.size() >= 15) std::memcpy(x.data(), special, sizeof special);
}

bool near(float actual, double expected, double relative, double absolute) {
  return std::fabs(actual - expected) <= relative * std::fabs(expected) + absolute;
}

// Compares ref with `expected(x, y)` in double precision on moderate values, and all sets with ref on wide ones.
template <class Compute, class Expected>
void check_function(Compute compute, Expected expected) {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), y(n), z(n);
    for (float& v : x) v = random.uniform(-20.0f, 20.0f);
    fill(y, random, 3.0f);
    std::memcpy(z.data(), x.data(), n * sizeof(float));
    compute(ref_kernels(), z.data(), y.data(), n);
    for (size_t i = 0; i < n; ++i) {
      CAPTURE(x[i]);
      CHECK(near(z[i], expected(x[i], y[i]), 2e-6, 1e-12));
    }
    fill_wide(x, random, 100.0f);
    expect_like_ref(x, [&](const HearthKernels& kernels, float* in_place) { compute(kernels, in_place, y.data(), n); });
  }
}

}  // namespace

TEST_CASE("gelu_mul is the tanh form of gelu times y") {
  check_function([](const HearthKernels& k, float* x, const float* y, size_t n) { k.gelu_mul(x, y, n); },
                 [](double x, double y) {
                   const double u = std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
                   return x / (1 + std::exp(-2 * u)) * y;
                 });
}

TEST_CASE("sigmoid_mul gates, and is silu of itself") {
  check_function([](const HearthKernels& k, float* x, const float* y, size_t n) { k.sigmoid_mul(x, y, n); },
                 [](double x, double y) { return x / (1 + std::exp(-y)); });
  check_function([](const HearthKernels& k, float* x, const float*, size_t n) { k.sigmoid_mul(x, x, n); },
                 [](double x, double) { return x / (1 + std::exp(-x)); });
}

TEST_CASE("softcap bends values towards its limit") {
  for (const float cap : {5.0f, 30.0f}) {
    for (const size_t n : odd_sizes()) {
      Random random(static_cast<uint32_t>(n));
      GuardedBuffer<float> x(n), z(n);
      for (float& v : x) v = random.uniform(-60.0f, 60.0f);
      std::memcpy(z.data(), x.data(), n * sizeof(float));
      ref_kernels().softcap(z.data(), cap, n);
      for (size_t i = 0; i < n; ++i) CHECK(near(z[i], cap * std::tanh(static_cast<double>(x[i]) / cap), 1e-6, 1e-5));
      fill_wide(x, random, 100.0f);
      expect_like_ref(x, [&](const HearthKernels& k, float* in_place) { k.softcap(in_place, cap, n); });
    }
  }
}

TEST_CASE("softmax sums to one and keeps ratios") {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), z(n);
    for (float& v : x) v = random.uniform(-8.0f, 8.0f);
    std::memcpy(z.data(), x.data(), n * sizeof(float));
    ref_kernels().softmax(z.data(), n);
    double total = 0;
    for (const float v : x) total += std::exp(static_cast<double>(v));
    for (size_t i = 0; i < n; ++i) CHECK(near(z[i], std::exp(static_cast<double>(x[i])) / total, 3e-6, 1e-12));
    expect_like_ref(x, [&](const HearthKernels& k, float* in_place) { k.softmax(in_place, n); });
    fill_wide(x, random, 100.0f);
    if (n >= 15) x[11] = 1.0f, x[10] = 2.0f;  // a NaN's or infinity's place in a maximum is nobody's promise
    expect_like_ref(x, [&](const HearthKernels& k, float* in_place) { k.softmax(in_place, n); });
  }
}

TEST_CASE("l2_norm gives length one, and leaves what is shorter than eps small") {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), z(n);
    fill(x, random, 4.0f);
    std::memcpy(z.data(), x.data(), n * sizeof(float));
    ref_kernels().l2_norm(z.data(), n, 1e-6f);
    double squares = 0;
    for (const float v : x) squares += static_cast<double>(v) * v;
    for (size_t i = 0; i < n; ++i) CHECK(near(z[i], x[i] / std::sqrt(squares), 1e-6, 0));
    expect_like_ref(x, [&](const HearthKernels& k, float* in_place) { k.l2_norm(in_place, n, 1e-6f); });
    for (float& v : z) v = 0;
    ref_kernels().l2_norm(z.data(), n, 1e-6f);
    CHECK(std::accumulate(z.begin(), z.end(), 0.0f) == 0.0f);
  }
}

TEST_CASE("mul and scale multiply") {
  check_function([](const HearthKernels& k, float* x, const float* y, size_t n) { k.mul(x, y, n); },
                 [](double x, double y) { return x * y; });
  check_function([](const HearthKernels& k, float* x, const float*, size_t n) { k.scale(x, -1.75f, n); },
                 [](double x, double) { return x * -1.75; });
}

TEST_CASE("a convolution looks back, oldest tap first") {
  for (const size_t taps : {1, 3, 4}) {
    for (const size_t n : odd_sizes()) {
      Random random(static_cast<uint32_t>(n + taps));
      GuardedBuffer<float> inputs(n * taps), filter(n * taps), y(n);
      fill(inputs, random);
      fill(filter, random);
      std::vector<const float*> rows;
      for (size_t t = 0; t < taps; ++t) rows.push_back(inputs.data() + t * n);
      ref_kernels().convolve(rows.data(), filter.data(), taps, n, y.data());
      for (size_t c = 0; c < n; ++c) {
        double sum = 0;
        for (size_t t = 0; t < taps; ++t) sum += static_cast<double>(filter[c * taps + t]) * inputs[t * n + c];
        CHECK(near(y[c], sum, 1e-6, 1e-6));
      }
      expect_like_ref(
          y, [&](const HearthKernels& k, float* out) { k.convolve(rows.data(), filter.data(), taps, n, out); });
    }
  }
}

TEST_CASE("delta_decay is exp(a * softplus(x + dt))") {
  for (const size_t n : odd_sizes()) {
    Random random(static_cast<uint32_t>(n));
    GuardedBuffer<float> x(n), dt(n), a(n), z(n);
    for (float& v : x) v = random.uniform(-30.0f, 30.0f);
    fill(dt, random);
    for (float& v : a) v = random.uniform(-2.0f, 0.0f);
    std::memcpy(z.data(), x.data(), n * sizeof(float));
    ref_kernels().delta_decay(z.data(), dt.data(), a.data(), n);
    for (size_t i = 0; i < n; ++i) {
      const double u = static_cast<double>(x[i]) + dt[i];
      CHECK(near(z[i], std::exp(a[i] * (u > 30 ? u : std::log1p(std::exp(u)))), 2e-5, 1e-12));
    }
    expect_like_ref(x,
                    [&](const HearthKernels& k, float* in_place) { k.delta_decay(in_place, dt.data(), a.data(), n); });
  }
}

TEST_CASE("the delta rule recalls, corrects and reads its state, in place or not, from zeros or not") {
  for (const size_t d_k : {1, 16, 33, 64}) {
    for (const size_t d_v : {16, 32, 48, 64}) {
      Random random(static_cast<uint32_t>(d_k * 100 + d_v));
      GuardedBuffer<float> state(d_k * d_v), q(d_k), k(d_k), v(d_v);
      fill(state, random, 0.5f);
      fill(q, random);
      fill(k, random, 0.3f);
      fill(v, random);
      const HearthDelta token{q.data(), k.data(), v.data(), d_k, d_v, 0.9f, 0.7f};
      for (const bool from_zeros : {false, true}) {
        // The output follows the state in one buffer, so that both are compared.
        GuardedBuffer<float> result(d_k * d_v + d_v);
        const float* before = from_zeros ? nullptr : state.data();
        ref_kernels().delta_rule(&token, before, result.data(), result.data() + d_k * d_v);
        for (size_t j = 0; j < d_v; ++j) {
          double recalled = 0, read = 0;
          for (size_t i = 0; i < d_k; ++i) recalled += from_zeros ? 0 : 0.9 * state[i * d_v + j] * k[i];
          for (size_t i = 0; i < d_k; ++i) {
            const double old = from_zeros ? 0 : 0.9 * state[i * d_v + j];
            const double updated = old + k[i] * 0.7 * (v[j] - recalled);
            CHECK(near(result[i * d_v + j], updated, 1e-5, 1e-5));
            read += updated * q[i];
          }
          CHECK(near(result[d_k * d_v + j], read, 1e-5, 1e-4));
        }
        expect_like_ref(result, [&](const HearthKernels& kernels, float* out) {
          kernels.delta_rule(&token, before, out, out + d_k * d_v);
        });
        if (from_zeros) continue;
        std::memcpy(result.data(), state.data(), state.size() * sizeof(float));
        expect_like_ref(result, [&](const HearthKernels& kernels, float* out) {
          kernels.delta_rule(&token, out, out, out + d_k * d_v);
        });
      }
    }
  }
}

}  // namespace hearth
