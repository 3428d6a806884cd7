// Sequences of models with windows and recurrent layers: what they keep, where they can go back to, and that nothing is
// lost or taken twice.
#include "kv/sequences.h"

#include <doctest/doctest.h>

#include <algorithm>

using hearth::Code;
using hearth::Status;
using namespace hearth::kv;

namespace {

constexpr int32_t kWindowTokens = 40;

Shape recurrent_shape() { return {{{.n_kv_head = 1, .head_dim = 4}, {.state_floats = 8}}}; }
Shape window_shape() {
  return {{{.n_kv_head = 1, .head_dim = 4}, {.n_kv_head = 1, .head_dim = 4, .window = kWindowTokens}}};
}

Sequences make(const Shape& shape, int32_t max_sequences = 2) {
  Sequences sequences;
  REQUIRE(Sequences::create(shape, {2048, max_sequences, 1024, 256}, &sequences).ok());
  return sequences;
}

// A step of n tokens, which writes what a recurrent layer would: the number of tokens before each state.
void step(Sequences& all, int32_t id, int32_t n, ChunkKind kind) {
  Sequence* sequence = all.find(id);
  REQUIRE(all.begin(sequence, n, kind).ok());
  for (const auto& [n_tokens, slot] : sequence->states_after()) {
    *all.states().layer(slot, 1) = static_cast<float>(sequence->table.n_tokens + n_tokens);
  }
  all.commit(sequence, n);
}

int32_t window_blocks(const Sequence& sequence) {
  int32_t held = 0;
  for (int32_t block : sequence.table.blocks[kWindow]) held += block != kNoBlock;
  return held;
}

float state_of(Sequences& all, int32_t id) { return *all.states().layer(all.find(id)->state, 1); }

}  // namespace

TEST_CASE("a model without windows and states goes back anywhere and leaves no checkpoints") {
  Sequences all = make(Shape::uniform(2, 1, 4));
  const int32_t id = all.open();
  step(all, id, 100, ChunkKind::prompt_end);
  CHECK(all.find(id)->checkpoints.empty());
  CHECK(all.resumable(*all.find(id), 57) == 57);
}

TEST_CASE("a window gives its blocks back once it has passed them") {
  Sequences all = make(window_shape());
  const int32_t id = all.open();
  for (int i = 0; i < 200; ++i) {
    step(all, id, 1, ChunkKind::answer);
    // 40 tokens lie in at most three blocks of 32; the next token's block may be one more.
    CHECK(window_blocks(*all.find(id)) <= 3);
  }
  CHECK(all.find(id)->table.blocks[kAllTokens].size() == 7);
  CHECK(all.cache().has_window(all.find(id)->table, 200));
  CHECK_FALSE(all.cache().has_window(all.find(id)->table, 100));
}

TEST_CASE("a sequence goes back to the end of its prompt, and shortly before it") {
  for (const Shape& shape : {window_shape(), recurrent_shape()}) {
    Sequences all = make(shape);
    const int32_t id = all.open();
    step(all, id, 150, ChunkKind::prompt_end);
    for (int i = 0; i < 100; ++i) step(all, id, 1, ChunkKind::answer);
    const Sequence& sequence = *all.find(id);
    CHECK(all.resumable(sequence, 250) == 250);
    CHECK(all.resumable(sequence, 200) == 150);
    CHECK(all.resumable(sequence, 150) == 150);
    CHECK(all.resumable(sequence, 149) == 134);
    CHECK(all.resumable(sequence, 133) == 102);
    CHECK(all.resumable(sequence, 101) == 22);
    CHECK(all.resumable(sequence, 21) == 0);

    all.truncate(all.find(id), 149);
    CHECK(sequence.table.n_tokens == 134);
    CHECK(all.cache().has_window(sequence.table, 134));
    if (all.states().used()) CHECK(state_of(all, id) == 134);
    step(all, id, 30, ChunkKind::prompt_end);
    // A checkpoint is now where prompts parted; a window that still holds what came before needs none.
    CHECK(all.resumable(sequence, 150) == (all.states().used() ? 149 : 150));
    all.close(id);
    CHECK(all.free_tokens() == 2048);
  }
}

TEST_CASE("a fork goes its own way and keeps what it shares when the source is closed") {
  for (const Shape& shape : {window_shape(), recurrent_shape()}) {
    Sequences all = make(shape);
    const int32_t source = all.open();
    step(all, source, 150, ChunkKind::prompt_end);
    step(all, source, 1, ChunkKind::answer);
    int32_t copy = -1;
    REQUIRE(all.fork(source, 150, &copy).ok());
    CHECK(all.find(copy)->table.n_tokens == 150);
    if (all.states().used()) {
      CHECK(state_of(all, copy) == 150);
      CHECK(state_of(all, source) == 151);
    }
    all.close(source);
    step(all, copy, 60, ChunkKind::prompt_end);
    CHECK(all.resumable(*all.find(copy), 209) == (all.states().used() ? 194 : 209));
    all.truncate(all.find(copy), 140);
    CHECK(all.find(copy)->table.n_tokens == 134);
    all.close(copy);
    CHECK(all.free_tokens() == 2048);
  }
}

TEST_CASE("an abandoned step leaves nothing behind") {
  for (const Shape& shape : {window_shape(), recurrent_shape()}) {
    Sequences all = make(shape);
    const int32_t id = all.open();
    step(all, id, 64, ChunkKind::prompt_end);
    const size_t checkpoints = all.find(id)->checkpoints.size();
    const int32_t free = all.free_tokens();
    for (int i = 0; i < 100; ++i) {
      REQUIRE(all.begin(all.find(id), 100, ChunkKind::prompt_end).ok());
      all.abandon(all.find(id));
    }
    CHECK(all.find(id)->table.n_tokens == 64);
    CHECK(all.find(id)->checkpoints.size() == checkpoints);
    CHECK(all.free_tokens() == free);
  }
}

TEST_CASE("checkpoints give way to sequences, never the other way round") {
  for (const Shape& shape : {window_shape(), recurrent_shape()}) {
    Sequences all = make(shape, 3);
    for (int round = 0; round < 20; ++round) {
      int32_t ids[3];
      for (int32_t& id : ids) id = all.open();
      for (int turn = 0; turn < 4; ++turn) {
        for (const int32_t id : ids) REQUIRE(all.begin(all.find(id), 75, ChunkKind::prompt_end).ok());
        for (const int32_t id : ids) {
          if (all.states().used()) REQUIRE(all.find(id)->next_state != kNoState);
          all.commit(all.find(id), 75);
          CHECK(all.find(id)->checkpoints.size() <= 6);
        }
      }
      for (const int32_t id : ids) all.close(id);
      CHECK(all.free_tokens() == 2048);
    }
  }
}

TEST_CASE("a prompt that is read in pieces leaves checkpoints before its end, whichever piece that falls into") {
  Sequences all = make(recurrent_shape());
  const int32_t id = all.open();
  Sequence* sequence = all.find(id);
  for (int32_t left = 300; left > 0; left -= 60) {
    REQUIRE(all.begin(sequence, 60, left == 60 ? ChunkKind::prompt_end : ChunkKind::prompt, left - 60).ok());
    all.commit(sequence, 60);
  }
  for (const int32_t position : {172, 252, 284, 300}) CHECK(all.resumable(*sequence, position) == position);
}

TEST_CASE("where prompts parted stays a checkpoint when others have to go") {
  Sequences all = make(recurrent_shape());
  const int32_t id = all.open();
  step(all, id, 200, ChunkKind::prompt_end);
  all.truncate(all.find(id), 120);  // nothing nearer than 72: the branch is remembered, and becomes a checkpoint
  CHECK(all.find(id)->table.n_tokens == 72);
  for (int turn = 0; turn < 20; ++turn) step(all, id, 40, ChunkKind::prompt_end);
  CHECK(all.find(id)->checkpoints.size() == 6);
  CHECK(all.resumable(*all.find(id), 130) == 120);
}

TEST_CASE("want of room leaves each sequence the checkpoint that is worth most") {
  Sequences all;
  REQUIRE(Sequences::create(recurrent_shape(), {4096, 1, 1024, 256, 3}, &all).ok());
  std::vector<int32_t> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(all.open());
    step(all, ids.back(), 250, ChunkKind::prompt_end);
    all.truncate(all.find(ids.back()), 234);  // that checkpoint has proved its use
    step(all, ids.back(), 16, ChunkKind::prompt_end);
  }
  // 8 + 6 + 7 slots; each sequence wants 7.
  for (const int32_t id : ids) CHECK(all.resumable(*all.find(id), 240) == 234);
  for (const int32_t id : ids) step(all, id, 30, ChunkKind::prompt_end);
  for (const int32_t id : ids) all.close(id);
  CHECK(all.free_tokens() == 4096);
}

namespace {

// Every byte of a piece: its number, so that a mix-up shows.
void fill(const SnapshotPieces& pieces) {
  for (size_t i = 0; i < pieces.size(); ++i) std::ranges::fill(pieces[i], static_cast<std::byte>(i + 1));
}

}  // namespace

TEST_CASE("a copied sequence comes back with all its points, from its pieces alone") {
  for (const Shape& shape : {Shape::uniform(2, 1, 4), window_shape(), recurrent_shape()}) {
    Sequences all = make(shape);
    const int32_t id = all.open();
    step(all, id, 250, ChunkKind::prompt_end);
    for (int i = 0; i < 20; ++i) step(all, id, 1, ChunkKind::answer);
    Sequence copied;
    REQUIRE(all.copy(id, 250, &copied).ok());
    all.close(id);  // the copy stays
    SnapshotPieces pieces, others;
    const SnapshotLayout layout = all.layout(copied, &pieces);
    CHECK(layout.is_consistent());
    CHECK(all.fits(layout));
    CHECK(layout.n_tokens == 250);
    REQUIRE(pieces.size() == layout.n_pieces());
    fill(pieces);
    Sequence restored;
    REQUIRE(all.allocate(layout, &restored, &others).ok());
    REQUIRE(others.size() == pieces.size());
    for (size_t i = 0; i < pieces.size(); ++i) std::ranges::copy(pieces[i], others[i].begin());
    all.discard(&copied);
    const int32_t back = all.adopt(std::move(restored));
    SnapshotPieces again;
    const SnapshotLayout same = all.layout(*all.find(back), &again);
    REQUIRE(again.size() == layout.n_pieces());
    CHECK(same.points.size() == layout.points.size());
    for (size_t i = 0; i < again.size(); ++i) CHECK(again[i].front() == static_cast<std::byte>(i + 1));
    CHECK(all.resumable(*all.find(back), 240) == (all.states().used() ? 234 : 240));
    if (shape.window() > 0) CHECK(all.cache().has_window(all.find(back)->table, 250));
    step(all, back, 100, ChunkKind::prompt_end);
    all.close(back);
    CHECK(all.free_tokens() == 2048);
    // Nothing of windows and states is lost either: the whole can be had again and again.
    for (int i = 0; i < 100; ++i) {
      const int32_t other = all.open();
      step(all, other, 250, ChunkKind::prompt_end);
      REQUIRE(all.copy(other, 234, &copied).ok());
      REQUIRE(all.allocate(all.layout(copied, &pieces), &restored, &others).ok());
      all.discard(&copied);
      all.discard(&restored);
      all.close(other);
    }
  }
}

TEST_CASE("the first tokens of a snapshot need only some of its pieces") {
  Sequences all = make(window_shape());
  const int32_t id = all.open();
  step(all, id, 250, ChunkKind::prompt_end);
  SnapshotPieces pieces;
  const SnapshotLayout layout = all.layout(*all.find(id), &pieces);
  std::vector<size_t> needed;
  const SnapshotLayout cut = layout.first(210, &needed);
  CHECK(cut.n_tokens == 202);
  CHECK(cut.is_consistent());
  CHECK(all.fits(cut));
  CHECK(needed.size() == cut.n_pieces());
  CHECK(needed.size() < pieces.size());
  CHECK(layout.first(100, &needed).n_tokens == 0);
  CHECK(needed.empty());
}

TEST_CASE("a snapshot that finds no room takes nothing") {
  for (const Shape& shape : {Shape::uniform(2, 1, 4), window_shape(), recurrent_shape()}) {
    Sequences all = make(shape);
    const int32_t id = all.open();
    step(all, id, 250, ChunkKind::prompt_end);
    SnapshotPieces pieces, others;
    const SnapshotLayout layout = all.layout(*all.find(id), &pieces);
    std::vector<Sequence> taken;
    Status status;
    for (int i = 0; i < 100 && status.ok(); ++i) {
      Sequence restored;
      status = all.allocate(layout, &restored, &others);
      if (status.ok()) taken.push_back(std::move(restored));
    }
    CHECK(status.code() == Code::KV_FULL);
    const int32_t free = all.free_tokens();
    Sequence restored;
    CHECK(all.allocate(layout, &restored, &others).code() == Code::KV_FULL);
    CHECK(all.free_tokens() == free);
    for (Sequence& sequence : taken) all.discard(&sequence);
    all.close(id);
    CHECK(all.free_tokens() == 2048);
  }
}
