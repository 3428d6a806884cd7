#include "engine/step_result.h"

#include "engine/step_plan.h"

namespace hearth {
namespace {

// Draws at the chunk's last 1 + drafts places until a draft is wrong. logits: [1 + drafts, n_vocab].
Status draw(const StepPlan::Chunk& chunk, Sampler* sampler, const StepRows& rows, float* logits, ChunkResult* result,
            int32_t* kept) {
  size_t n = chunk.tokens.size() - static_cast<size_t>(chunk.drafts);
  sampler->accept(chunk.tokens.first(n));  // the penalties look back at this chunk too
  for (;; logits += rows.n_vocab, ++n) {
    Drawn drawn;
    HEARTH_RETURN_IF_ERROR(sampler->sample({logits, rows.n_drawable}, &drawn));
    result->stopped = drawn.stopped;
    if (drawn.stopped != StopReason::NONE) break;
    result->tokens.push_back(drawn.token);
    if (n == chunk.tokens.size() || drawn.token != chunk.tokens[n]) break;
    sampler->accept(drawn.token);
  }
  *kept = static_cast<int32_t>(n);
  return {};
}

}  // namespace

Status take_chunk(const StepPlan::Chunk& chunk, Sampler* sampler, StepRows* rows, ChunkResult* result, int32_t* kept) {
  float* const begin = rows->logits;
  float* const end = begin + n_outputs(chunk) * rows->n_vocab;
  rows->logits = end;
  // The logits are copied first: drawing changes them.
  if (chunk.logits == ChunkLogits::ALL) result->logits.assign(begin, end);
  if (chunk.logits == ChunkLogits::LAST) result->logits.assign(end - rows->n_vocab, end);
  if (chunk.hidden) {
    const float* const hidden = rows->hidden;
    rows->hidden += chunk.tokens.size() * rows->n_embd;
    result->hidden.assign(hidden, rows->hidden);
  }
  *kept = static_cast<int32_t>(chunk.tokens.size());
  if (!chunk.sample) return {};
  float* const drawn_from = end - (1 + static_cast<size_t>(chunk.drafts)) * rows->n_vocab;
  return draw(chunk, sampler, *rows, drawn_from, result, kept);
}

}  // namespace hearth
