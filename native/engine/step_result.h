// The result of a step: each chunk's share of the rows that the model computed, and the tokens drawn from them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "include/engine.h"
#include "include/status.h"
#include "sample/sampler.h"

namespace hearth {

// The rows of the chunks that were not taken yet, in the plan's order.
struct StepRows {
  float* logits;        // [outputs, n_vocab]
  const float* hidden;  // [rows, n_embd] of the chunks that want them
  size_t n_vocab;
  size_t n_embd;
  size_t n_drawable;  // tokens that may be drawn are the first of the vocabulary
};

// Gives the next chunk what it asked for, and moves `rows` behind it. `kept`: tokens of the chunk that its sequence
// keeps. With `sample` the sampler accepts those and draws; the caller takes that back if the step fails.
// MODEL_OUTPUT_INVALID.
Status take_chunk(const StepPlan::Chunk& chunk, Sampler* sampler, StepRows* rows, ChunkResult* result, int32_t* kept);

}  // namespace hearth
