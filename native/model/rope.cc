#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth {
namespace {

// The pair (as a real number) that turns `rotations` times over the trained context.
double pair_of_rotations(const RopeOptions& o, double rotations) {
  return o.n_dims * std::log(o.original_context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(o.freq_base));
}

// 1 where a pair keeps its frequency, 0 where it is interpolated, a ramp between.
double yarn_ramp(const RopeOptions& o, size_t pair) {
  const double low = std::max(0.0, std::floor(pair_of_rotations(o, o.yarn_beta_fast)));
  const double high = std::min(o.n_dims - 1.0, std::ceil(pair_of_rotations(o, o.yarn_beta_slow)));
  return 1 - std::clamp((static_cast<double>(pair) - low) / std::max(0.001, high - low), 0.0, 1.0);
}

}  // namespace

Rope::Rope(const RopeOptions& o) : pairs_(o.pairs), frequencies_(o.n_dims / 2), magnitude_(o.attention_factor) {
  const bool yarn = o.scaling == RopeOptions::Scaling::yarn;
  const double scale = o.scaling == RopeOptions::Scaling::none ? 1.0 : 1.0 / o.factor;
  for (size_t pair = 0; pair < frequencies_.size(); ++pair) {
    double frequency = std::pow(o.freq_base, -2.0 * static_cast<double>(pair) / o.n_dims);
    if (!o.freq_factors.empty()) frequency /= o.freq_factors[pair];
    const double keep = yarn ? yarn_ramp(o, pair) * o.yarn_ext_factor : 0.0;
    frequencies_[pair] = frequency * (scale * (1 - keep) + keep);
  }
  if (yarn && o.yarn_ext_factor != 0) {
    const double log_factor = 0.1 * std::log(1.0 / scale);
    magnitude_ *= (1.0 + log_factor) / (1.0 + o.yarn_log_multiplier * log_factor);
  }
}

void Rope::rotation(int32_t position, float* cos, float* sin) const {
  for (size_t pair = 0; pair < frequencies_.size(); ++pair) {
    const double angle = position * frequencies_[pair];
    cos[pair] = static_cast<float>(std::cos(angle) * magnitude_);
    sin[pair] = static_cast<float>(std::sin(angle) * magnitude_);
  }
}

}  // namespace hearth
