// Sequences of models with windows and recurrent layers: what they keep, where they can go back to, and that nothing is
// lost or taken twice.
#include "kv/sequences.h"

#include <doctest/doctest.h>

using hearth::Code;
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
    CHECK(all.resumable(sequence, 149) == 128);
    CHECK(all.resumable(sequence, 127) == 0);

    all.truncate(all.find(id), 149);
    CHECK(sequence.table.n_tokens == 128);
    CHECK(all.cache().has_window(sequence.table, 128));
    if (all.states().used()) CHECK(state_of(all, id) == 128);
    step(all, id, 30, ChunkKind::prompt_end);
    // Where prompts parted is a checkpoint now; a window that still holds what came before needs none.
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
    CHECK(all.resumable(*all.find(copy), 209) == (all.states().used() ? 192 : 209));
    all.truncate(all.find(copy), 140);
    CHECK(all.find(copy)->table.n_tokens == 128);
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
