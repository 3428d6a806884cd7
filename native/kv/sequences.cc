#include "kv/sequences.h"

#include <algorithm>
#include <utility>

namespace hearth::kv {
namespace {

// A sequence keeps so many checkpoints, and fewer where their states would take more than this.
constexpr size_t kMostCheckpoints = 6;
constexpr size_t kCheckpointBytes = size_t{64} << 20;
// A long prompt leaves a checkpoint whenever this many tokens have passed.
constexpr int32_t kCheckpointTokens = 256;
// Before a prompt's end lies what templates add to ask for an answer, which the next prompt of a conversation does not
// always repeat.
constexpr int32_t kAnswerPrefixTokens = 16;

size_t checkpoints_of_sequence(const Shape& shape) {
  const uint64_t bytes = shape.bytes_per_sequence();
  return bytes == 0 ? 0 : std::clamp<size_t>(kCheckpointBytes / bytes, 1, kMostCheckpoints);
}

int32_t window_tokens(const Shape& shape, const SequenceLimits& limits) {
  constexpr int64_t kMostTokens = int64_t{1} << 28;
  const int64_t window = std::min(shape.window(), limits.context_tokens) + 2 * kBlockTokens;
  const int64_t running = std::min(window + limits.max_batch_tokens, int64_t{limits.context_tokens} + 2 * kBlockTokens);
  const auto checkpoints = static_cast<int64_t>(checkpoints_of_sequence(shape));
  return static_cast<int32_t>(std::min(kMostTokens, limits.max_sequences * (running + checkpoints * window)));
}

}  // namespace

Status Sequences::create(const Shape& shape, const SequenceLimits& limits, Sequences* sequences) {
  sequences->shape_window_ = shape.window();
  sequences->most_checkpoints_ = checkpoints_of_sequence(shape);
  HEARTH_RETURN_IF_ERROR(Cache::create(shape, limits.kv_tokens, window_tokens(shape, limits), &sequences->cache_));
  // While a step runs, a sequence has the state before it and the one behind it.
  const auto slots = limits.max_sequences * (2 + sequences->most_checkpoints_);
  return States::create(shape, static_cast<int32_t>(slots), &sequences->states_);
}

uint64_t Sequences::most_bytes(const Shape& shape) {
  // The checkpoints, and what is there before and behind a step.
  return shape.bytes_per_sequence() * (2 + checkpoints_of_sequence(shape));
}

Sequence* Sequences::find(int32_t id) {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? nullptr : &found->second;
}

int32_t Sequences::open() {
  sequences_.emplace(next_id_, Sequence());
  return next_id_++;
}

void Sequences::close(int32_t id) {
  truncate(find(id), 0);
  sequences_.erase(id);
}

const Checkpoint* Sequences::checkpoint_before(const Sequence& sequence, int32_t n_tokens) const {
  const Checkpoint* best = nullptr;
  for (const Checkpoint& checkpoint : sequence.checkpoints) {
    if (checkpoint.n_tokens <= n_tokens) best = &checkpoint;
  }
  return best;
}

int32_t Sequences::resumable(const Sequence& sequence, int32_t n_tokens) const {
  if (resumes_anywhere() || n_tokens == sequence.table.n_tokens) return n_tokens;
  if (!states_.used() && cache_.has_window(sequence.table, n_tokens)) return n_tokens;
  const Checkpoint* checkpoint = checkpoint_before(sequence, n_tokens);
  return checkpoint == nullptr ? 0 : checkpoint->n_tokens;
}

void Sequences::truncate(Sequence* sequence, int32_t n_tokens) {
  const int32_t keep = resumable(*sequence, n_tokens);
  if (keep < n_tokens) sequence->branch = n_tokens;
  if (keep < sequence->table.n_tokens) {
    const Checkpoint* checkpoint = checkpoint_before(*sequence, keep);
    const bool at_checkpoint = checkpoint != nullptr && checkpoint->n_tokens == keep;
    if (!cache_.has_window(sequence->table, keep)) {
      cache_.share_window(checkpoint->window, keep, &sequence->table);
    }
    states_.release(sequence->state);
    sequence->state = at_checkpoint ? checkpoint->state : kNoState;
    states_.share(sequence->state);
  }
  cache_.truncate(&sequence->table, keep);
  drop_after(sequence, keep);
}

Status Sequences::fork(int32_t source_id, int32_t n_tokens, int32_t* id) {
  Sequence* source = find(source_id);
  const int32_t keep = resumable(*source, n_tokens);
  Sequence copy;
  HEARTH_RETURN_IF_ERROR(cache_.fork(source->table, keep, &copy.table));
  if (keep < n_tokens) copy.branch = n_tokens;
  const Checkpoint* checkpoint = checkpoint_before(*source, keep);
  const bool at_end = keep == source->table.n_tokens;
  if (keep > 0) {
    cache_.share_window(cache_.has_window(source->table, keep) ? source->table : checkpoint->window, keep, &copy.table);
    copy.state = at_end                                                  ? source->state
                 : checkpoint != nullptr && checkpoint->n_tokens == keep ? checkpoint->state
                                                                         : kNoState;
    states_.share(copy.state);
  }
  for (const Checkpoint& shared : source->checkpoints) {
    if (shared.n_tokens > keep) break;
    Checkpoint own{shared.n_tokens, {}, shared.state, shared.created};
    cache_.share_window(shared.window, shared.n_tokens, &own.window);
    states_.share(own.state);
    copy.checkpoints.push_back(std::move(own));
  }
  *id = next_id_++;
  sequences_.emplace(*id, std::move(copy));
  return {};
}

void Sequences::drop(Checkpoint* checkpoint) {
  cache_.truncate(&checkpoint->window, 0);
  states_.release(checkpoint->state);
}

void Sequences::drop_after(Sequence* sequence, int32_t n_tokens) {
  std::vector<Checkpoint>& all = sequence->checkpoints;
  for (; !all.empty() && (all.back().n_tokens > n_tokens || n_tokens == 0); all.pop_back()) drop(&all.back());
}

bool Sequences::drop_oldest() {
  std::vector<Checkpoint>* holder = nullptr;
  size_t at = 0;
  for (auto& [id, sequence] : sequences_) {
    std::vector<Checkpoint>& all = sequence.checkpoints;
    for (size_t i = 0; i < all.size(); ++i) {
      if (holder == nullptr || all[i].created < (*holder)[at].created) holder = &all, at = i;
    }
  }
  if (holder == nullptr) return false;
  drop(&(*holder)[at]);
  holder->erase(holder->begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

int32_t Sequences::take_state() {
  int32_t slot = states_.take();
  while (slot == kNoState && drop_oldest()) slot = states_.take();
  return slot;
}

std::vector<StateAfter> Sequence::states_after() const {
  std::vector<StateAfter> states;
  if (next_state == kNoState) return states;
  for (const Checkpoint& checkpoint : next_checkpoints) {
    if (checkpoint.state != next_state) states.push_back({checkpoint.n_tokens - table.n_tokens, checkpoint.state});
  }
  states.push_back({n_new, next_state});
  return states;
}

Status Sequences::begin(Sequence* sequence, int32_t n, ChunkKind kind) {
  while (cache_.lacks_window_blocks(sequence->table, n) && drop_oldest()) {
  }
  HEARTH_RETURN_IF_ERROR(cache_.reserve(&sequence->table, n));
  sequence->n_new = n;
  // There are slots enough for all sequences' states before and behind a step once the checkpoints have gone.
  if (states_.used()) sequence->next_state = take_state();
  if (!resumes_anywhere() && kind != ChunkKind::answer) plan_checkpoints(sequence, kind == ChunkKind::prompt_end);
  return {};
}

void Sequences::plan_checkpoints(Sequence* sequence, bool prompt_ends) {
  const int32_t start = sequence->table.n_tokens, end = start + sequence->n_new;
  const int32_t last = sequence->checkpoints.empty() ? 0 : sequence->checkpoints.back().n_tokens;
  const int32_t before_answer = (end - kAnswerPrefixTokens) / kBlockTokens * kBlockTokens;
  std::vector<int32_t> positions;  // the most useful first
  const auto consider = [&](int32_t position) {
    const bool is_new = std::ranges::find(positions, position) == positions.end();
    if (position > start && position <= end && is_new) positions.push_back(position);
  };
  consider(sequence->branch);
  if (prompt_ends) consider(before_answer);
  if (prompt_ends || end - last >= kCheckpointTokens) consider(end);
  if (positions.size() > most_checkpoints_) positions.resize(most_checkpoints_);
  std::ranges::sort(positions);
  for (const int32_t position : positions) {
    int32_t state = kNoState;
    if (states_.used() && position == end) {
      states_.share(state = sequence->next_state);
    } else if (states_.used() && (state = take_state()) == kNoState) {
      continue;
    }
    sequence->next_checkpoints.push_back({position, {}, state, ++clock_});
  }
}

void Sequences::commit(Sequence* sequence, int32_t n) {
  const bool wrote_all = n == sequence->n_new;
  cache_.truncate(&sequence->table, sequence->table.n_tokens + n);  // what wrong guesses reserved
  if (states_.used()) {
    states_.release(sequence->state);
    sequence->state = std::exchange(sequence->next_state, kNoState);
  }
  for (Checkpoint& checkpoint : sequence->next_checkpoints) {
    if (wrote_all) {
      cache_.share_window(sequence->table, checkpoint.n_tokens, &checkpoint.window);
      add_checkpoint(sequence, std::move(checkpoint));
    } else {
      drop(&checkpoint);
    }
  }
  sequence->next_checkpoints.clear();
  if (shape_window_ > 0) cache_.release_passed(&sequence->table);
  sequence->n_new = 0;
}

void Sequences::abandon(Sequence* sequence) {
  cache_.truncate(&sequence->table, sequence->table.n_tokens);
  states_.release(std::exchange(sequence->next_state, kNoState));
  for (Checkpoint& checkpoint : sequence->next_checkpoints) drop(&checkpoint);
  sequence->next_checkpoints.clear();
  sequence->n_new = 0;
}

void Sequences::add_checkpoint(Sequence* sequence, Checkpoint checkpoint) {
  std::vector<Checkpoint>& all = sequence->checkpoints;
  all.push_back(std::move(checkpoint));
  if (all.size() <= most_checkpoints_) return;
  // The one whose loss costs the fewest tokens when they have to be computed again, but not the newest.
  size_t cheapest = 0;
  int32_t least = all[0].n_tokens;
  for (size_t i = 1; i + 1 < all.size(); ++i) {
    const int32_t cost = all[i].n_tokens - all[i - 1].n_tokens;
    if (cost < least) cheapest = i, least = cost;
  }
  drop(&all[cheapest]);
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(cheapest));
}

}  // namespace hearth::kv
