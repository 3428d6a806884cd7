// RoPE's angles against the formulas of the papers, worked out by hand for a few pairs.
#include "model/rope.h"

#include <doctest/doctest.h>

#include <cmath>

using hearth::Rope;
using hearth::RopeOptions;

namespace {

// The angle of a pair at a position, from its cosine and sine.
double angle(const Rope& rope, int32_t position, size_t pair) {
  std::vector<float> cos(rope.n_pairs()), sin(rope.n_pairs());
  rope.rotation(position, cos.data(), sin.data());
  return std::atan2(sin[pair], cos[pair]);
}

}  // namespace

TEST_CASE("pair i turns by base^(-2i/n) a token") {
  const Rope rope(RopeOptions{.n_dims = 4, .freq_base = 100.0});
  CHECK(angle(rope, 0, 0) == doctest::Approx(0));
  CHECK(angle(rope, 2, 0) == doctest::Approx(2.0));
  CHECK(angle(rope, 2, 1) == doctest::Approx(0.2));
}

TEST_CASE("linear scaling stretches all pairs") {
  const Rope rope(RopeOptions{.n_dims = 4, .freq_base = 100.0, .scaling = RopeOptions::Scaling::linear, .factor = 4.0});
  CHECK(angle(rope, 2, 0) == doctest::Approx(0.5));
  CHECK(angle(rope, 2, 1) == doctest::Approx(0.05));
}

TEST_CASE("frequency factors divide each pair's frequency") {
  const float factors[] = {1.0f, 8.0f};
  const Rope rope(RopeOptions{.n_dims = 4, .freq_base = 100.0, .freq_factors = factors});
  CHECK(angle(rope, 2, 0) == doctest::Approx(2.0));
  CHECK(angle(rope, 2, 1) == doctest::Approx(0.025));
}

TEST_CASE("YaRN keeps the fast pairs, stretches the slow ones and raises the magnitude") {
  const Rope rope(RopeOptions{.n_dims = 64,
                              .freq_base = 10000.0,
                              .scaling = RopeOptions::Scaling::yarn,
                              .factor = 4.0,
                              .original_context = 1024});
  CHECK(angle(rope, 1, 0) == doctest::Approx(1.0));
  const double slowest = std::pow(10000.0, -62.0 / 64.0);
  CHECK(angle(rope, 100, 31) == doctest::Approx(100 * slowest / 4));
  std::vector<float> cos(32), sin(32);
  rope.rotation(0, cos.data(), sin.data());
  CHECK(cos[0] == doctest::Approx(1 + 0.1 * std::log(4.0)));
}

TEST_CASE("YaRN's magnitude is taken back by as much as the attention has of it") {
  RopeOptions options{.n_dims = 4, .scaling = RopeOptions::Scaling::yarn, .factor = 8.0, .original_context = 64};
  const auto magnitude = [](const Rope& rope) {
    std::vector<float> cos(rope.n_pairs()), sin(rope.n_pairs());
    rope.rotation(0, cos.data(), sin.data());
    return cos[0];
  };
  CHECK(magnitude(Rope(options)) == doctest::Approx(1 + 0.1 * std::log(8.0)));
  options.yarn_log_multiplier = 1.0;
  CHECK(magnitude(Rope(options)) == doctest::Approx(1.0));
}
