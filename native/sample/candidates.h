// The candidates of one draw and the filters that narrow them. Each filter keeps at least one.
// Every order is total (equal values by id) and every sum has a fixed order, so results depend on no library or
// platform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth {

struct Candidate {
  float logit;
  int32_t id;
};

// e^x in double precision with a relative error below 1e-14, for x <= 0, by additions and multiplications alone: libm's
// may differ between systems in the last bit, and a token's choice could hang on it. 0 below -700.
double stable_exp(double x);

// The `k` highest logits, in descending order; all of them, in the order of their ids, for k = 0 or k >= their number.
// Leaves out NaN and -infinity, and clamps +infinity, so that the result may be empty.
std::vector<Candidate> top_candidates(std::span<const float> logits, size_t k);

// Keeps the candidates whose surprise is closest to the entropy, until they hold the probability `p`.
void filter_typical(float p, std::vector<Candidate>* candidates);
// Keeps the most probable candidates, in descending order, until they hold the probability `p`.
void filter_top_p(float p, std::vector<Candidate>* candidates);
// Keeps the candidates at least `p` times as probable as the most probable one.
void filter_min_p(float p, std::vector<Candidate>* candidates);

// The candidate at which the cumulated softmax(logits / temperature) passes `u`, 0 <= u < 1.
int32_t draw(double temperature, double u, std::span<const Candidate> candidates);

}  // namespace hearth
