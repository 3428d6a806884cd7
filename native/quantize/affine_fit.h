// Blocks with a scale and a minimum: x = scale * q - minimum, q from 0 to `Max`. Finds the pair with the least squared
// error, as scale_fit.h does for the scale alone: with q fixed, the best pair is a linear regression of x on q.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "quantize/scale_fit.h"

namespace hearth::quantize {

struct Affine {
  float scale = 0, minimum = 0;
};

struct AffineMoments {
  float q = 0, qq = 0, xq = 0;
};

template <int Max, size_t N>
AffineMoments affine_moments(const float* x, Affine fit) {
  const float inverse = inverse_of(fit.scale);
  Sum q, qq, xq;
  for (size_t i = 0; i < N; i += Sum::kLanes) {
    for (size_t lane = 0; lane < Sum::kLanes; ++lane) {
      const float level = Integers<0, Max>::nearest((x[i + lane] + fit.minimum) * inverse);
      q[lane] += level;
      qq[lane] += level * level;
      xq[lane] += x[i + lane] * level;
    }
  }
  return {q.total(), qq.total(), xq.total()};
}

template <int Max, size_t N>
float affine_error(const float* x, Affine fit) {
  const float inverse = inverse_of(fit.scale);
  Sum error;
  for (size_t i = 0; i < N; i += Sum::kLanes) {
    for (size_t lane = 0; lane < Sum::kLanes; ++lane) {
      const float level = Integers<0, Max>::nearest((x[i + lane] + fit.minimum) * inverse);
      const float rest = x[i + lane] - (fit.scale * level - fit.minimum);
      error[lane] += rest * rest;
    }
  }
  return error.total();
}

template <int Max, size_t N>
void round_affine(const float* x, Affine fit, uint8_t* q) {
  const float inverse = inverse_of(fit.scale);
  for (size_t i = 0; i < N; ++i) {
    q[i] = static_cast<uint8_t>(Integers<0, Max>::nearest((x[i] + fit.minimum) * inverse));
  }
}

template <size_t N>
float sum_of(const float* x) {
  Sum sum;
  for (size_t i = 0; i < N; i += Sum::kLanes) {
    for (size_t lane = 0; lane < Sum::kLanes; ++lane) sum[lane] += x[i + lane];
  }
  return sum.total();
}

// The regression line for the given rounding of x[N]. Where minima are stored unsigned, a line that would need a
// negative one goes through the origin.
template <size_t N>
Affine regress(const AffineMoments& m, float sum, bool unsigned_minimum) {
  constexpr auto n = static_cast<float>(N);
  const float spread = n * m.qq - m.q * m.q;
  // All on one level: of weights above zero the scale has to reach it, others are a minimum alone.
  if (!(spread > 0)) return unsigned_minimum && sum > 0 && m.qq > 0 ? Affine{m.xq / m.qq, 0} : Affine{0, -sum / n};
  Affine fit;
  fit.scale = (n * m.xq - sum * m.q) / spread;
  fit.minimum = (fit.scale * m.q - sum) / n;
  if (unsigned_minimum && fit.minimum < 0) fit = {m.qq > 0 ? m.xq / m.qq : 0.0f, 0};
  return fit;
}

// Candidates cover `from` to `to` of the weights' range: what lies beyond is cut off, at the top, at the bottom or at
// both ends.
struct AffineSearch {
  float from = 0.7f, to = 1.1f;
  int candidates = 9;
  int rounds = 6;  // of Lloyd's method
};

// The best pair in float32; the scale is 0 where all weights are equal.
template <int Max, size_t N>
Affine fit_affine(const float* x, bool unsigned_minimum, const AffineSearch& search = {}) {
  float low = *std::min_element(x, x + N), high = *std::max_element(x, x + N);
  if (unsigned_minimum) low = std::min(low, 0.0f);
  const float sum = sum_of<N>(x), range = high - low;
  Affine best{0, unsigned_minimum ? std::max(0.0f, -sum / static_cast<float>(N)) : -sum / static_cast<float>(N)};
  if (inverse_of(range) == 0.0f) return best;

  float least = affine_error<Max, N>(x, best);
  const auto consider = [&](Affine start) {
    const Affine fit = regress<N>(affine_moments<Max, N>(x, start), sum, unsigned_minimum);
    const float error = affine_error<Max, N>(x, fit);
    if (!(error < least)) return false;
    least = error;
    best = fit;
    return true;
  };
  for (int i = 0; i < search.candidates; ++i) {
    const float kept =
        search.from + (search.to - search.from) * static_cast<float>(i) / static_cast<float>(search.candidates - 1);
    const float scale = kept * range / Max;
    for (const float cut_below : {0.0f, 0.5f, 1.0f}) {
      const float bottom = low + cut_below * (1.0f - kept) * range;
      if (kept >= 1.0f && cut_below != 0.5f) continue;  // nothing is cut
      consider({scale, unsigned_minimum ? std::max(0.0f, -bottom) : -bottom});
    }
  }
  for (int round = 0; round < search.rounds && consider(best); ++round) {
  }
  return best;
}

// 256 weights in sub-blocks of N, each with an integer scale and an integer minimum: x = d * scale * q - dmin *
// minimum.
template <size_t N>
struct AffineBlock {
  static constexpr size_t kSubBlocks = HEARTH_SUPER_BLOCK / N;
  uint16_t d = 0, dmin = 0;  // f16
  std::array<uint8_t, kSubBlocks> scales{}, minima{};
  std::array<uint8_t, HEARTH_SUPER_BLOCK> q{};

  Affine fit(size_t j) const {
    return {float_of_half(d) * static_cast<float>(scales[j]), float_of_half(dmin) * static_cast<float>(minima[j])};
  }
};

// The units d and dmin that are best for given integers: the normal equations of x = d * scale * q - dmin * minimum.
template <int Max, size_t N>
void refit_units(const float* x, AffineBlock<N>* block) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;  // a = scale * q, b = -minimum
  for (size_t j = 0; j < AffineBlock<N>::kSubBlocks; ++j) {
    const AffineMoments m = affine_moments<Max, N>(x + j * N, block->fit(j));
    const double scale = block->scales[j], minimum = block->minima[j];
    aa += scale * scale * m.qq;
    ab -= scale * minimum * m.q;
    bb += minimum * minimum * static_cast<double>(N);
    ax += scale * m.xq;
    bx -= minimum * sum_of<N>(x + j * N);
  }
  const double determinant = aa * bb - ab * ab;
  if (determinant > 0) {
    block->d = half_of(static_cast<float>((ax * bb - bx * ab) / determinant));
    block->dmin = half_of(static_cast<float>((bx * aa - ax * ab) / determinant));
  } else if (aa > 0) {
    block->d = half_of(static_cast<float>(ax / aa));
  }
}

// The neighbours of a sub-block's integers with the least error, which is returned.
template <int Max, size_t N, int Limit>
float improve_sub_block(const float* x, size_t j, AffineBlock<N>* block) {
  const float d = float_of_half(block->d), dmin = float_of_half(block->dmin);
  const int scale = block->scales[j], minimum = block->minima[j];
  float least = INFINITY;
  for (int s = std::max(0, scale - 1); s <= std::min(Limit, scale + 1); ++s) {
    for (int m = std::max(0, minimum - 1); m <= std::min(Limit, minimum + 1); ++m) {
      const float error = affine_error<Max, N>(x, {d * static_cast<float>(s), dmin * static_cast<float>(m)});
      if (error < least) {
        least = error;
        block->scales[j] = static_cast<uint8_t>(s);
        block->minima[j] = static_cast<uint8_t>(m);
      }
    }
  }
  return least;
}

// Scales and minima from 0 to Limit; the steps are those of fit_scaled_block.
template <int Max, size_t N, int Limit>
AffineBlock<N> fit_affine_block(const float* x, const AffineSearch& search = {}) {
  constexpr size_t kSubBlocks = AffineBlock<N>::kSubBlocks;
  constexpr int kRounds = 5;
  std::array<float, kSubBlocks> scales, minima, scale_weights, minimum_weights;
  for (size_t j = 0; j < kSubBlocks; ++j) {
    const Affine fit = fit_affine<Max, N>(x + j * N, true, search);
    const AffineMoments m = affine_moments<Max, N>(x + j * N, fit);
    scales[j] = fit.scale;
    minima[j] = fit.minimum;
    scale_weights[j] = m.qq;
    minimum_weights[j] = static_cast<float>(N);
  }
  AffineBlock<N> block;
  block.d = half_of(fit_unit(scales, scale_weights, 0, Limit));
  block.dmin = half_of(fit_unit(minima, minimum_weights, 0, Limit));
  const float d_inverse = inverse_of(float_of_half(block.d)), dmin_inverse = inverse_of(float_of_half(block.dmin));
  for (size_t j = 0; j < kSubBlocks; ++j) {
    block.scales[j] = static_cast<uint8_t>(round_to_integer(clamp(scales[j] * d_inverse, 0, Limit)));
    block.minima[j] = static_cast<uint8_t>(round_to_integer(clamp(minima[j] * dmin_inverse, 0, Limit)));
  }

  AffineBlock<N> best;
  float least = INFINITY;
  for (int round = 0; round < kRounds; ++round) {
    float error = 0;
    for (size_t j = 0; j < kSubBlocks; ++j) error += improve_sub_block<Max, N, Limit>(x + j * N, j, &block);
    if (!(error < least)) break;
    least = error;
    best = block;
    refit_units<Max, N>(x, &block);
  }
  for (size_t j = 0; j < kSubBlocks; ++j) round_affine<Max, N>(x + j * N, best.fit(j), &best.q[j * N]);
  return best;
}

}  // namespace hearth::quantize
