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
// So far before a prompt's end the next one may part from it: what templates add to ask for an answer is not always
// repeated, and a short question, or a longer one, may stand behind what all prompts have.
constexpr std::array<int32_t, 3> kBeforeEnd = {16, 48, 128};

// How likely a checkpoint is to be gone back to.
constexpr int32_t kPassing = 1, kAtEnd = 2, kNearEnd = 32, kProven = 128;

size_t checkpoints_of_sequence(const Shape& shape) {
  const uint64_t bytes = shape.bytes_per_sequence();
  return bytes == 0 ? 0 : std::clamp<size_t>(kCheckpointBytes / bytes, 1, kMostCheckpoints);
}

int32_t window_tokens(const Shape& shape, const SequenceLimits& limits) {
  constexpr int64_t kMostTokens = int64_t{1} << 28;
  const int64_t window = std::min(shape.window(), limits.context_tokens) + 2 * kBlockTokens;
  const int64_t running = std::min(window + limits.max_batch_tokens, int64_t{limits.context_tokens} + 2 * kBlockTokens);
  const auto checkpoints = static_cast<int64_t>(checkpoints_of_sequence(shape));
  // A snapshot of a sequence may outlive it while it is written to disk.
  const int64_t snapshot = (1 + checkpoints) * window;
  const int64_t prefixes = limits.prefix_sequences * 2 * window;
  return static_cast<int32_t>(
      std::min(kMostTokens, limits.max_sequences * (running + checkpoints * window) + prefixes + snapshot));
}

// The checkpoint whose loss costs the fewest tokens when they have to be computed again.
size_t cheapest(const std::vector<Checkpoint>& checkpoints) {
  size_t best = 0;
  int64_t least = INT64_MAX;
  int32_t before = 0;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    const int64_t cost = int64_t{checkpoints[i].n_tokens - before} * checkpoints[i].weight;
    if (cost < least) best = i, least = cost;
    before = checkpoints[i].n_tokens;
  }
  return best;
}

}  // namespace

Status Sequences::create(const Shape& shape, const SequenceLimits& limits, Sequences* sequences) {
  sequences->shape_window_ = shape.window();
  sequences->most_checkpoints_ = checkpoints_of_sequence(shape);
  HEARTH_RETURN_IF_ERROR(BlockCache::create(shape, limits.kv_tokens, window_tokens(shape, limits), &sequences->cache_));
  // While a step runs, a sequence has the state before it and the one behind it. The last ones are for a
  // snapshot that outlives its sequence.
  const auto slots = limits.max_sequences * (2 + sequences->most_checkpoints_) + 2 * limits.prefix_sequences + 1 +
                     sequences->most_checkpoints_;
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

void Sequences::prove(Sequence* sequence, int32_t n_tokens) {
  for (Checkpoint& checkpoint : sequence->checkpoints) {
    if (checkpoint.n_tokens == n_tokens) checkpoint.weight = kProven;
  }
}

void Sequences::truncate(Sequence* sequence, int32_t n_tokens) {
  const int32_t keep = resumable(*sequence, n_tokens);
  if (keep < n_tokens) sequence->branch = n_tokens;
  prove(sequence, keep);
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

Status Sequences::copy(int32_t source_id, int32_t n_tokens, Sequence* copied) {
  const Sequence* source = find(source_id);
  const int32_t keep = resumable(*source, n_tokens);
  Sequence copy;
  HEARTH_RETURN_IF_ERROR(cache_.fork(source->table, keep, &copy.table));
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
    Checkpoint own = shared;
    own.window = {};
    cache_.share_window(shared.window, shared.n_tokens, &own.window);
    states_.share(own.state);
    copy.checkpoints.push_back(std::move(own));
  }
  *copied = std::move(copy);
  return {};
}

void Sequences::discard(Sequence* copied) {
  cache_.truncate(&copied->table, 0);
  states_.release(std::exchange(copied->state, kNoState));
  drop_after(copied, 0);
}

int32_t Sequences::adopt(Sequence copied) {
  sequences_.emplace(next_id_, std::move(copied));
  return next_id_++;
}

Status Sequences::fork(int32_t source, int32_t n_tokens, int32_t* id) {
  Sequence copy;
  HEARTH_RETURN_IF_ERROR(this->copy(source, n_tokens, &copy));
  if (copy.table.n_tokens < n_tokens) copy.branch = n_tokens;
  prove(find(source), copy.table.n_tokens);
  prove(&copy, copy.table.n_tokens);
  *id = adopt(std::move(copy));
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

void Sequences::erase(std::vector<Checkpoint>* checkpoints, size_t at) {
  drop(&(*checkpoints)[at]);
  checkpoints->erase(checkpoints->begin() + static_cast<std::ptrdiff_t>(at));
}

bool Sequences::drop_cheapest() {
  std::vector<Checkpoint>* holder = nullptr;
  for (auto& [id, sequence] : sequences_) {
    std::vector<Checkpoint>& all = sequence.checkpoints;
    if (all.empty()) continue;
    const bool is_older = holder != nullptr && all.front().created < holder->front().created;
    if (holder == nullptr || all.size() > holder->size() || (all.size() == holder->size() && is_older)) holder = &all;
  }
  if (holder == nullptr) return false;
  erase(holder, cheapest(*holder));
  return true;
}

int32_t Sequences::take_state() {
  int32_t slot = states_.take();
  while (slot == kNoState && drop_cheapest()) slot = states_.take();
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

Status Sequences::begin(Sequence* sequence, int32_t n, ChunkKind kind, int32_t prompt_left) {
  while (cache_.lacks_window_blocks(sequence->table, n) && drop_cheapest()) {
  }
  HEARTH_RETURN_IF_ERROR(cache_.reserve(&sequence->table, n));
  sequence->n_new = n;
  // There are slots enough for all sequences' states before and behind a step once the checkpoints have gone.
  if (states_.used()) sequence->next_state = take_state();
  if (!resumes_anywhere() && kind != ChunkKind::answer) {
    const bool ends = kind == ChunkKind::prompt_end;
    plan_checkpoints(sequence, ends || prompt_left > 0 ? sequence->table.n_tokens + n + prompt_left : 0);
  }
  return {};
}

// prompt_end: where the prompt ends, in this step or a later one; 0: unknown.
void Sequences::plan_checkpoints(Sequence* sequence, int32_t prompt_end) {
  const int32_t start = sequence->table.n_tokens, end = start + sequence->n_new;
  const int32_t last = sequence->checkpoints.empty() ? 0 : sequence->checkpoints.back().n_tokens;
  struct Place {
    int32_t position, weight;
  };
  std::vector<Place> places;  // the most useful first
  const auto consider = [&](int32_t position, int32_t weight) {
    const bool is_new = std::ranges::find(places, position, &Place::position) == places.end();
    if (position > start && position <= end && is_new) places.push_back({position, weight});
  };
  consider(sequence->branch, kProven);
  if (prompt_end > 0) {
    for (const int32_t before : kBeforeEnd) consider(prompt_end - before, kNearEnd);
  }
  if (prompt_end == end) consider(end, kAtEnd);
  if (end - last >= kCheckpointTokens) consider(end, kPassing);
  if (places.size() > most_checkpoints_) places.resize(most_checkpoints_);
  std::ranges::sort(places, {}, &Place::position);
  for (const auto& [position, weight] : places) {
    int32_t state = kNoState;
    if (states_.used() && position == end) {
      states_.share(state = sequence->next_state);
    } else if (states_.used() && (state = take_state()) == kNoState) {
      continue;
    }
    sequence->next_checkpoints.push_back({position, {}, state, ++clock_, weight});
  }
}

void Sequences::commit(Sequence* sequence, int32_t n) {
  const bool wrote_all = n == sequence->n_new;
  cache_.truncate(&sequence->table, sequence->table.n_tokens + n);  // what wrong drafts reserved
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
  if (all.size() > most_checkpoints_) erase(&all, cheapest(all));
}

SnapshotLayout Sequences::layout(const Sequence& copied, SnapshotPieces* pieces) const {
  SnapshotLayout layout;
  layout.n_tokens = copied.table.n_tokens;
  std::vector<int32_t> windows, states;
  const auto number = [](std::vector<int32_t>& known, int32_t id) {
    const auto found = std::ranges::find(known, id);
    const auto at = static_cast<int32_t>(found - known.begin());
    if (found == known.end()) known.push_back(id);
    return at;
  };
  const auto add_point = [&](int32_t n_tokens, const BlockTable& window, int32_t state) {
    SnapshotPoint point{.n_tokens = n_tokens, .windows = {}};
    if (states_.used()) point.state = number(states, state);
    if (shape_window_ > 0) {
      point.first_window = cache_.first_window_block(n_tokens);
      const auto end = static_cast<size_t>((n_tokens + kBlockTokens - 1) / kBlockTokens);
      for (size_t i = point.first_window; i < end; ++i) {
        point.windows.push_back(number(windows, window.blocks[kWindow][i]));
      }
    }
    layout.points.push_back(std::move(point));
  };
  for (const Checkpoint& checkpoint : copied.checkpoints) {
    if (checkpoint.n_tokens < layout.n_tokens) add_point(checkpoint.n_tokens, checkpoint.window, checkpoint.state);
  }
  add_point(layout.n_tokens, copied.table, copied.state);
  const std::vector<int32_t>& blocks = copied.table.blocks[kAllTokens];
  layout.n_blocks = static_cast<int32_t>(blocks.size());
  layout.n_windows = static_cast<int32_t>(windows.size());
  layout.n_states = static_cast<int32_t>(states.size());
  pieces->clear();
  for (int32_t block : blocks) pieces->push_back(cache_.block_bytes(kAllTokens, block));
  for (int32_t block : windows) pieces->push_back(cache_.block_bytes(kWindow, block));
  for (int32_t slot : states) pieces->push_back(states_.bytes(slot));
  return layout;
}

bool Sequences::fits(const SnapshotLayout& layout) const {
  if ((layout.n_windows > 0) != (shape_window_ > 0) || (layout.n_states > 0) != states_.used()) return false;
  if (layout.points.size() > most_checkpoints_ + 1) return false;
  return shape_window_ == 0 || std::ranges::all_of(layout.points, [&](const SnapshotPoint& point) {
           return point.first_window == cache_.first_window_block(point.n_tokens);
         });
}

Status Sequences::allocate(const SnapshotLayout& layout, Sequence* copied, SnapshotPieces* pieces) {
  Sequence made;
  std::vector<int32_t> windows, states;
  const auto windows_left = [&] { return cache_.free_blocks(kWindow) < static_cast<size_t>(layout.n_windows); };
  while (layout.n_windows > 0 && windows_left() && drop_cheapest()) {
  }
  HEARTH_RETURN_IF_ERROR(cache_.take(kAllTokens, layout.n_blocks, &made.table.blocks[kAllTokens]));
  made.table.n_tokens = layout.n_tokens;
  Status status = cache_.take(kWindow, layout.n_windows, &windows);
  for (int32_t i = 0; status.ok() && i < layout.n_states; ++i) {
    states.push_back(take_state());
    if (states.back() == kNoState) status = {Code::KV_FULL, "All slots of recurrent states are taken."};
  }
  for (const SnapshotPoint& point : layout.points) {
    if (!status.ok()) break;
    BlockTable window;
    window.n_tokens = point.n_tokens;
    if (layout.n_windows > 0) window.blocks[kWindow].assign(point.first_window, kNoBlock);
    for (int32_t i : point.windows) {
      cache_.share(kWindow, windows[i]);
      window.blocks[kWindow].push_back(windows[i]);
    }
    const int32_t state = point.state < 0 ? kNoState : states[point.state];
    states_.share(state);
    if (point.n_tokens == layout.n_tokens) {
      made.table.blocks[kWindow] = std::move(window.blocks[kWindow]);
      made.state = state;
    } else {
      made.checkpoints.push_back({point.n_tokens, std::move(window), state, ++clock_, kNearEnd});
    }
  }
  pieces->clear();
  for (int32_t block : made.table.blocks[kAllTokens]) pieces->push_back(cache_.block_bytes(kAllTokens, block));
  for (int32_t block : windows) pieces->push_back(cache_.block_bytes(kWindow, block));
  for (int32_t slot : states) {
    if (slot != kNoState) pieces->push_back(states_.bytes(slot));
  }
  // The points hold the shared blocks and states now.
  for (int32_t block : windows) cache_.release(kWindow, block);
  for (int32_t slot : states) states_.release(slot);
  if (status.ok())
    *copied = std::move(made);
  else
    discard(&made);
  return status;
}

std::array<uint64_t, 3> Sequences::piece_bytes() const {
  return {cache_.bytes_of_block(kAllTokens), cache_.bytes_of_block(kWindow), states_.bytes_of_slot()};
}

}  // namespace hearth::kv
