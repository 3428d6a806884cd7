// The sequences of an engine: what each has in the KV cache, its recurrent state, and the checkpoints it can go back
// to. Without windows and recurrent layers a sequence can be cut and forked anywhere; else only where its window and
// state are still known: at its end, and at checkpoints.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "include/status.h"
#include "kv/block_cache.h"
#include "kv/snapshot.h"
#include "kv/states.h"

namespace hearth::kv {

// The role of a step's tokens in their sequence.
enum class ChunkKind {
  prompt,
  prompt_end,  // an answer follows
  answer,
};

struct Checkpoint {
  int32_t n_tokens;
  BlockTable window;  // windows only
  int32_t state;
  uint64_t created;
  int32_t weight;  // how likely it is to be gone back to, compared with others
};

struct Sequence {
  BlockTable table;
  int32_t state = kNoState;             // after table.n_tokens tokens
  std::vector<Checkpoint> checkpoints;  // ascending
  int32_t branch = 0;  // where prompts part: a position that was asked for and could not be gone back to

  // Tokens of the running step.
  int32_t n_new = 0;
  int32_t next_state = kNoState;
  std::vector<Checkpoint> next_checkpoints;  // ascending; windows still empty

  // The slots that a step writes recurrent states to, each behind so many of its tokens; ascending, the last is its
  // end.
  std::vector<StateAfter> states_after() const;
};

struct SequenceLimits {
  int32_t kv_tokens;      // of all sequences
  int32_t max_sequences;  // that take part in steps at the same time
  int32_t context_tokens;
  int32_t max_batch_tokens;
  int32_t prefix_sequences = 0;  // that only hold a prefix, beside those
};

class Sequences {
 public:
  static Status create(const Shape& shape, const SequenceLimits& limits, Sequences* sequences);
  // The most bytes of a sequence beside shape.bytes_per_token() for each token.
  static uint64_t most_bytes(const Shape& shape);
  // The bytes of a sequence that only holds a prefix: its end, and one checkpoint.
  static uint64_t prefix_bytes(const Shape& shape) { return 2 * shape.bytes_per_sequence(); }

  BlockCache& cache() { return cache_; }
  States& states() { return states_; }
  const States& states() const { return states_; }
  size_t size() const { return sequences_.size(); }
  int32_t free_tokens() const { return cache_.free_tokens(); }

  // Null when there is none of this id.
  Sequence* find(int32_t id);
  const Sequence* find(int32_t id) const { return const_cast<Sequences*>(this)->find(id); }
  int32_t open();
  void close(int32_t id);
  // The most tokens, up to n_tokens, that `sequence` can go on from.
  int32_t resumable(const Sequence& sequence, int32_t n_tokens) const;
  // Forgets all but the first resumable(n_tokens) tokens.
  void truncate(Sequence* sequence, int32_t n_tokens);
  // A new sequence of source's first resumable(n_tokens) tokens; KV_FULL.
  Status fork(int32_t source, int32_t n_tokens, int32_t* id);

  // A copy of source's first resumable(n_tokens) tokens that no step changes; KV_FULL. It is no sequence of its own:
  // discard() gives it back, or adopt() makes it one.
  Status copy(int32_t source, int32_t n_tokens, Sequence* copied);
  void discard(Sequence* copied);
  int32_t adopt(Sequence copied);
  // How a copied sequence lies in memory.
  SnapshotLayout layout(const Sequence& copied, SnapshotPieces* pieces) const;
  // Whether a consistent layout is one of this model's.
  bool fits(const SnapshotLayout& layout) const;
  // Memory for a sequence of a layout that fits, which the caller fills; KV_FULL.
  Status allocate(const SnapshotLayout& layout, Sequence* copied, SnapshotPieces* pieces);
  // Bytes of a block, a window block and a state; 0 where the model has none.
  std::array<uint64_t, 3> piece_bytes() const;

  // Makes room for n tokens, and chooses the checkpoints that a step of them leaves. `prompt_left` tokens of the same
  // prompt follow in later steps. After KV_FULL, abandon().
  Status begin(Sequence* sequence, int32_t n, ChunkKind kind, int32_t prompt_left = 0);
  // Keeps the first `n` of the new tokens: all, where the model has recurrent layers.
  void commit(Sequence* sequence, int32_t n);
  // Undoes begin().
  void abandon(Sequence* sequence);

 private:
  bool resumes_anywhere() const { return shape_window_ == 0 && !states_.used(); }
  const Checkpoint* checkpoint_before(const Sequence& sequence, int32_t n_tokens) const;
  // A checkpoint that was gone back to once will be again.
  void prove(Sequence* sequence, int32_t n_tokens);
  void plan_checkpoints(Sequence* sequence, int32_t prompt_end);
  void add_checkpoint(Sequence* sequence, Checkpoint checkpoint);
  void drop(Checkpoint* checkpoint);
  void drop_after(Sequence* sequence, int32_t n_tokens);
  void erase(std::vector<Checkpoint>* checkpoints, size_t at);
  // Gives up the cheapest checkpoint of the sequence that has most, or the oldest where none has more than one; false
  // when there is none.
  bool drop_cheapest();
  int32_t take_state();

  BlockCache cache_;
  States states_;
  int32_t shape_window_ = 0;
  size_t most_checkpoints_ = 0;                      // of a sequence
  std::unordered_map<int32_t, Sequence> sequences_;  // ids are never used again
  int32_t next_id_ = 1;
  uint64_t clock_ = 0;
};

}  // namespace hearth::kv
