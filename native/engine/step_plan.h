// The plan of a step: its checks, and the batch that the model computes for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "include/engine.h"
#include "include/status.h"
#include "kv/sequences.h"
#include "model/pass.h"

namespace hearth {

// SEQUENCE_UNKNOWN.
Status check_known(const kv::Sequences& sequences, int32_t id);

// PLAN_INVALID, SEQUENCE_UNKNOWN, CONTEXT_OVERFLOW, TOKEN_OUT_OF_RANGE.
Status check_plan(const StepPlan& plan, const EngineOptions& options, size_t n_vocab, const kv::Sequences& sequences);

// Leaves out the drafts for a model with recurrent layers, whose state cannot take back a wrong one.
void drop_drafts(StepPlan* plan);

// How many of the last tokens of a chunk need logits.
size_t n_outputs(const StepPlan::Chunk& chunk);

// Reserves what the plan's tokens take. KV_FULL; then, too, the caller gives back what was reserved.
Status build_batch(const StepPlan& plan, kv::Sequences* sequences, Batch* batch);

}  // namespace hearth
