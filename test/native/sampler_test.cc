// The sampler: each filter against a naive one with full sorts and libm, greedy, penalties, and that draws are
// repeatable.
#include "sample/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "sample/candidates.h"
#include "sample/random.h"

namespace hearth {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kVocab = 8;

// Everything off: temperature 1 alone.
SamplerOptions plain() {
  SamplerOptions options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  return options;
}

SamplerOptions greedy() {
  SamplerOptions options = plain();
  options.temperature = 0;
  return options;
}

Sampler make(const SamplerOptions& options, size_t n_vocab = kVocab) {
  Sampler sampler;
  const Status status = Sampler::create(options, n_vocab, &sampler);
  CAPTURE(status.message());
  REQUIRE(status.ok());
  return sampler;
}

constexpr int32_t kRefused = -1;  // with MODEL_OUTPUT_INVALID

// Takes the logits by value: sampling changes them.
int32_t sample(Sampler sampler, std::vector<float> logits) {
  Drawn drawn;
  const Status status = sampler.sample(logits, &drawn);
  if (!status.ok()) {
    CHECK(status.code() == Code::MODEL_OUTPUT_INVALID);
    return kRefused;
  }
  CHECK(drawn.stopped == StopReason::NONE);
  return drawn.token;
}

std::vector<float> random_logits(std::mt19937* random, size_t n) {
  std::vector<float> logits(n);
  for (float& x : logits) x = static_cast<float>(static_cast<int>((*random)() % 200) - 100) / 10.0f;  // with many ties
  return logits;
}

TEST_CASE("an option out of its range is refused by its name, and nothing changes") {
  struct Case {
    const char* name;
    void (*change)(SamplerOptions&);
  };
  const Case cases[] = {
      {"temperature", [](SamplerOptions& o) { o.temperature = -0.1f; }},
      {"temperature", [](SamplerOptions& o) { o.temperature = 10.1f; }},
      {"temperature", [](SamplerOptions& o) { o.temperature = kNan; }},
      {"temperature", [](SamplerOptions& o) { o.temperature = kInf; }},
      {"top_k", [](SamplerOptions& o) { o.top_k = -1; }},
      {"top_p", [](SamplerOptions& o) { o.top_p = 1.01f; }},
      {"top_p", [](SamplerOptions& o) { o.top_p = -1; }},
      {"min_p", [](SamplerOptions& o) { o.min_p = 2; }},
      {"typical_p", [](SamplerOptions& o) { o.typical_p = kNan; }},
      {"repetition_penalty", [](SamplerOptions& o) { o.repetition_penalty = 0; }},
      {"frequency_penalty", [](SamplerOptions& o) { o.frequency_penalty = 2.5f; }},
      {"presence_penalty", [](SamplerOptions& o) { o.presence_penalty = -2.5f; }},
      {"penalty_last_n", [](SamplerOptions& o) { o.penalty_last_n = -2; }},
      {"logit_bias",
       [](SamplerOptions& o) {
         o.logit_bias = {{8, 1.0f}};
       }},
      {"logit_bias",
       [](SamplerOptions& o) {
         o.logit_bias = {{-1, 1.0f}};
       }},
      {"logit_bias",
       [](SamplerOptions& o) {
         o.logit_bias = {{0, 101.0f}};
       }},
  };
  for (const Case& c : cases) {
    SamplerOptions options = greedy();
    c.change(options);
    Sampler sampler = make(greedy());
    const Status status = sampler.configure(options);
    CAPTURE(status.message());
    CHECK(status.code() == Code::SAMPLER_BAD_VALUE);
    CHECK(status.message().find(c.name) != std::string::npos);
    CHECK(sample(sampler, {0, 0, 0, 9, 0, 0, 0, 0}) == 3);
  }
}

TEST_CASE("the ends of the ranges are allowed") {
  SamplerOptions options;
  options.temperature = 10;
  options.repetition_penalty = 0.01f;
  options.frequency_penalty = -2;
  options.presence_penalty = 2;
  options.penalty_last_n = -1;
  options.top_p = 0;
  options.min_p = 1;
  options.typical_p = 0;
  options.top_k = std::numeric_limits<int32_t>::max();
  options.logit_bias = {{0, -100.0f}, {7, 100.0f}};
  CHECK(sample(make(options), {0, 1, 2, 3, 4, 5, 6, 7}) == 7);
}

TEST_CASE("greedy takes the first maximum") {
  CHECK(sample(make(greedy()), {1, 5, 2, 5, 0, 0, 0, 0}) == 1);
  CHECK(sample(make(greedy()), {-3, -2, -4, -2, -9, -9, -9, -9}) == 1);
}

TEST_CASE("NaN and -infinity are impossible, +infinity is the maximum") {
  for (const SamplerOptions& options : {greedy(), plain(), SamplerOptions()}) {
    const Sampler sampler = make(options);
    CHECK(sample(sampler, std::vector<float>(kVocab, kNan)) == kRefused);
    CHECK(sample(sampler, std::vector<float>(kVocab, -kInf)) == kRefused);
    CHECK(sample(sampler, {kNan, -kInf, -5, kNan, -kInf, kNan, kNan, kNan}) == 2);
    CHECK(sample(sampler, {0, 1, kInf, 3, kNan, 0, 0, 0}) == 2);
    const int32_t one_of_two = sample(sampler, {0, kInf, kNan, kInf, 0, 0, 0, 0});
    CHECK((one_of_two == 1 || one_of_two == 3));
  }
}

TEST_CASE("a bias is added, and -100 forbids") {
  SamplerOptions options = greedy();
  options.logit_bias = {{1, -100.0f}, {2, 1.5f}};
  const Sampler sampler = make(options);
  CHECK(sample(sampler, {0, 1e30f, 1, 2, 0, 0, 0, 0}) == 2);
  CHECK(sample(sampler, {0, kInf, 1, 3, 0, 0, 0, 0}) == 3);
  options.logit_bias.clear();
  for (int32_t id = 0; id < static_cast<int32_t>(kVocab); ++id) options.logit_bias.emplace_back(id, -100.0f);
  CHECK(sample(make(options), std::vector<float>(kVocab, 1)) == kRefused);
}

// The logits that the penalties leave behind.
std::vector<float> penalized(const SamplerOptions& options, const std::vector<int32_t>& history,
                             std::vector<float> logits) {
  Sampler sampler = make(options);
  sampler.accept(history);
  Drawn drawn;
  REQUIRE(sampler.sample(logits, &drawn).ok());
  return logits;
}

TEST_CASE("penalties count the tokens looked back at") {
  SamplerOptions options = greedy();
  options.repetition_penalty = 2;
  options.frequency_penalty = 0.5f;
  options.presence_penalty = 0.25f;
  const std::vector<float> logits = {4, -4, 0, 1, 1, 1, 1, 1};
  CHECK(penalized(options, {}, logits) == logits);
  CHECK(penalized(options, {0, 1, 0, 2}, logits) == std::vector<float>{0.75f, -8.75f, -0.75f, 1, 1, 1, 1, 1});
  options.penalty_last_n = 2;
  CHECK(penalized(options, {0, 1, 0, 2}, logits) == std::vector<float>{1.25f, -4, -0.75f, 1, 1, 1, 1, 1});
  options.penalty_last_n = 0;
  CHECK(penalized(options, {0, 1, 0, 2}, logits) == logits);
  options.penalty_last_n = -1;
  const std::vector<int32_t> long_history(1000, 3);
  CHECK(penalized(options, long_history, logits)[3] == 0.5f - 500.25f);
}

TEST_CASE("truncation forgets the tokens for penalties") {
  SamplerOptions options = greedy();
  options.presence_penalty = 2;
  Sampler sampler = make(options);
  sampler.accept(1);
  sampler.accept(2);
  const std::vector<float> logits = {0, 1, 1.5f, 0, 0, 0, 0, 0};
  CHECK(sample(sampler, logits) == 0);
  sampler.truncate(5);  // beyond the end: nothing to forget
  CHECK(sample(sampler, logits) == 0);
  sampler.truncate(1);
  CHECK(sample(sampler, logits) == 2);
  sampler.truncate(0);
  CHECK(sample(sampler, logits) == 2);
}

TEST_CASE("exp is as good as libm's, and 0 far below") {
  std::mt19937 random(1);
  for (int i = 0; i < 100000; ++i) {
    const double x = -static_cast<double>(random()) / 4294967296.0 * 690;
    CHECK(std::fabs(stable_exp(x) / std::exp(x) - 1) < 1e-14);
  }
  CHECK(stable_exp(0) == 1);
  CHECK(stable_exp(-1e300) == 0);
  CHECK(stable_exp(-std::numeric_limits<double>::infinity()) == 0);
}

bool before(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }

std::vector<int32_t> ids_of(const std::vector<Candidate>& candidates) {
  std::vector<int32_t> ids;
  for (const Candidate& c : candidates) ids.push_back(c.id);
  return ids;
}

std::vector<Candidate> all_of(const std::vector<float>& logits) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) all.push_back({logits[i], static_cast<int32_t>(i)});
  return all;
}

TEST_CASE("top-k is the front of a full sort, ties by id") {
  std::mt19937 random(2);
  for (const size_t n : {1u, 2u, 7u, 500u, 3000u}) {
    const std::vector<float> logits = random_logits(&random, n);
    std::vector<Candidate> sorted = all_of(logits);
    std::sort(sorted.begin(), sorted.end(), before);
    for (const size_t k : {1u, 2u, 6u, 40u, 499u, 2999u}) {
      if (k >= n) continue;
      const std::vector<Candidate> expected(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(k));
      CHECK(ids_of(top_candidates(logits, k)) == ids_of(expected));
    }
    CHECK(ids_of(top_candidates(logits, 0)) == ids_of(all_of(logits)));
    CHECK(ids_of(top_candidates(logits, n)) == ids_of(all_of(logits)));
  }
}

std::vector<double> softmax(const std::vector<Candidate>& candidates) {
  double max = -1e300, sum = 0;
  std::vector<double> p;
  for (const Candidate& c : candidates) max = std::max(max, static_cast<double>(c.logit));
  for (const Candidate& c : candidates) sum += p.emplace_back(std::exp(c.logit - max));
  for (double& x : p) x /= sum;
  return p;
}

TEST_CASE("top-p keeps the smallest set that holds the probability") {
  std::mt19937 random(3);
  for (const float p : {0.0f, 0.1f, 0.5f, 0.95f, 0.9999f}) {
    for (const size_t n : {1u, 10u, 2000u}) {
      std::vector<Candidate> candidates = all_of(random_logits(&random, n));
      std::vector<Candidate> sorted = candidates;
      std::sort(sorted.begin(), sorted.end(), before);
      const std::vector<double> probability = softmax(sorted);
      filter_top_p(p, &candidates);
      const size_t kept = candidates.size();
      REQUIRE(kept >= 1);
      sorted.resize(kept);
      CHECK(ids_of(candidates) == ids_of(sorted));
      double held = 0;
      for (size_t i = 0; i < kept; ++i) held += probability[i];
      CHECK(held >= p - 1e-9);
      CHECK((kept == 1 || held - probability[kept - 1] < p + 1e-9));
    }
  }
}

TEST_CASE("min-p keeps what is probable enough beside the most probable") {
  std::mt19937 random(4);
  for (const float p : {0.01f, 0.05f, 0.5f, 1.0f}) {
    const std::vector<float> logits = random_logits(&random, 1000);
    const float max = *std::max_element(logits.begin(), logits.end());
    std::vector<int32_t> expected;
    for (size_t i = 0; i < logits.size(); ++i) {
      if (std::exp(static_cast<double>(logits[i]) - max) >= p) expected.push_back(static_cast<int32_t>(i));
    }
    std::vector<Candidate> candidates = all_of(logits);
    filter_min_p(p, &candidates);
    CHECK(ids_of(candidates) == expected);
  }
}

TEST_CASE("typical keeps what is as surprising as the entropy expects") {
  std::mt19937 random(5);
  for (const float p : {0.0f, 0.2f, 0.9f}) {
    for (const size_t n : {1u, 5u, 1500u}) {
      std::vector<Candidate> candidates = all_of(random_logits(&random, n));
      const std::vector<double> probability = softmax(candidates);
      double entropy = 0;
      for (const double x : probability) entropy -= x * std::log(x);
      const auto distance = [&](int32_t id) {
        return std::fabs(-std::log(probability[static_cast<size_t>(id)]) - entropy);
      };
      filter_typical(p, &candidates);
      double held = 0, furthest = 0;
      std::set<int32_t> kept;
      for (const Candidate& c : candidates) {
        kept.insert(c.id);
        held += probability[static_cast<size_t>(c.id)];
        furthest = std::max(furthest, distance(c.id));
      }
      CHECK(held >= p - 1e-9);
      CHECK((kept.size() == 1 || held - probability[static_cast<size_t>(candidates.back().id)] < p + 1e-9));
      for (int32_t id = 0; id < static_cast<int32_t>(n); ++id) {
        if (kept.count(id) == 0) CHECK(distance(id) >= furthest - 1e-9);
      }
    }
  }
}

TEST_CASE("draws follow the softmax of the logits over the temperature") {
  const std::vector<float> logits = {0, 1, 2, 3, kNan, 1, 0, -kInf};
  for (const float temperature : {0.5f, 1.0f, 2.0f}) {
    SamplerOptions options = plain();
    options.temperature = temperature;
    options.seed = 7;
    Sampler sampler = make(options);
    std::vector<int> counts(kVocab);
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const int32_t id = sample(sampler, logits);
      REQUIRE(id >= 0);
      ++counts[static_cast<size_t>(id)];
      sampler.accept(id);
    }
    double sum = 0;
    for (const float x : logits) sum += std::isnan(x) ? 0 : std::exp(x / temperature);
    for (size_t id = 0; id < kVocab; ++id) {
      const double p = std::isnan(logits[id]) ? 0 : std::exp(logits[id] / temperature) / sum;
      // Five standard deviations of a binomial distribution.
      CHECK(std::fabs(counts[id] - kDraws * p) <= 5 * std::sqrt(kDraws * p * (1 - p)));
    }
  }
}

std::vector<int32_t> draw_many(Sampler* sampler, const std::vector<float>& logits, int n) {
  std::vector<int32_t> ids;
  for (int i = 0; i < n; ++i) {
    ids.push_back(sample(*sampler, logits));
    sampler->accept(ids.back());
  }
  return ids;
}

TEST_CASE("a draw depends on seed and position alone: the same in a fork and after a truncation") {
  std::mt19937 random(6);
  const std::vector<float> logits = random_logits(&random, 1000);
  SamplerOptions options;
  options.seed = 42;
  Sampler sampler = make(options, logits.size());
  const std::vector<int32_t> first = draw_many(&sampler, logits, 20);

  Sampler fork = sampler;
  fork.truncate(5);
  const std::vector<int32_t> again = draw_many(&fork, logits, 15);
  CHECK(std::equal(again.begin(), again.end(), first.begin() + 5));
  CHECK(draw_many(&sampler, logits, 10) == draw_many(&fork, logits, 10));

  options.seed = 43;
  REQUIRE(fork.configure(options).ok());
  fork.truncate(0);
  CHECK(draw_many(&fork, logits, 20) != first);
}

TEST_CASE("these draws are the same on x86 and ARM") {
  std::mt19937 random(6);
  const std::vector<float> logits = random_logits(&random, 1000);
  SamplerOptions options;
  options.seed = 42;
  Sampler usual = make(options, logits.size());
  CHECK(draw_many(&usual, logits, 8) == std::vector<int32_t>{915, 445, 440, 634, 814, 634, 983, 68});
  options.top_k = 0;
  options.min_p = 0;
  options.top_p = 0.9f;
  options.typical_p = 0.8f;
  options.temperature = 1.3f;
  Sampler typical = make(options, logits.size());
  CHECK(draw_many(&typical, logits, 8) == std::vector<int32_t>{814, 117, 174, 178, 857, 178, 148, 197});
  options = plain();
  options.seed = 42;
  options.temperature = 2;
  Sampler wide = make(options, logits.size());
  CHECK(draw_many(&wide, logits, 8) == std::vector<int32_t>{371, 975, 554, 77, 718, 77, 197, 760});
}

TEST_CASE("the random numbers are SplitMix64's") {
  // The first outputs of the published generator for seed 0.
  CHECK(splitmix64(0, 0) == 0xE220A8397B1DCDAFu);
  CHECK(splitmix64(0, 1) == 0x6E789E6AA1B965F4u);
  CHECK(splitmix64(0, 2) == 0x06C45D188009454Fu);
  double sum = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const double u = uniform_at(i, 1000 - i % 7);
    CHECK(u >= 0);
    CHECK(u < 1);
    sum += u;
  }
  CHECK(std::fabs(sum / 10000 - 0.5) < 0.015);
}

TEST_CASE("random options and logits give a token of the vocabulary") {
  std::mt19937 random(8);
  const auto unit = [&] { return static_cast<float>(random() % 1001) / 1000; };
  for (int i = 0; i < 3000; ++i) {
    SamplerOptions options;
    options.temperature = random() % 4 == 0 ? 1e-30f : unit() * 10;
    options.top_k = static_cast<int32_t>(random() % 12);
    options.top_p = unit();
    options.min_p = unit();
    options.typical_p = unit();
    options.repetition_penalty = 0.01f + unit();
    options.frequency_penalty = 4 * unit() - 2;
    options.presence_penalty = 4 * unit() - 2;
    options.seed = random();
    Sampler sampler = make(options);
    std::vector<float> logits = random_logits(&random, kVocab);
    for (float& x : logits) {
      const uint32_t kind = random() % 16;
      if (kind == 0) x = kNan;
      if (kind == 1) x = kInf;
      if (kind == 2) x = -kInf;
      if (kind == 3) x = std::numeric_limits<float>::max();
      if (kind == 4) x = std::numeric_limits<float>::lowest();
    }
    logits[random() % kVocab] = 0;
    for (int n = 0; n < 5; ++n) {
      const int32_t id = sample(sampler, logits);
      REQUIRE(id >= 0);
      REQUIRE(id < static_cast<int32_t>(kVocab));
      sampler.accept(id);
    }
  }
}

}  // namespace
}  // namespace hearth
