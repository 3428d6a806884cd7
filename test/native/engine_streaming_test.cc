// An engine whose weights are streamed: the same logits and tokens, and errors that pass.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>
#include <type_traits>

#include "include/engine.h"
#include "tiny_model.h"

using namespace hearth;
using hearth::test::kTinyContext;
using hearth::test::kTinyVocab;
using hearth::test::TinyModel;

namespace {

std::unique_ptr<Engine> open(const TinyModel& file, float kept_share) {
  EngineOptions options;
  options.threads = 2;
  options.context_tokens = kTinyContext;
  options.max_batch_tokens = 16;
  options.kept_share = kept_share;
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  std::unique_ptr<Engine> engine;
  REQUIRE(Engine::create(model, options, &engine).ok());
  return engine;
}

int32_t open_sequence(Engine& engine) {
  SamplerOptions greedy;
  greedy.temperature = 0;
  int32_t id = -1;
  REQUIRE(engine.open_sequence(greedy, &id).ok());
  return id;
}

Status step(Engine& engine, int32_t id, const std::vector<int32_t>& tokens, ChunkLogits logits, StepResult* result) {
  StepPlan plan;
  plan.chunks.push_back({.sequence = id, .tokens = tokens, .sample = logits != ChunkLogits::NONE, .logits = logits});
  return engine.step_and_wait(std::move(plan), result);
}

// Changes the engine's memory and waits for the end of that.
template <typename T>
Status change(Engine& engine, Status (Engine::*method)(T, std::function<void(Status)>), std::type_identity_t<T> value) {
  std::promise<Status> ended;
  HEARTH_RETURN_IF_ERROR((engine.*method)(value, [&](Status status) { ended.set_value(std::move(status)); }));
  return ended.get_future().get();
}

// A prompt in two steps, the first one without outputs, and then token by token.
std::vector<std::vector<float>> answer(Engine& engine) {
  const int32_t id = open_sequence(engine);
  std::vector<std::vector<float>> all;
  StepResult result;
  REQUIRE(step(engine, id, {5, 9, 33, 2, 71, 40, 18}, ChunkLogits::NONE, &result).ok());
  for (const std::vector<int32_t>& tokens : {std::vector<int32_t>{95, 0, 62}, {4}, {77}, {1}}) {
    REQUIRE(step(engine, id, tokens, ChunkLogits::ALL, &result).ok());
    REQUIRE(result.chunks[0].logits.size() == tokens.size() * kTinyVocab);
    all.push_back(result.chunks[0].logits);
  }
  REQUIRE(engine.close_sequence(id).ok());
  return all;
}

}  // namespace

TEST_CASE("an engine that streams its weights gives the same logits, bit for bit") {
  const TinyModel file;
  const auto whole = open(file, -1);
  CHECK_FALSE(whole->residency().has_value());
  const auto expected = answer(*whole);
  for (const float kept_share : {0.0f, 0.5f, 1.0f}) {
    CAPTURE(kept_share);
    const auto engine = open(file, kept_share);
    for (int i = 0; i < 3; ++i) CHECK(answer(*engine) == expected);
    const auto residency = engine->residency();
    REQUIRE(residency.has_value());
    CHECK((residency->streamed_bytes > 0) == (kept_share < 1));
    CHECK((residency->kept_bytes > 0) == (kept_share > 0));
    CHECK((residency->read_bytes > 0) == (kept_share < 1));
    CHECK_FALSE(residency->limit.empty());
  }
}

TEST_CASE("where weights are streamed a step takes more tokens, so that one reading serves them") {
  const TinyModel file;
  CHECK(open(file, -1)->options().max_batch_tokens == 16);
  CHECK(open(file, 0.5f)->options().max_batch_tokens == kTinyContext);
}

TEST_CASE("weights that can no longer be read fail the step and change nothing") {
  const TinyModel file;
  const auto engine = open(file, 0.0f);
  const auto expected = answer(*engine);
  const int32_t id = open_sequence(*engine);
  REQUIRE(truncate(file.path().c_str(), 4096) == 0);
  StepResult result;
  for (int i = 0; i < 3; ++i) {
    const Code code = step(*engine, id, {5, 9}, ChunkLogits::ALL, &result).code();
    CHECK((code == Code::FILE_CHANGED || code == Code::FILE_READ_FAILED));
    int32_t n = -1;
    REQUIRE(engine->sequence_length(id, &n).ok());
    CHECK(n == 0);
  }
}

TEST_CASE("weights that cannot be read for a while fail the steps meanwhile, and those after give the same logits") {
  const TinyModel file;
  for (const float kept_share : {-1.0f, 0.0f, 0.5f, 1.0f}) {
    CAPTURE(kept_share);
    const auto engine = open(file, kept_share);
    const auto expected = answer(*engine);
    std::stringstream content;
    content << std::ifstream(file.path()).rdbuf();
    const auto time = std::filesystem::last_write_time(file.path());
    for (int i = 0; i < 2; ++i) {
      REQUIRE(truncate(file.path().c_str(), 4096) == 0);
      const int32_t id = open_sequence(*engine);
      StepResult result;
      CHECK_FALSE(step(*engine, id, {5, 9}, ChunkLogits::ALL, &result).ok());
      CHECK_FALSE(step(*engine, id, {5, 9}, ChunkLogits::ALL, &result).ok());
      std::ofstream(file.path()) << content.str();
      std::filesystem::last_write_time(file.path(), time);
      // Tiles that were read ahead of their use may fail one step more.
      const Code code = step(*engine, id, {5, 9}, ChunkLogits::NONE, &result).code();
      CHECK((code == Code::OK || code == Code::FILE_READ_FAILED));
      REQUIRE(engine->close_sequence(id).ok());
      CHECK(answer(*engine) == expected);
    }
  }
}

TEST_CASE("weights may be given less memory and more again between steps, and the logits stay the same") {
  const TinyModel file;
  const auto engine = open(file, -1);
  const auto expected = answer(*engine);
  const EngineMemory whole = engine->memory();
  CHECK(whole.weights > 0);
  CHECK(whole.held == whole.weights);
  CHECK(whole.affordable > 0);
  for (const uint64_t bytes : {uint64_t{0}, whole.weights / 2, uint64_t{0}, whole.weights - 1, whole.weights}) {
    CAPTURE(bytes);
    REQUIRE(change(*engine, &Engine::fit_weights, bytes).ok());
    CHECK(engine->residency().has_value() == (bytes < whole.weights));
    CHECK(answer(*engine) == expected);
    CHECK(engine->memory().weights == whole.weights);
  }
  CHECK(engine->memory().held == whole.held);
  REQUIRE(change(*engine, &Engine::hold_free_kv, true).ok());
  CHECK(answer(*engine) == expected);
  const int32_t id = open_sequence(*engine);
  StepResult result;
  REQUIRE(step(*engine, id, {5, 9, 33, 2, 71, 40, 18}, ChunkLogits::NONE, &result).ok());
  REQUIRE(change(*engine, &Engine::hold_free_kv, false).ok());
  REQUIRE(step(*engine, id, {95, 0, 62}, ChunkLogits::ALL, &result).ok());
  CHECK(result.chunks[0].logits == expected[0]);
}

TEST_CASE("a change of memory that cannot be made says which one it was, and the engine goes on") {
  const TinyModel file;
  const auto engine = open(file, -1);
  const auto expected = answer(*engine);
  pthread_attr_t usual, too_large;
  REQUIRE(pthread_getattr_default_np(&usual) == 0);
  REQUIRE(pthread_attr_init(&too_large) == 0);
  REQUIRE(pthread_attr_setstacksize(&too_large, size_t{1} << 47) == 0);  // no address space holds such a stack
  const auto refused = [&](auto method, auto value) {
    REQUIRE(pthread_setattr_default_np(&too_large) == 0);
    const Status status = (engine.get()->*method)(value, [](Status) {});
    REQUIRE(pthread_setattr_default_np(&usual) == 0);
    CHECK(status.code() == Code::OUT_OF_MEMORY);
    return status.message();
  };
  CHECK(refused(&Engine::hold_free_kv, true) == "There is no thread to hold free room of the KV cache.");
  CHECK(refused(&Engine::hold_free_kv, false) == "There is no thread to give back free room of the KV cache.");
  CHECK(refused(&Engine::fit_weights, uint64_t{0}) ==
        "There is no thread to keep another part of the weights in memory.");
  CHECK(answer(*engine) == expected);
  REQUIRE(change(*engine, &Engine::hold_free_kv, true).ok());
}

TEST_CASE("while memory changes the engine is busy, can be asked how it stands, and may be closed") {
  const TinyModel file;
  auto engine = open(file, -1);
  const uint64_t whole = engine->memory().weights;
  const int32_t id = open_sequence(*engine);
  std::atomic<int> ended{0};
  int busy = 0;
  StepResult result;
  for (int i = 0; i < 50; ++i) {
    const auto done = [&](Status status) { ended += status.ok(); };
    REQUIRE(engine->fit_weights(i % 2 == 0 ? 0 : whole, done).ok());
    // Whatever moment of the change these meet, none of them may wait for it, or end what it puts away.
    for (int n = 0; n < 4; ++n) {
      CHECK(engine->memory().weights == whole);
      (void)engine->residency();
      CHECK(engine->free_kv_tokens() > 0);
      busy += engine->truncate_sequence(id, 0).code() == Code::ENGINE_BUSY;
    }
    Code code = Code::ENGINE_BUSY;
    while (code == Code::ENGINE_BUSY) code = step(*engine, id, {5, 9}, ChunkLogits::NONE, &result).code();
    REQUIRE(code == Code::OK);
    REQUIRE(engine->truncate_sequence(id, 0).ok());
  }
  CHECK(busy > 0);
  REQUIRE(engine->fit_weights(0, [&](Status status) { ended += status.ok(); }).ok());
  engine.reset();
  CHECK(ended == 51);
}

TEST_CASE("a tiny model is never streamed for want of memory, and a share beyond 1 is refused") {
  const TinyModel file;
  EngineOptions options;
  options.memory_budget = 1;
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  std::unique_ptr<Engine> engine;
  REQUIRE(Engine::create(model, options, &engine).ok());
  CHECK_FALSE(engine->residency().has_value());
  options.kept_share = 1.5f;
  CHECK(Engine::create(model, options, &engine).code() == Code::OPTION_OUT_OF_RANGE);
}
