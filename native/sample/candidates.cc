// Filters over candidates, with partial selections in place of full sorts: a vocabulary has up to 262,144 tokens.
#include "sample/candidates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace hearth {

namespace {

bool more_probable(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

float max_logit(std::span<const Candidate> candidates) {
  return std::max_element(candidates.begin(), candidates.end(),
                          [](const Candidate& a, const Candidate& b) { return a.logit < b.logit; })
      ->logit;
}

constexpr std::array<double, 14> inverse_factorials() {
  std::array<double, 14> result{};
  double factorial = 1;
  for (size_t i = 0; i < result.size(); ++i) {
    if (i > 0) factorial *= static_cast<double>(i);
    result[i] = 1 / factorial;
  }
  return result;
}

// Sorts `items` by `before` only as far as `enough` wants to see: it is given the items in order until it returns true.
// Returns how many it was given.
template <typename T, typename Before, typename Enough>
size_t sort_until(std::vector<T>* items, Before before, Enough enough) {
  size_t sorted = 0;
  for (size_t chunk = 128; sorted < items->size(); chunk *= 4) {
    const size_t end = std::min(items->size(), sorted + chunk);
    const auto first = items->begin() + static_cast<std::ptrdiff_t>(sorted);
    const auto last = items->begin() + static_cast<std::ptrdiff_t>(end);
    if (end < items->size()) std::nth_element(first, last, items->end(), before);
    std::sort(first, last, before);
    for (; sorted < end; ++sorted) {
      if (enough((*items)[sorted])) return sorted + 1;
    }
  }
  return sorted;
}

}  // namespace

double stable_exp(double x) {
  if (!(x > -700.0)) return 0.0;
  // x = n * ln 2 + r, |r| <= ln 2 / 2; ln 2 is split so that n * kLn2High is exact.
  constexpr double kLog2e = 1.4426950408889634;
  constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  const double n = std::floor(x * kLog2e + 0.5);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor's series by Horner's rule; the first term left out is r^14 / 14! < 5e-18.
  constexpr std::array<double, 14> kInverseFactorial = inverse_factorials();
  double sum = kInverseFactorial[13];
  for (size_t i = 13; i-- > 0;) sum = sum * r + kInverseFactorial[i];
  return sum * std::bit_cast<double>(static_cast<uint64_t>(static_cast<int64_t>(n) + 1023) << 52);
}

std::vector<Candidate> top_candidates(std::span<const float> logits, size_t k) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const bool all = k == 0 || k >= logits.size();
  std::vector<Candidate> best;
  best.reserve(all ? logits.size() : 2 * k);
  float threshold = kLowest;  // what a logit has to exceed: ids ascend, so an equal logit comes too late
  const auto keep_k = [&] {
    const auto kth = best.begin() + static_cast<std::ptrdiff_t>(k - 1);
    std::nth_element(best.begin(), kth, best.end(), more_probable);
    threshold = kth->logit;
    best.resize(k);
  };
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > threshold)) continue;  // false for NaN too
    best.push_back({std::min(logits[id], std::numeric_limits<float>::max()), static_cast<int32_t>(id)});
    if (!all && best.size() == 2 * k) keep_k();
  }
  if (all) return best;
  if (best.size() > k) keep_k();
  std::sort(best.begin(), best.end(), more_probable);
  return best;
}

void filter_typical(float p, std::vector<Candidate>* candidates) {
  const double max = max_logit(*candidates);
  double sum = 0, weighted = 0;
  for (const Candidate& c : *candidates) {
    const double e = stable_exp(c.logit - max);
    sum += e;
    weighted += e * (c.logit - max);
  }
  // With d = logit - max and S = sum(e^d), surprise = ln S - d and entropy = ln S - sum(p d): ln S falls out.
  struct Scored {
    double distance;
    Candidate candidate;
  };
  std::vector<Scored> scored;
  scored.reserve(candidates->size());
  for (const Candidate& c : *candidates) scored.push_back({std::fabs(weighted / sum - (c.logit - max)), c});
  const auto closer = [](const Scored& a, const Scored& b) {
    return a.distance < b.distance || (a.distance == b.distance && a.candidate.id < b.candidate.id);
  };
  double cumulated = 0;
  const size_t n_kept = sort_until(&scored, closer, [&](const Scored& s) {
    cumulated += stable_exp(s.candidate.logit - max);
    return cumulated >= p * sum;
  });
  candidates->clear();
  for (size_t i = 0; i < n_kept; ++i) candidates->push_back(scored[i].candidate);
}

void filter_top_p(float p, std::vector<Candidate>* candidates) {
  const double max = max_logit(*candidates);
  double sum = 0, cumulated = 0;
  for (const Candidate& c : *candidates) sum += stable_exp(c.logit - max);
  candidates->resize(sort_until(candidates, more_probable, [&](const Candidate& c) {
    cumulated += stable_exp(c.logit - max);
    return cumulated >= p * sum;
  }));
}

void filter_min_p(float p, std::vector<Candidate>* candidates) {
  const double max = max_logit(*candidates);
  std::erase_if(*candidates, [&](const Candidate& c) { return stable_exp(c.logit - max) < p; });
}

int32_t draw(double temperature, double u, std::span<const Candidate> candidates) {
  const double max = max_logit(candidates);
  double sum = 0;
  for (const Candidate& c : candidates) sum += stable_exp((c.logit - max) / temperature);
  double cumulated = 0;
  for (const Candidate& c : candidates) {
    cumulated += stable_exp((c.logit - max) / temperature);
    if (cumulated > u * sum) return c.id;
  }
  return candidates.back().id;  // not reached while u < 1: the last cumulated value is the sum itself
}

}  // namespace hearth
