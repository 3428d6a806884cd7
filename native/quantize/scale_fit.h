// Blocks with one scale: x = d * q, q one of the values of `Levels`. Finds the scales with the least squared error.
//
// With q fixed, sum (x - dq)^2 is least at d = sum(xq) / sum(qq), and then sum(xx) - sum(xq)^2 / sum(qq). So each
// candidate scale says how to round, the rounding says which scale is best for it, and both are repeated from the best
// candidate while the error falls (Lloyd's method: Lloyd 1982, "Least squares quantization in PCM").
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/blocks.h"
#include "quantize/half.h"
#include "quantize/levels.h"

namespace hearth::quantize {

struct ScaleMoments {
  float xq = 0, qq = 0;
  float gain() const { return qq > 0 ? xq * xq / qq : 0.0f; }  // by which the best scale lowers the error
  float scale() const { return qq > 0 ? xq / qq : 0.0f; }
};

template <class Levels, size_t N>
ScaleMoments scale_moments(const float* x, float scale) {
  const float inverse = inverse_of(scale);
  Sum xq, qq;
  for (size_t i = 0; i < N; i += Sum::kLanes) {
    for (size_t lane = 0; lane < Sum::kLanes; ++lane) {
      const float q = Levels::nearest(x[i + lane] * inverse);
      xq[lane] += x[i + lane] * q;
      qq[lane] += q * q;
    }
  }
  return {xq.total(), qq.total()};
}

template <class Levels, size_t N>
float scale_error(const float* x, float scale) {
  const float inverse = inverse_of(scale);
  Sum error;
  for (size_t i = 0; i < N; i += Sum::kLanes) {
    for (size_t lane = 0; lane < Sum::kLanes; ++lane) {
      const float rest = x[i + lane] - scale * Levels::nearest(x[i + lane] * inverse);
      error[lane] += rest * rest;
    }
  }
  return error.total();
}

template <class Levels, size_t N>
void round_to_levels(const float* x, float scale, int8_t* q) {
  const float inverse = inverse_of(scale);
  for (size_t i = 0; i < N; ++i) q[i] = static_cast<int8_t>(Levels::nearest(x[i] * inverse));
}

template <size_t N>
float largest_magnitude(const float* x) {
  float largest = 0;
  for (size_t i = 0; i < N; ++i) largest = std::max(largest, std::fabs(x[i]));
  return largest;
}

// Candidates place the largest weight from `from` to `to` of the way to the outermost level: below 1 levels stay
// unused, above 1 it is cut off, in favour of the many small ones.
struct ScaleSearch {
  float from = 0.75f, to = 1.25f;
  int candidates = 24;
  int rounds = 3;  // of Lloyd's method
};

// The best scale of x[N] in float32: 0 for zeros. Negative scales count where the levels are not symmetric.
template <class Levels, size_t N>
float fit_scale(const float* x, const ScaleSearch& search = {}) {
  const float largest = largest_magnitude<N>(x);
  if (inverse_of(largest) == 0.0f) return 0.0f;
  constexpr bool kSymmetric = Levels::kLow == -Levels::kHigh;
  constexpr float kExtent = std::max(-Levels::kLow, Levels::kHigh);

  ScaleMoments best;
  for (int i = 0; i < search.candidates; ++i) {
    const float place =
        search.from + (search.to - search.from) * static_cast<float>(i) / static_cast<float>(search.candidates - 1);
    for (const float sign : {1.0f, -1.0f}) {
      if (kSymmetric && sign < 0) break;
      const ScaleMoments moments = scale_moments<Levels, N>(x, sign * largest / (kExtent * place));
      if (moments.gain() > best.gain()) best = moments;
    }
  }
  for (int round = 0; round < search.rounds; ++round) {
    const ScaleMoments moments = scale_moments<Levels, N>(x, best.scale());
    if (!(moments.gain() > best.gain())) break;
    best = moments;
  }
  return best.scale();
}

// A unit d so that integers `low` to `high` times it come close to `values`: the squared distances, weighted, are
// least.
inline float fit_unit(std::span<const float> values, std::span<const float> weights, int low, int high) {
  float largest = 0;  // with its sign
  for (const float value : values) {
    if (std::fabs(value) > std::fabs(largest)) largest = value;
  }
  if (inverse_of(largest) == 0.0f) return 0.0f;
  // The limit of larger magnitude takes the largest value.
  const auto limit = static_cast<float>(-low > high ? low : high);
  constexpr int kCandidates = 48;
  constexpr float kFrom = 0.6f, kTo = 1.05f;  // of the limit that the largest value takes
  float best = largest / limit, least = INFINITY;
  for (int i = 0; i <= kCandidates; ++i) {
    const float unit = largest / (limit * (kTo + (kFrom - kTo) * static_cast<float>(i) / kCandidates));
    const float inverse = inverse_of(unit);
    float error = 0;
    for (size_t j = 0; j < values.size(); ++j) {
      const float n = round_to_integer(clamp(values[j] * inverse, static_cast<float>(low), static_cast<float>(high)));
      const float rest = values[j] - unit * n;
      error += weights[j] * rest * rest;
    }
    if (error < least) least = error, best = unit;
  }
  return best;
}

// 256 weights in sub-blocks of N, each with an integer scale: x = d * scale * q.
template <size_t N>
struct ScaledBlock {
  static constexpr size_t kSubBlocks = HEARTH_SUPER_BLOCK / N;
  uint16_t d = 0;  // f16
  std::array<int8_t, kSubBlocks> scales{};
  std::array<int8_t, HEARTH_SUPER_BLOCK> q{};
};

// Scales from Low to High. First each sub-block's best scale by itself, then the unit that suits them; from there unit
// and integers are improved in turn, each with the others fixed, while the error falls.
template <class Levels, size_t N, int Low, int High>
ScaledBlock<N> fit_scaled_block(const float* x, const ScaleSearch& search = {}) {
  constexpr size_t kSubBlocks = ScaledBlock<N>::kSubBlocks;
  constexpr int kRounds = 4;
  ScaledBlock<N> block;
  std::array<float, kSubBlocks> ideal, weights;
  for (size_t j = 0; j < kSubBlocks; ++j) {
    ideal[j] = fit_scale<Levels, N>(x + j * N, search);
    weights[j] = scale_moments<Levels, N>(x + j * N, ideal[j]).qq;
  }
  uint16_t d = half_of(fit_unit(ideal, weights, Low, High));
  std::array<int8_t, kSubBlocks> scales{};
  const float inverse = inverse_of(float_of_half(d));
  for (size_t j = 0; j < kSubBlocks; ++j) {
    scales[j] = static_cast<int8_t>(round_to_integer(clamp(ideal[j] * inverse, Low, High)));
  }

  float least = INFINITY;
  for (int round = 0; round < kRounds; ++round) {
    const float unit = float_of_half(d);
    float error = 0;
    double xq = 0, qq = 0;
    for (size_t j = 0; j < kSubBlocks; ++j) {
      float sub_least = INFINITY;
      const int middle = scales[j];
      for (int scale = std::max(Low, middle - 1); scale <= std::min(High, middle + 1); ++scale) {
        const float sub_error = scale_error<Levels, N>(x + j * N, unit * static_cast<float>(scale));
        if (sub_error < sub_least) sub_least = sub_error, scales[j] = static_cast<int8_t>(scale);
      }
      error += sub_least;
      const ScaleMoments moments = scale_moments<Levels, N>(x + j * N, unit * static_cast<float>(scales[j]));
      xq += static_cast<double>(scales[j]) * moments.xq;
      qq += static_cast<double>(scales[j]) * scales[j] * moments.qq;
    }
    if (!(error < least)) break;
    least = error;
    block.d = d;
    block.scales = scales;
    if (qq > 0) d = half_of(static_cast<float>(xq / qq));
  }
  for (size_t j = 0; j < kSubBlocks; ++j) {
    round_to_levels<Levels, N>(x + j * N, float_of_half(block.d) * static_cast<float>(block.scales[j]),
                               &block.q[j * N]);
  }
  return block;
}

}  // namespace hearth::quantize
