#include "engine/memory_layout.h"

#include <algorithm>

#include "base/checked.h"
#include "kv/sequences.h"

namespace hearth {
namespace {

// A step has room for so many tokens at least where weights are streamed: one reading serves all of them.
constexpr int32_t kStreamedBatchTokens = 512;

MemoryNeeds needs_of(const Architecture& architecture, const EngineOptions& o, const kv::Shape& shape, size_t scratch) {
  const uint64_t n_sequences = uint64_t(o.max_sequences) + uint64_t(o.prefix_sequences);
  const uint64_t logits = uint64_t(o.max_sequences) * architecture.dimensions().n_vocab;
  return {.kv_bytes = kv_cache_bytes(shape, uint64_t(o.kv_tokens), n_sequences),
          .scratch_bytes = scratch + logits * sizeof(float)};
}

WeightBytes bytes_of(const CountedPass& pass) {
  WeightBytes bytes;
  for (const Matrix& m : pass.matrices) bytes.dense += uint64_t{m.rows} * m.row_bytes;
  for (const Experts& e : pass.experts) {
    for (const Matrix* m : {&e.gates, &e.ups, &e.downs}) bytes.experts += uint64_t{m->rows} * m->row_bytes;
  }
  return bytes;
}

}  // namespace

uint64_t kv_cache_bytes(const kv::Shape& shape, uint64_t n_tokens, uint64_t n_sequences) {
  uint64_t tokens = 0, sequences = 0, sum = 0;
  const bool fits = checked_mul(shape.bytes_per_token(), n_tokens, &tokens) &&
                    checked_mul(kv::Sequences::most_bytes(shape), n_sequences, &sequences) &&
                    checked_add(tokens, sequences, &sum);
  return fits ? sum : UINT64_MAX;
}

MemoryLayout lay_out_memory(const Architecture& architecture, const EngineOptions& options, const kv::Shape& shape,
                            const MatmulWay& way, const MemoryBudget& budget) {
  MemoryLayout layout{.options = options, .pass = {}, .needs = {}, .weights = {}, .residency = {}};
  const auto divide = [&] {
    layout.pass = count_pass(architecture, layout.options, way);
    layout.weights = bytes_of(layout.pass);
    layout.needs = needs_of(architecture, layout.options, shape, layout.pass.scratch_bytes);
    layout.residency = divide_memory(layout.options, layout.needs, layout.weights, budget);
  };
  divide();
  if (!layout.residency) return layout;
  layout.options.max_batch_tokens =
      std::max(options.max_batch_tokens, std::min(kStreamedBatchTokens, options.context_tokens));
  divide();
  return layout;
}

std::vector<MappedMatrix> mapped_matrices(const std::vector<Matrix>& matrices) {
  std::vector<MappedMatrix> mapped;
  for (const Matrix& m : matrices) mapped.push_back({m.data, m.row_bytes, m.rows});
  return mapped;
}

ExpertSizes expert_sizes(const std::vector<Experts>& experts) {
  ExpertSizes sizes;
  for (const Experts& e : experts) {
    const auto bytes = [&](const Matrix& m) { return m.rows / e.n_expert * m.row_bytes; };
    sizes.layers.push_back({bytes(e.gates), bytes(e.ups), bytes(e.downs)});
    sizes.n_expert = e.n_expert;
    sizes.n_used = e.n_used;
  }
  return sizes;
}

}  // namespace hearth
