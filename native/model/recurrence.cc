// The operations whose memory of earlier tokens is a state of fixed size: it is read from one slot and written to
// others, behind the rows that the batch names.
#include <cstring>

#include "model/pass.h"

namespace hearth {

float* Pass::state(int32_t slot, size_t at) const {
  float* layer = states_.layer(slot, layer_);
  return layer == nullptr ? nullptr : layer + at;
}

Tensor Pass::causal_conv(const Tensor& x, std::span<const float> filter, size_t taps, size_t state_at) {
  Tensor y = allocate(x.rows, x.cols);
  const Tensor zeros = allocate(1, x.cols);
  if (counts_) return y;
  std::memset(zeros.data, 0, zeros.cols * sizeof(float));
  const size_t history = taps - 1;
  for (const BatchSequence& s : batch_.sequences) {
    const float* before = state(s.state, state_at);
    // Input i of the chunk, which for i < 0 is one that came before it.
    const auto input = [&](std::ptrdiff_t i) -> const float* {
      if (i >= 0) return x.row(s.first_row + i);
      return before == nullptr ? zeros.data : before + (static_cast<std::ptrdiff_t>(history) + i) * x.cols;
    };
    for_rows(s.n_rows, x.cols * taps, [&](size_t r) {
      std::array<const float*, kMaxConvTaps> rows;
      for (size_t t = 0; t < taps; ++t) rows[t] = input(static_cast<std::ptrdiff_t>(r + t) - history);
      kernels_.convolve(rows.data(), filter.data(), taps, x.cols, y.row(s.first_row + r));
    });
    for (const auto& [n_rows, slot] : s.states) {
      float* after = state(slot, state_at);
      for (size_t i = 0; i < history; ++i) {
        const float* row = input(n_rows - static_cast<std::ptrdiff_t>(history - i));
        std::memcpy(after + i * x.cols, row, x.cols * sizeof(float));
      }
    }
  }
  return y;
}

void Pass::delta_decay(Tensor& x, std::span<const float> dt, std::span<const float> a) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.delta_decay(x.row(r), dt.data(), a.data(), x.cols); });
}

Tensor Pass::delta_rule(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& decay, const Tensor& beta,
                        const DeltaShape& shape, size_t state_at) {
  Tensor y = allocate(v.rows, v.cols);
  if (counts_) return y;
  // A head's tokens one after the other; the heads of all sequences side by side.
  pool_.parallel_for(batch_.sequences.size() * shape.n_v_head, 1, [&](size_t begin, size_t end) {
    for (size_t item = begin; item < end; ++item) {
      const BatchSequence& s = batch_.sequences[item / shape.n_v_head];
      const size_t head = item % shape.n_v_head, key = head % shape.n_k_head * shape.d_k, value = head * shape.d_v;
      const size_t head_at = state_at + head * shape.d_k * shape.d_v;
      const float* before = state(s.state, head_at);
      size_t r = 0;
      for (const auto& [n_rows, slot] : s.states) {
        float* after = state(slot, head_at);
        for (; r < static_cast<size_t>(n_rows); ++r, before = after) {
          const size_t row = s.first_row + r;
          const HearthDelta token{q.row(row) + key, k.row(row) + key,     v.row(row) + value, shape.d_k,
                                  shape.d_v,        decay.row(row)[head], beta.row(row)[head]};
          kernels_.delta_rule(&token, before, after, y.row(row) + value);
        }
      }
    }
  });
  return y;
}

}  // namespace hearth
