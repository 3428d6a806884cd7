// Attention over KV blocks: ref against a softmax in double precision, every other set against ref, bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels_support.h"

namespace hearth {
namespace {

// Queries over a sequence of KV blocks; row r may see `visible(r)` tokens of all.
struct Problem {
  Problem(size_t rows, size_t dims, size_t tokens, uint32_t seed, size_t window_tokens = 0, float cap = 0)
      : n_rows(rows),
        head_dim(dims),
        n_tokens(tokens),
        window(window_tokens),
        softcap(cap),
        q(rows * dims),
        k(tokens * dims),
        v(tokens * dims) {
    Random random(seed);
    for (float& x : q) x = random.normal();
    for (uint16_t& x : k) x = random_f16(random);
    for (uint16_t& x : v) x = random_f16(random);
  }
  // Rows see one token more each, as the tokens of a prompt do; the first may see none of a later block.
  size_t visible(size_t r) const { return n_tokens > n_rows - 1 - r ? n_tokens - (n_rows - 1 - r) : 1; }

  size_t first(size_t r) const { return window != 0 && visible(r) > window ? visible(r) - window : 0; }

  size_t n_rows, head_dim, n_tokens, window;  // window 0: none
  float softcap;
  GuardedBuffer<float> q;
  GuardedBuffer<uint16_t> k, v;
};

// The keys or values of a problem as q8_0.
struct Quantized {
  explicit Quantized(const GuardedBuffer<uint16_t>& halves) : q(halves.size()), d(halves.size() / HEARTH_BLOCK) {
    std::vector<float> x(halves.size());
    std::vector<int32_t> sum(d.size());
    ref_kernels().dequantize[HEARTH_TYPE_F16](halves.data(), halves.size(), x.data());
    ref_kernels().quantize_q8(x.data(), x.size(), q.data(), d.data(), sum.data());
  }
  HearthQ8Rows from(size_t element) const { return {q.data() + element, d.data() + element / HEARTH_BLOCK}; }

  GuardedBuffer<int8_t> q;
  GuardedBuffer<float> d;
};

// acc, max and sum of every row after all blocks.
struct Answer {
  // Over the tokens from .. to - 1; with k and v as q8_0 where they are given.
  Answer(const Problem& p, const HearthKernels& kernels, size_t rows_a_call, const Quantized* k = nullptr,
         const Quantized* v = nullptr, size_t from = 0, size_t to = SIZE_MAX)
      : acc(p.n_rows * p.head_dim), rows(p.n_rows), max(p.n_rows), sum(p.n_rows) {
    for (size_t r = 0; r < p.n_rows; ++r) {
      rows[r] = {
          p.q.data() + r * p.head_dim, acc.data() + r * p.head_dim, -std::numeric_limits<float>::infinity(), 0, 0, 0};
    }
    to = std::min(to, p.n_tokens);
    for (size_t t = from; t < to; t += HEARTH_ATTEND_TOKENS) {
      for (size_t r = 0; r < p.n_rows; ++r) {
        const auto in_block = [t, to](size_t token) {
          return std::min({token > t ? token - t : 0, to - t, size_t{HEARTH_ATTEND_TOKENS}});
        };
        rows[r].first = in_block(p.first(r));
        rows[r].visible = in_block(p.visible(r));
      }
      for (size_t r = 0; r < p.n_rows; r += rows_a_call) {
        const size_t n = rows_a_call < p.n_rows - r ? rows_a_call : p.n_rows - r;
        const HearthScores scores{1.0f / std::sqrt(static_cast<float>(p.head_dim)), p.softcap};
        const size_t at = t * p.head_dim;
        // Memory behind the block may lie anywhere: it is not read.
        if (k == nullptr) {
          kernels.attend_f16(&rows[r], n, p.k.data() + at, p.v.data() + at, p.q.data(), p.head_dim, scores);
        } else {
          kernels.attend_q8(&rows[r], n, k->from(at), v->from(at), nullptr, p.head_dim, scores);
        }
      }
    }
    note();
  }
  void note() {
    for (size_t r = 0; r < rows.size(); ++r) max[r] = rows[r].max, sum[r] = rows[r].sum;
  }
  // Takes in what the same rows gathered over other tokens.
  void merge(const Answer& part, const HearthKernels& kernels, size_t head_dim) {
    for (size_t r = 0; r < rows.size(); ++r) kernels.merge_attended(&rows[r], &part.rows[r], head_dim);
    note();
  }
  bool equals(const Answer& other) const {
    return same_bits(acc.data(), other.acc.data(), acc.size()) && same_bits(max.data(), other.max.data(), max.size()) &&
           same_bits(sum.data(), other.sum.data(), sum.size());
  }

  GuardedBuffer<float> acc;
  std::vector<HearthAttendRow> rows;
  std::vector<float> max, sum;
};

std::vector<float> as_floats(const GuardedBuffer<uint16_t>& halves) {
  std::vector<float> floats(halves.size());
  ref_kernels().dequantize[HEARTH_TYPE_F16](halves.data(), halves.size(), floats.data());
  return floats;
}

std::vector<float> as_floats(const Quantized& x) {
  std::vector<float> floats(x.q.size());
  for (size_t i = 0; i < floats.size(); ++i)
    floats[i] = static_cast<float>(x.q.data()[i]) * x.d.data()[i / HEARTH_BLOCK];
  return floats;
}

// The answer to p, whose keys and values are k and v.
void check_against_softmax(const Problem& p, const Answer& answer, const std::vector<float>& k,
                           const std::vector<float>& v) {
  CAPTURE(p.window);
  CAPTURE(p.n_tokens);
  const size_t head_dim = p.head_dim;
  for (size_t r = 0; r < p.n_rows; ++r) {
    std::vector<double> weight(p.visible(r));
    double total = 0;
    for (size_t t = p.first(r); t < weight.size(); ++t) {
      double score = 0;
      for (size_t i = 0; i < head_dim; ++i) score += static_cast<double>(p.q[r * head_dim + i]) * k[t * head_dim + i];
      score /= std::sqrt(static_cast<double>(head_dim));
      if (p.softcap != 0) score = p.softcap * std::tanh(score / p.softcap);
      total += weight[t] = std::exp(score);
    }
    for (size_t i = 0; i < head_dim; ++i) {
      double expected = 0, magnitude = 0;
      for (size_t t = 0; t < weight.size(); ++t) {
        expected += weight[t] / total * v[t * head_dim + i];
        magnitude += weight[t] / total * std::fabs(v[t * head_dim + i]);
      }
      CHECK(std::fabs(answer.acc[r * head_dim + i] / answer.sum[r] - expected) <= 1e-5 * magnitude + 1e-9);
    }
  }
}

void check_against_softmax(const Problem& p) {
  check_against_softmax(p, Answer(p, ref_kernels(), p.n_rows), as_floats(p.k), as_floats(p.v));
}

}  // namespace

TEST_CASE("attention in blocks is the softmax of all scores times the values") {
  for (const size_t tokens : {1, 7, 64, 65, 150}) {
    for (const size_t head_dim : {8, 64, 80}) {
      check_against_softmax(Problem(3, head_dim, tokens, static_cast<uint32_t>(tokens + head_dim)));
    }
  }
}

TEST_CASE("a window hides what came before it, and a softcap bends the scores") {
  for (const size_t window : {1, 5, 40, 64, 100}) {
    check_against_softmax(Problem(6, 64, 150, static_cast<uint32_t>(window), window));
    check_against_softmax(Problem(6, 64, 150, static_cast<uint32_t>(window), window, 2.5f));
  }
}

TEST_CASE("attention over q8_0 is the softmax over the numbers that it stands for") {
  for (const size_t tokens : {1, 7, 64, 65, 150}) {
    const Problem p(3, 64, tokens, static_cast<uint32_t>(tokens), tokens == 150 ? 40 : 0);
    const Quantized k(p.k), v(p.v);
    check_against_softmax(p, Answer(p, ref_kernels(), p.n_rows, &k, &v), as_floats(k), as_floats(v));
  }
}

TEST_CASE("what was gathered over parts of the tokens merges to the softmax over all") {
  for (const size_t window : {0, 40, 90}) {
    const Problem p(5, 64, 150, static_cast<uint32_t>(window) + 7, window);
    // With the smaller window no row sees the first part.
    Answer answer(p, ref_kernels(), p.n_rows, nullptr, nullptr, 0, 64);
    for (const HearthKernels* kernels : vector_kernels()) {
      Answer merged(p, *kernels, p.n_rows, nullptr, nullptr, 0, 64);
      for (const size_t from : {64, 128}) {
        const Answer part(p, ref_kernels(), p.n_rows, nullptr, nullptr, from, from + 64);
        if (kernels == vector_kernels().front()) answer.merge(part, ref_kernels(), p.head_dim);
        merged.merge(part, *kernels, p.head_dim);
      }
      CAPTURE(kernels->name);
      CHECK(merged.equals(answer));
    }
    check_against_softmax(p, answer, as_floats(p.k), as_floats(p.v));
  }
}

TEST_CASE("every set attends like ref at any head size, row count and number of visible tokens") {
  for (const size_t head_dim : {1, 8, 16, 24, 64, 80, 128}) {
    for (const size_t rows : {1, 2, 3, 4, 5, 7, 8, 9, 70}) {
      for (const size_t tokens : {1, 3, 4, 15, 17, 63, 64, 65, 130}) {
        // Every third with a window, every other with a softcap.
        const size_t window = (rows + tokens) % 3 == 0 ? 1 + tokens / 3 : 0;
        const float softcap = (rows + head_dim) % 2 == 0 ? 4.0f : 0.0f;
        const Problem p(rows, head_dim, tokens, static_cast<uint32_t>(head_dim * 1000 + rows * 100 + tokens), window,
                        softcap);
        const Answer expected(p, ref_kernels(), rows);
        for (const HearthKernels* kernels : vector_kernels()) {
          CAPTURE(kernels->name);
          CAPTURE(head_dim);
          CAPTURE(rows);
          CAPTURE(tokens);
          CHECK(Answer(p, *kernels, rows).equals(expected));
          CHECK(Answer(p, *kernels, 1).equals(expected));  // a row does not depend on its neighbours
          if (head_dim % HEARTH_BLOCK != 0) continue;
          const Quantized k(p.k), v(p.v);
          const Answer quantized(p, ref_kernels(), rows, &k, &v);
          CHECK(Answer(p, *kernels, rows, &k, &v).equals(quantized));
          CHECK(Answer(p, *kernels, 1, &k, &v).equals(quantized));
        }
      }
    }
  }
}

TEST_CASE(
    "many rows attend like ref whether keys are converted to floats for all of them or, in wide heads, for each") {
  for (const size_t head_dim : {256, 288}) {
    const Problem p(9, head_dim, 65, static_cast<uint32_t>(head_dim), 60);
    const Quantized k(p.k), v(p.v);
    const Answer expected(p, ref_kernels(), 9), quantized(p, ref_kernels(), 9, &k, &v);
    for (const HearthKernels* kernels : vector_kernels()) {
      CAPTURE(kernels->name);
      CAPTURE(head_dim);
      CHECK(Answer(p, *kernels, 9).equals(expected));
      CHECK(Answer(p, *kernels, 9, &k, &v).equals(quantized));
    }
  }
}

TEST_CASE("a key or value that a row may not see does not reach it") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    Problem p(4, 64, 64, 9);
    const Answer expected(p, ref_kernels(), 4);
    // Only the last row sees the last token, and only that row may notice that it is infinite.
    for (size_t i = 63 * 64; i < 64 * 64; ++i) p.k[i] = p.v[i] = 0x7c00;
    const Answer actual(p, *kernels, 4);
    CHECK(same_bits(actual.acc.data(), expected.acc.data(), 3 * 64));
    CHECK(same_bits(actual.sum.data(), expected.sum.data(), 3));
    CHECK(!same_bits(actual.acc.data() + 3 * 64, expected.acc.data() + 3 * 64, 64));
  }
}

TEST_CASE("scores that differ by more than exp can hold neither overflow nor vanish") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    Problem p(2, 16, 80, 21);
    for (float& x : p.q) x *= 1000.0f;
    const Answer expected(p, ref_kernels(), 2), actual(p, *kernels, 2);
    CHECK(actual.equals(expected));
    for (size_t r = 0; r < 2; ++r) {
      CHECK(actual.sum[r] >= 1.0f);
      CHECK(std::isfinite(actual.sum[r]));
    }
  }
}

}  // namespace hearth
