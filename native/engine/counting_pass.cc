#include "engine/counting_pass.h"

#include <atomic>

#include "kv/sequences.h"
#include "model/scratch.h"
#include "threads/pool.h"

namespace hearth {

CountedPass count_pass(const Architecture& architecture, const EngineOptions& options, const MatmulWay& way) {
  const auto rows = static_cast<size_t>(options.max_batch_tokens);
  Batch batch;
  batch.tokens.resize(rows);
  batch.positions.resize(rows);
  batch.outputs.resize(rows);
  CountedPass counted;
  Scratch counting;
  const MatmulPlan matmuls(way);
  Pool pool(1);
  kv::Sequences sequences;
  const Trace trace;
  const std::atomic<bool> stop{false};
  const PassResources resources{.kernels = way.kernels,
                                .matmuls = &matmuls,
                                .pool = &pool,
                                .scratch = &counting,
                                .cache = &sequences.cache(),
                                .states = &sequences.states(),
                                .residency = nullptr,
                                .matrices = &counted.matrices,
                                .experts = &counted.experts,
                                .trace = &trace,
                                .stop = &stop,
                                .context_tokens = options.context_tokens};
  Pass pass(resources, batch, nullptr, nullptr);
  architecture.forward(pass);
  counted.scratch_bytes = counting.peak();
  return counted;
}

}  // namespace hearth
