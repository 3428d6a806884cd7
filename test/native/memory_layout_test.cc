// A plan from a header says of every budget what an engine that is made within it then does: dense models, and mixtures
// of experts. The models are of zeros, and just large enough that an engine would stream them.
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/hash64.h"
#include "files.h"
#include "gguf/writer.h"
#include "include/plan.h"
#include "memory/budget.h"
#include "memory/expert_counts.h"
#include "memory/model_parts.h"

namespace hearth {
namespace {

constexpr uint64_t kMb = 1'000'000;
constexpr uint32_t kExperts = 16, kUsed = 2;

struct Shape {
  const char* architecture;
  uint32_t layers, embd, ff;
  bool has_experts;
};

constexpr Shape kDense{"llama", 5, 512, 2048, false};
constexpr Shape kMixture{"qwen3moe", 6, 256, 256, true};

// A file of zeros in a folder that goes with the test.
class ZeroModel {
 public:
  explicit ZeroModel(const Shape& shape) {
    const std::string name = shape.architecture;
    const auto key = [&](const char* what, auto value) { writer_.add(name + what, value); };
    const uint32_t heads = 4;
    writer_.add("general.architecture", std::string_view(name));
    key(".context_length", uint32_t{128});
    key(".embedding_length", shape.embd);
    key(".block_count", shape.layers);
    key(".feed_forward_length", shape.ff);
    key(".attention.head_count", heads);
    key(".attention.head_count_kv", heads);
    key(".attention.layer_norm_rms_epsilon", 1e-5f);
    if (shape.has_experts) {
      key(".expert_count", kExperts);
      key(".expert_used_count", kUsed);
      key(".expert_feed_forward_length", shape.ff);
    }
    writer_.add("tokenizer.ggml.model", std::string_view("no_vocab"));
    const uint64_t embd = shape.embd, ff = shape.ff;
    add("token_embd.weight", {embd, 96});
    add("output_norm.weight", {embd});
    for (uint32_t layer = 0; layer < shape.layers; ++layer) {
      const std::string blk = "blk." + std::to_string(layer) + ".";
      for (const char* matrix : {"attn_q", "attn_k", "attn_v", "attn_output"})
        add(blk + matrix + ".weight", {embd, embd});
      for (const char* norm : {"attn_norm", "ffn_norm"}) add(blk + norm + ".weight", {embd});
      if (shape.has_experts) {
        for (const char* norm : {"attn_q_norm", "attn_k_norm"}) add(blk + norm + ".weight", {embd / heads});
        add(blk + "ffn_gate_inp.weight", {embd, kExperts});
        for (const char* part : {"ffn_gate_exps", "ffn_up_exps"}) add(blk + part + ".weight", {embd, ff, kExperts});
        add(blk + "ffn_down_exps.weight", {ff, embd, kExperts});
      } else {
        for (const char* part : {"ffn_gate", "ffn_up"}) add(blk + part + ".weight", {embd, ff});
        add(blk + "ffn_down.weight", {ff, embd});
      }
    }
    REQUIRE(writer_.begin(path()).ok());
    for (const uint64_t bytes : writer_.tensor_bytes()) REQUIRE(writer_.write(std::vector<uint8_t>(bytes)).ok());
    REQUIRE(writer_.finish().ok());
  }

  std::string path() const { return folder_.file("zeros.gguf"); }
  std::string folder() const { return folder_.file(""); }
  FileHead head() const {
    const test::MappedGguf mapped(path());
    const auto bytes = mapped.mapped->bytes();
    const auto first = bytes.first(mapped.gguf.data_offset());
    return {path(), {first.begin(), first.end()}, bytes.size()};
  }
  // Counts as of an earlier run that used every expert as often as the others.
  void use_all_experts(size_t layers) const {
    std::unique_ptr<ModelParts> parts;
    REQUIRE(ModelParts::open(path(), true, &parts).ok());
    ExpertCounts counts(layers, kExperts);
    for (size_t layer = 0; layer < layers; ++layer) {
      for (size_t e = 0; e < kExperts; ++e) counts.add(layer, e, 100);
    }
    const uint64_t key = hash64(std::as_bytes(parts->header_bytes()), parts->bytes());
    char name[32];
    std::snprintf(name, sizeof name, "%016llx.experts", static_cast<unsigned long long>(key));
    REQUIRE(counts.save(folder_.file(name), key).ok());
  }

 private:
  void add(const std::string& name, const std::vector<uint64_t>& shape) {
    REQUIRE(writer_.add_tensor(name, HEARTH_TYPE_F32, shape).ok());
  }
  test::TemporaryFolder folder_;
  GgufWriter writer_;
};

MemoryPlan plan_of(const ZeroModel& file, const EngineOptions& options, uint64_t memory_bytes, uint64_t process_bytes) {
  const FileHead head = file.head();
  const MemoryPlanRequest request{
      .engine = options, .memory_bytes = memory_bytes, .process_bytes = std::max<uint64_t>(1, process_bytes)};
  ModelPlan plan;
  REQUIRE(plan_memory(std::span(&head, 1), std::span(&request, 1), &plan).ok());
  return plan.plans[0];
}

EngineOptions small_options(const ZeroModel& file) {
  EngineOptions options;
  options.threads = 1;
  options.context_tokens = 128;
  options.max_sequences = 2;
  options.max_batch_tokens = 16;
  options.counts_folder = file.folder();
  return options;
}

// The engine's report once all that stays is there.
std::optional<WeightResidency> settled(const Engine& engine, uint64_t kept_bytes) {
  std::optional<WeightResidency> report = engine.residency();
  for (int i = 0; i < 2000 && report && report->kept_bytes < kept_bytes; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    report = engine.residency();
  }
  return report;
}

void check_plans(const Shape& shape, const std::vector<uint64_t>& budgets, size_t n_streaming) {
  const ZeroModel file(shape);
  if (shape.has_experts) file.use_all_experts(shape.layers);
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  size_t streaming = 0;
  for (const uint64_t budget : budgets) {
    CAPTURE(budget);
    EngineOptions options = small_options(file);
    // The engine takes off what the process has, and a reserve: a plan is told the same budget by what is left.
    options.memory_budget = own_bytes() + budget + budget_within(own_bytes() + budget, 0).reserve;
    std::unique_ptr<Engine> engine;
    REQUIRE(Engine::create(model, options, &engine).ok());
    const auto first = engine->residency();
    const uint64_t left = first ? first->budget_bytes : budget;
    const uint64_t reserve = budget_within(options.memory_budget, 0).reserve;
    const MemoryPlan plan = plan_of(file, options, options.memory_budget, options.memory_budget - reserve - left);
    REQUIRE(plan.budget_bytes == left);

    CHECK(plan.weight_bytes == engine->memory().weights);
    CHECK(plan.options.max_batch_tokens == engine->options().max_batch_tokens);
    CHECK(plan.options.kv_tokens == engine->options().kv_tokens);
    CHECK(plan.n_expert == (shape.has_experts ? kExperts : 0));
    CHECK(plan.kept_bytes + plan.streamed_bytes == plan.weight_bytes);
    const auto report = settled(*engine, plan.kept_bytes);
    CHECK(report.has_value() == (plan.streamed_bytes > 0));
    if (!report) continue;
    ++streaming;
    CHECK(report->kept_bytes == plan.kept_bytes);
    CHECK(report->ring_bytes == plan.ring_bytes);
    // The report is of what a token reads: all that is streamed of the matrices, and its share of the experts.
    const uint64_t dense = plan.streamed_bytes - plan.streamed_expert_bytes;
    const uint64_t of_experts = shape.has_experts ? plan.streamed_expert_bytes * kUsed / kExperts : 0;
    CHECK(report->streamed_bytes <= dense + of_experts);
    CHECK(report->streamed_bytes + shape.layers >= dense + of_experts);  // rounded for each layer
  }
  CHECK(streaming == n_streaming);
}

TEST_CASE("the plan of a dense model is what an engine does, whatever the budget") {
  check_plans(kDense, {5 * kMb, 30 * kMb, 60 * kMb, 85 * kMb, 1000 * kMb}, 4);
}

TEST_CASE("the plan of a mixture of experts is what an engine does, whatever the budget") {
  check_plans(kMixture, {5 * kMb, 12 * kMb, 25 * kMb, 50 * kMb, 80 * kMb, 1000 * kMb}, 5);
}

}  // namespace
}  // namespace hearth
