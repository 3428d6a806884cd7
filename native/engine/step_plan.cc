#include "engine/step_plan.h"

#include <string>
#include <utility>
#include <vector>

namespace hearth {
namespace {

Status check_wishes(const StepPlan::Chunk& chunk, const EngineOptions& options, bool is_recurrent) {
  if (chunk.tokens.empty()) return {Code::PLAN_INVALID, "A chunk of the step has no tokens."};
  if (chunk.drafts < 0 || static_cast<size_t>(chunk.drafts) >= chunk.tokens.size() ||
      (chunk.drafts > 0 && !chunk.sample)) {
    return {Code::PLAN_INVALID, "A chunk of the step has more drafts than tokens to follow."};
  }
  if (chunk.prompt_left < 0 || chunk.prompt_left > options.context_tokens) {
    return {Code::PLAN_INVALID, "A chunk of the step has a prompt that no context holds."};
  }
  if (chunk.hidden && n_outputs(chunk) > 0) {
    return {Code::PLAN_INVALID, "A chunk of the step wants hidden states and logits."};
  }
  if (chunk.drafts > 0 && chunk.logits == ChunkLogits::LAST) {
    return {Code::PLAN_INVALID, "A chunk of the step has drafts, of which any may be the last that is kept."};
  }
  if (is_recurrent && chunk.drafts > 0 && chunk.logits == ChunkLogits::ALL) {
    return {Code::PLAN_INVALID, "A model with recurrent layers takes no drafts, so it has no logits of theirs."};
  }
  return {};
}

Status check_tokens(const StepPlan::Chunk& chunk, const EngineOptions& options, size_t n_vocab, size_t n_before) {
  const size_t length = n_before + chunk.tokens.size();
  if (length > static_cast<size_t>(options.context_tokens)) {
    return {Code::CONTEXT_OVERFLOW, "The sequence would have " + std::to_string(length) +
                                        " tokens, and the context holds " + std::to_string(options.context_tokens) +
                                        "."};
  }
  for (int32_t token : chunk.tokens) {
    if (token < 0 || static_cast<size_t>(token) >= n_vocab) {
      return {Code::TOKEN_OUT_OF_RANGE,
              "Token " + std::to_string(token) + " is not in the vocabulary of " + std::to_string(n_vocab) + "."};
    }
  }
  return {};
}

kv::ChunkKind kind_of(const StepPlan::Chunk& chunk) {
  if (chunk.drafts > 0 || chunk.tokens.size() == 1) return kv::ChunkKind::answer;
  return chunk.sample ? kv::ChunkKind::prompt_end : kv::ChunkKind::prompt;
}

}  // namespace

Status check_known(const kv::Sequences& sequences, int32_t id) {
  if (sequences.find(id) != nullptr) return {};
  return {Code::SEQUENCE_UNKNOWN, "There is no sequence " + std::to_string(id) + "."};
}

Status check_plan(const StepPlan& plan, const EngineOptions& options, size_t n_vocab, const kv::Sequences& sequences) {
  if (plan.chunks.empty()) return {Code::PLAN_INVALID, "The step has no chunks."};
  if (plan.chunks.size() > static_cast<size_t>(options.max_sequences)) {
    return {Code::PLAN_INVALID, "The step has more sequences than the " + std::to_string(options.max_sequences) +
                                    " that may run at the same time."};
  }
  size_t n_tokens = 0;
  for (size_t i = 0; i < plan.chunks.size(); ++i) {
    const StepPlan::Chunk& chunk = plan.chunks[i];
    HEARTH_RETURN_IF_ERROR(check_known(sequences, chunk.sequence));
    HEARTH_RETURN_IF_ERROR(check_wishes(chunk, options, sequences.states().used()));
    HEARTH_RETURN_IF_ERROR(check_tokens(chunk, options, n_vocab, sequences.find(chunk.sequence)->table.n_tokens));
    n_tokens += chunk.tokens.size();
    for (size_t j = 0; j < i; ++j) {
      if (plan.chunks[j].sequence == chunk.sequence) {
        return {Code::PLAN_INVALID, "The step names a sequence twice."};
      }
    }
  }
  if (n_tokens <= static_cast<size_t>(options.max_batch_tokens)) return {};
  return {Code::PLAN_INVALID, "The step has " + std::to_string(n_tokens) + " tokens, and a batch holds " +
                                  std::to_string(options.max_batch_tokens) + "."};
}

void drop_drafts(StepPlan* plan) {
  for (StepPlan::Chunk& chunk : plan->chunks) {
    chunk.tokens = chunk.tokens.first(chunk.tokens.size() - std::exchange(chunk.drafts, 0));
  }
}

size_t n_outputs(const StepPlan::Chunk& chunk) {
  if (chunk.logits == ChunkLogits::ALL) return chunk.tokens.size();
  if (chunk.sample) return 1 + static_cast<size_t>(chunk.drafts);
  return chunk.logits == ChunkLogits::LAST ? 1 : 0;
}

Status build_batch(const StepPlan& plan, kv::Sequences* sequences, Batch* batch) {
  std::vector<int32_t> hidden;
  for (const StepPlan::Chunk& chunk : plan.chunks) {
    kv::Sequence* sequence = sequences->find(chunk.sequence);
    const auto n = static_cast<int32_t>(chunk.tokens.size());
    HEARTH_RETURN_IF_ERROR(sequences->begin(sequence, n, kind_of(chunk), chunk.prompt_left));
    const auto first_row = static_cast<int32_t>(batch->tokens.size());
    const int32_t start = sequence->table.n_tokens;
    const int32_t first_output = n - static_cast<int32_t>(n_outputs(chunk));
    batch->sequences.push_back({&sequence->table, first_row, n, start, sequence->state, sequence->states_after()});
    for (int32_t i = 0; i < n; ++i) {
      batch->tokens.push_back(chunk.tokens[i]);
      batch->positions.push_back(start + i);
      if (i >= first_output) batch->outputs.push_back(first_row + i);
      if (chunk.hidden) hidden.push_back(first_row + i);
    }
  }
  batch->n_hidden = hidden.size();
  batch->outputs.insert(batch->outputs.end(), hidden.begin(), hidden.end());
  return {};
}

}  // namespace hearth
