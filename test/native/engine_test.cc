// The engine through its public header: what steps compute, what they refuse, and that a failed one changes nothing.
#include "include/engine.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <set>
#include <thread>

#include "tiny_model.h"

using namespace hearth;
using hearth::test::kTinyContext;
using hearth::test::kTinyVocab;
using hearth::test::TinyModel;

namespace {

SamplerOptions greedy() {
  SamplerOptions options;
  options.temperature = 0;
  return options;
}

EngineOptions small(int32_t threads = 2) {
  EngineOptions options;
  options.threads = threads;
  options.max_sequences = 4;
  options.context_tokens = kTinyContext;
  options.max_batch_tokens = 64;
  return options;
}

std::unique_ptr<Engine> open(const TinyModel& file, const EngineOptions& options = small()) {
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  std::unique_ptr<Engine> engine;
  REQUIRE(Engine::create(model, options, &engine).ok());
  return engine;
}

int32_t open_sequence(Engine& engine) {
  int32_t id = -1;
  REQUIRE(engine.open_sequence(greedy(), &id).ok());
  return id;
}

int32_t length(const Engine& engine, int32_t id) {
  int32_t n = -1;
  REQUIRE(engine.sequence_length(id, &n).ok());
  return n;
}

Status step(Engine& engine, int32_t id, const std::vector<int32_t>& tokens, StepResult* result) {
  StepPlan plan;
  plan.chunks.push_back({id, tokens, true, ChunkLogits::ALL});
  return engine.step_and_wait(std::move(plan), result);
}

std::vector<float> logits(Engine& engine, int32_t id, const std::vector<int32_t>& tokens) {
  StepResult result;
  REQUIRE(step(engine, id, tokens, &result).ok());
  REQUIRE(result.chunks.size() == 1);
  REQUIRE(result.chunks[0].logits.size() == tokens.size() * kTinyVocab);
  return result.chunks[0].logits;
}

std::vector<float> last_row(const std::vector<float>& all) { return {all.end() - kTinyVocab, all.end()}; }

Code step_code(Engine& engine, int32_t id, const std::vector<int32_t>& tokens) {
  StepResult result;
  return step(engine, id, tokens, &result).code();
}

const std::vector<int32_t> kPrompt = {5, 9, 33, 2, 71, 40, 18, 95, 0, 62};

}  // namespace

TEST_CASE("every kernel set and number of threads gives the same logits, bit for bit") {
  const TinyModel file;
  EngineOptions reference = small(1);
  reference.isa = "ref";
  const auto plain = open(file, reference);
  const std::vector<float> expected = logits(*plain, open_sequence(*plain), kPrompt);
  for (const std::string& isa : compiled_isas()) {
    std::string chosen;
    if (select_isa(isa, &chosen).code() == Code::ISA_UNSUPPORTED) continue;
    CHECK(chosen == isa);
    for (int32_t threads : {1, 2, 5}) {
      EngineOptions options = small(threads);
      options.isa = isa;
      const auto engine = open(file, options);
      CHECK(engine->isa() == isa);
      CHECK(logits(*engine, open_sequence(*engine), kPrompt) == expected);
    }
  }
}

TEST_CASE("a forced kernel set that this build does not have is refused") {
  std::string isa;
  const Status status = select_isa("quantum", &isa);
  CHECK(status.code() == Code::ISA_UNKNOWN);
  CHECK(status.message().find("ref") != std::string::npos);
}

TEST_CASE("a truncated sequence goes on as if the rest had never been") {
  const TinyModel file;
  const auto engine = open(file);
  const int32_t id = open_sequence(*engine);
  const std::vector<float> first = logits(*engine, id, kPrompt);
  REQUIRE(engine->truncate_sequence(id, 4).ok());
  CHECK(length(*engine, id) == 4);
  CHECK(last_row(logits(*engine, id, {kPrompt.begin() + 4, kPrompt.end()})) == last_row(first));
}

TEST_CASE("a fork shares the prefix and then goes its own way") {
  const TinyModel file;
  const auto engine = open(file);
  const int32_t source = open_sequence(*engine);
  const std::vector<float> whole = logits(*engine, source, kPrompt);
  int32_t fork = -1;
  REQUIRE(engine->fork_sequence(source, 6, greedy(), &fork).ok());
  logits(*engine, source, {1, 2, 3});  // the source moves on; the fork must not notice
  CHECK(last_row(logits(*engine, fork, {kPrompt.begin() + 6, kPrompt.end()})) == last_row(whole));
  REQUIRE(engine->close_sequence(source).ok());
  CHECK(length(*engine, fork) == 10);
}

TEST_CASE("sequences of one step do not see each other") {
  const TinyModel file;
  const auto engine = open(file);
  const int32_t a = open_sequence(*engine), b = open_sequence(*engine);
  const std::vector<int32_t> other = {7, 7, 8};
  StepPlan plan;
  plan.chunks.push_back({a, kPrompt, true, ChunkLogits::ALL});
  plan.chunks.push_back({b, other, true, ChunkLogits::ALL});
  StepResult both;
  REQUIRE(engine->step_and_wait(plan, &both).ok());
  const int32_t c = open_sequence(*engine), d = open_sequence(*engine);
  CHECK(both.chunks[0].logits == logits(*engine, c, kPrompt));
  CHECK(both.chunks[1].logits == logits(*engine, d, other));
}

TEST_CASE("a step returns the logits of the tokens that it was asked for, whatever it draws") {
  const TinyModel file;
  const auto engine = open(file);
  const std::vector<float> all = logits(*engine, open_sequence(*engine), kPrompt);
  for (bool sample : {false, true}) {
    StepPlan plan;
    plan.chunks.push_back({open_sequence(*engine), kPrompt, sample, ChunkLogits::NONE});
    plan.chunks.push_back({open_sequence(*engine), kPrompt, sample, ChunkLogits::LAST});
    plan.chunks.push_back({open_sequence(*engine), kPrompt, sample, ChunkLogits::ALL});
    StepResult result;
    REQUIRE(engine->step_and_wait(plan, &result).ok());
    CHECK(result.chunks[0].logits.empty());
    CHECK(result.chunks[1].logits == last_row(all));
    CHECK(result.chunks[2].logits == all);
    for (const ChunkResult& chunk : result.chunks) CHECK(chunk.tokens.size() == (sample ? 1 : 0));
    for (const StepPlan::Chunk& chunk : plan.chunks) REQUIRE(engine->close_sequence(chunk.sequence).ok());
  }
}

TEST_CASE("what a step refuses leaves the sequences as they were") {
  const TinyModel file;
  EngineOptions options = small();
  options.kv_tokens = 64;
  const auto engine = open(file, options);
  const int32_t id = open_sequence(*engine);
  logits(*engine, id, kPrompt);

  CHECK(step_code(*engine, id, {}) == Code::PLAN_INVALID);
  CHECK(step_code(*engine, id, std::vector<int32_t>(65, 1)) == Code::PLAN_INVALID);  // more than a batch
  CHECK(step_code(*engine, id, {-1}) == Code::TOKEN_OUT_OF_RANGE);
  CHECK(step_code(*engine, id, {kTinyVocab}) == Code::TOKEN_OUT_OF_RANGE);
  CHECK(step_code(*engine, 1000, {1}) == Code::SEQUENCE_UNKNOWN);
  CHECK(step_code(*engine, id, std::vector<int32_t>(60, 1)) == Code::KV_FULL);
  StepPlan twice;
  twice.chunks.push_back({id, kPrompt});
  twice.chunks.push_back({id, kPrompt});
  StepResult result;
  CHECK(engine->step_and_wait(twice, &result).code() == Code::PLAN_INVALID);

  CHECK(length(*engine, id) == 10);
  CHECK(engine->free_kv_tokens() == 32);
  CHECK(step_code(*engine, id, {3}) == Code::OK);
}

TEST_CASE("a step whose second sequence finds no room gives the first one's back") {
  const TinyModel file;
  EngineOptions options = small();
  options.kv_tokens = 64;
  const auto engine = open(file, options);
  const int32_t a = open_sequence(*engine), b = open_sequence(*engine);
  const std::vector<int32_t> most(33, 1), rest(10, 1);
  StepPlan plan;
  plan.chunks.push_back({a, rest});
  plan.chunks.push_back({b, most});
  StepResult result;
  CHECK(engine->step_and_wait(plan, &result).code() == Code::KV_FULL);
  CHECK(engine->free_kv_tokens() == 64);
  CHECK(length(*engine, a) == 0);
}

TEST_CASE("a step that is stopped ends between layers and leaves the sequence as it was") {
  const TinyModel file;
  Engine* running = nullptr;
  std::set<int> layers;
  EngineOptions options = small();
  options.trace = [&](std::string_view, int layer, std::span<const float>, size_t) {
    layers.insert(layer);
    if (layer == 0 && running != nullptr) running->stop_step();
  };
  const auto engine = open(file, options);
  const int32_t id = open_sequence(*engine);
  engine->stop_step();  // none runs: without effect
  const std::vector<float> expected = logits(*engine, id, kPrompt);
  CHECK(layers.contains(1));
  REQUIRE(engine->truncate_sequence(id, 0).ok());
  layers.clear();
  running = engine.get();
  CHECK(step_code(*engine, id, kPrompt) == Code::STOPPED);
  CHECK_FALSE(layers.contains(1));
  CHECK(length(*engine, id) == 0);
  running = nullptr;
  CHECK(logits(*engine, id, kPrompt) == expected);
}

TEST_CASE("an engine takes as many threads as it is told to, up to those it was made with") {
  const TinyModel file;
  const auto engine = open(file, small(3));
  const int32_t id = open_sequence(*engine);
  const std::vector<float> expected = logits(*engine, id, kPrompt);
  for (int32_t threads : {1, 2, 3}) {
    REQUIRE(engine->use_threads(threads, 1).ok());
    REQUIRE(engine->truncate_sequence(id, 0).ok());
    CHECK(logits(*engine, id, kPrompt) == expected);
  }
  CHECK(engine->use_threads(4, 1).code() == Code::OPTION_OUT_OF_RANGE);
  CHECK(engine->use_threads(2, 3).code() == Code::OPTION_OUT_OF_RANGE);
  CHECK(engine->use_threads(0, 0).code() == Code::OPTION_OUT_OF_RANGE);
}

TEST_CASE("the context's end is an error of its own") {
  const TinyModel file;
  const auto engine = open(file);
  const int32_t id = open_sequence(*engine);
  for (int i = 0; i < kTinyContext / 64; ++i) logits(*engine, id, std::vector<int32_t>(64, 3));
  CHECK(step_code(*engine, id, {1}) == Code::CONTEXT_OVERFLOW);
  CHECK(length(*engine, id) == kTinyContext);
}

TEST_CASE("while a step runs, nothing else may change the sequences") {
  const TinyModel file;
  std::promise<void> entered, go;
  std::shared_future<void> released = go.get_future().share();
  EngineOptions options = small();
  bool first = true;
  options.trace = [&](std::string_view, int, std::span<const float>, size_t) {
    if (!std::exchange(first, false)) return;
    entered.set_value();
    released.wait();
  };
  const auto engine = open(file, options);
  const int32_t id = open_sequence(*engine);
  std::promise<Status> ended;
  StepPlan plan;
  plan.chunks.push_back({id, kPrompt, true});
  REQUIRE(engine->step(plan, [&](Status status, StepResult) { ended.set_value(status); }).ok());
  entered.get_future().wait();
  int32_t other = -1;
  CHECK(engine->open_sequence(greedy(), &other).code() == Code::ENGINE_BUSY);
  CHECK(engine->truncate_sequence(id, 0).code() == Code::ENGINE_BUSY);
  CHECK(engine->close_sequence(id).code() == Code::ENGINE_BUSY);
  CHECK(engine->use_threads(1, 1).code() == Code::ENGINE_BUSY);
  CHECK(engine->step(plan, [](Status, StepResult) {}).code() == Code::ENGINE_BUSY);
  go.set_value();
  CHECK(ended.get_future().get().ok());
  CHECK(engine->close_sequence(id).ok());
}

TEST_CASE("a destroyed engine ends the running step first") {
  const TinyModel file;
  auto engine = open(file);
  const int32_t id = open_sequence(*engine);
  std::promise<Status> ended;
  StepPlan plan;
  plan.chunks.push_back({id, kPrompt, true});
  REQUIRE(engine->step(plan, [&](Status status, StepResult) { ended.set_value(status); }).ok());
  engine.reset();
  CHECK(ended.get_future().get().ok());
}

TEST_CASE("a file cut short under a running engine fails the step and nothing else") {
  const TinyModel file;
  const auto engine = open(file);
  const int32_t id = open_sequence(*engine);
  logits(*engine, id, kPrompt);
  REQUIRE(truncate(file.path().c_str(), 0) == 0);
  StepResult result;
  const Status status = step(*engine, id, {1}, &result);
  CHECK((status.code() == Code::FILE_CHANGED || status.code() == Code::FILE_READ_FAILED));
  CHECK(length(*engine, id) == 10);
  CHECK(engine->close_sequence(id).ok());
}

TEST_CASE("the trace names every kind of tensor of every layer") {
  const TinyModel file;
  std::set<std::pair<std::string, int>> seen;
  EngineOptions options = small();
  options.trace = [&](std::string_view name, int layer, std::span<const float> data, size_t cols) {
    CHECK(cols > 0);
    CHECK(data.size() % cols == 0);
    seen.emplace(name, layer);
  };
  const auto engine = open(file, options);
  logits(*engine, open_sequence(*engine), kPrompt);
  for (const char* name : {"q", "k", "v", "attended", "attn_residual", "ffn_gated", "layer"}) {
    for (int layer : {0, 1}) CHECK(seen.count({name, layer}) == 1);
  }
  CHECK(seen.count({"embed", -1}) == 1);
  CHECK(seen.count({"logits", -1}) == 1);
}

TEST_CASE("options out of range are refused by name") {
  const TinyModel file;
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  std::unique_ptr<Engine> engine;
  EngineOptions options = small();
  options.max_sequences = 0;
  const Status status = Engine::create(model, options, &engine);
  CHECK(status.code() == Code::OPTION_OUT_OF_RANGE);
  CHECK(status.message().find("max_sequences") != std::string::npos);
}

TEST_CASE("a type of KV cache that is unknown or does not suit the heads is refused") {
  const TinyModel file;  // heads of 8
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  std::unique_ptr<Engine> engine;
  EngineOptions options = small();
  for (const auto& [type, reason] : {std::pair("q4_0", "not f16 or q8_0"), std::pair("q8_0", "multiple of 32")}) {
    options.kv_type = type;
    const Status status = Engine::create(model, options, &engine);
    CHECK(status.code() == Code::OPTION_OUT_OF_RANGE);
    CHECK(status.message().find(reason) != std::string::npos);
  }
}

TEST_CASE("more sequences than the engine has are refused") {
  const TinyModel file;
  const auto engine = open(file);
  for (int i = 0; i < 4; ++i) open_sequence(*engine);
  int32_t id = -1;
  CHECK_FALSE(engine->open_sequence(greedy(), &id).ok());
}

TEST_CASE("a vocabulary-only model makes no engine") {
  const TinyModel file;
  std::shared_ptr<const Model> model;
  LoadOptions options;
  options.vocabulary_only = true;
  REQUIRE(Model::load(file.path(), options, &model).ok());
  CHECK_FALSE(model->info().has_weights);
  std::unique_ptr<Engine> engine;
  CHECK(Engine::create(model, small(), &engine).code() == Code::MODEL_HAS_NO_WEIGHTS);
}

namespace {

// Draws `n` tokens one a step; `steps` counts them.
std::vector<int32_t> draw_alone(Engine& engine, int32_t id, std::vector<int32_t> prompt, int n) {
  std::vector<int32_t> drawn;
  while (static_cast<int>(drawn.size()) < n) {
    StepResult result;
    StepPlan plan;
    plan.chunks.push_back({id, prompt, true});
    REQUIRE(engine.step_and_wait(plan, &result).ok());
    REQUIRE(result.chunks[0].tokens.size() == 1);
    drawn.push_back(result.chunks[0].tokens[0]);
    prompt = {drawn.back()};
  }
  return drawn;
}

SamplerOptions lively() {
  SamplerOptions options;
  options.temperature = 1.2f;
  options.repetition_penalty = 1.3f;
  options.seed = 7;
  return options;
}

}  // namespace

TEST_CASE("drafts are kept as far as the sampler draws the same, and change no token") {
  const TinyModel file;
  const auto engine = open(file);
  for (const SamplerOptions& sampler : {greedy(), lively()}) {
    int32_t plain = -1;
    REQUIRE(engine->open_sequence(sampler, &plain).ok());
    const std::vector<int32_t> expected = draw_alone(*engine, plain, kPrompt, 6);
    for (size_t right = 0; right <= 4; ++right) {
      CAPTURE(right);
      int32_t id = -1;
      REQUIRE(engine->open_sequence(sampler, &id).ok());
      std::vector<int32_t> tokens = kPrompt;
      for (size_t i = 0; i < 4; ++i) {
        tokens.push_back(i < right ? expected[i] : (expected[i] + 1) % static_cast<int32_t>(kTinyVocab));
      }
      StepPlan plan;
      plan.chunks.push_back({id, tokens, true, ChunkLogits::NONE, 4});
      StepResult result;
      REQUIRE(engine->step_and_wait(plan, &result).ok());
      const std::vector<int32_t> drawn(expected.begin(), expected.begin() + static_cast<long>(right) + 1);
      CHECK(result.chunks[0].tokens == drawn);
      CHECK(result.chunks[0].stopped == StopReason::NONE);
      CHECK(length(*engine, id) == static_cast<int32_t>(kPrompt.size() + right));
      // The tokens that follow equal those without drafts.
      CHECK(draw_alone(*engine, id, {expected[right]}, 1)[0] == expected[right + 1]);
      REQUIRE(engine->close_sequence(id).ok());
    }
    REQUIRE(engine->close_sequence(plain).ok());
  }
}

TEST_CASE("hidden states are the same in any pieces, beside any other sequence, and have no logits") {
  const TinyModel file;
  const auto engine = open(file);
  const auto hidden = [&](int32_t id, std::span<const int32_t> tokens, StepResult* result) {
    StepPlan plan;
    plan.chunks.push_back({.sequence = id, .tokens = tokens, .hidden = true});
    REQUIRE(engine->step_and_wait(std::move(plan), result).ok());
  };
  StepResult whole;
  hidden(open_sequence(*engine), kPrompt, &whole);
  const std::vector<float>& expected = whole.chunks[0].hidden;
  const size_t n_embd = expected.size() / kPrompt.size();
  REQUIRE(n_embd * kPrompt.size() == expected.size());
  REQUIRE(n_embd > 1);
  CHECK(whole.chunks[0].logits.empty());
  CHECK(whole.chunks[0].tokens.empty());

  const int32_t split = open_sequence(*engine);
  const int32_t other = open_sequence(*engine);
  StepResult first;
  hidden(split, std::span(kPrompt).first(4), &first);
  StepPlan plan;
  plan.chunks.push_back({.sequence = split, .tokens = std::span(kPrompt).subspan(4), .hidden = true});
  plan.chunks.push_back({.sequence = other, .tokens = kPrompt, .sample = true, .logits = ChunkLogits::ALL});
  StepResult second;
  REQUIRE(engine->step_and_wait(std::move(plan), &second).ok());
  std::vector<float> joined = first.chunks[0].hidden;
  const std::vector<float>& rest = second.chunks[0].hidden;
  joined.insert(joined.end(), rest.begin(), rest.end());
  CHECK(joined == expected);
  CHECK(second.chunks[0].tokens.empty());
  CHECK(second.chunks[1].hidden.empty());
  CHECK(second.chunks[1].logits == logits(*engine, open_sequence(*engine), kPrompt));
  CHECK(second.chunks[1].tokens.size() == 1);

  StepPlan both;
  both.chunks.push_back({.sequence = other, .tokens = kPrompt, .sample = true, .hidden = true});
  CHECK(engine->step_and_wait(std::move(both), &second).code() == Code::PLAN_INVALID);
}

TEST_CASE("a chunk cannot be all drafts, nor have drafts where nothing is drawn") {
  const TinyModel file;
  const auto engine = open(file);
  const int32_t id = open_sequence(*engine);
  const std::vector<int32_t> two = {1, 2};
  StepResult result;
  for (const StepPlan::Chunk& chunk :
       {StepPlan::Chunk{id, two, true, ChunkLogits::NONE, 2}, StepPlan::Chunk{id, two, true, ChunkLogits::NONE, -1},
        StepPlan::Chunk{id, two, false, ChunkLogits::NONE, 1}, StepPlan::Chunk{id, two, true, ChunkLogits::LAST, 1}}) {
    StepPlan plan;
    plan.chunks.push_back(chunk);
    CHECK(engine->step_and_wait(plan, &result).code() == Code::PLAN_INVALID);
    CHECK(length(*engine, id) == 0);
  }
}
