// Plans of memory, told from headers alone: what an engine does, and what measurements need.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "files.h"
#include "include/plan.h"
#include "memory/header_image.h"
#include "memory/read_speed.h"
#include "tiny_model.h"

using namespace hearth;
using hearth::test::kTinyContext;
using hearth::test::TemporaryFolder;
using hearth::test::TinyModel;

namespace {

std::vector<uint8_t> content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The bytes of a file up to its weights.
FileHead head_of(const TinyModel& file) {
  const test::MappedGguf mapped(file.path());
  std::vector<uint8_t> bytes = content(file.path());
  const uint64_t file_bytes = bytes.size();
  bytes.resize(mapped.gguf.data_offset());
  return {file.path(), std::move(bytes), file_bytes};
}

EngineOptions small_options(float kept_share) {
  EngineOptions options;
  options.threads = 2;
  options.context_tokens = kTinyContext;
  options.max_batch_tokens = 16;
  options.kept_share = kept_share;
  return options;
}

}  // namespace

TEST_CASE("a plan from the header alone is how an engine divides its memory") {
  const TinyModel file;
  for (const float kept_share : {0.0f, 0.5f, 1.0f}) {
    CAPTURE(kept_share);
    const EngineOptions options = small_options(kept_share);
    ModelPlan plan;
    const MemoryPlanRequest request{.engine = options, .memory_bytes = 0, .process_bytes = 0};
    const FileHead head = head_of(file);
    REQUIRE(plan_memory(std::span(&head, 1), std::span(&request, 1), &plan).ok());
    REQUIRE(plan.plans.size() == 1);

    std::shared_ptr<const Model> model;
    REQUIRE(Model::load(file.path(), {}, &model).ok());
    std::unique_ptr<Engine> engine;
    REQUIRE(Engine::create(model, options, &engine).ok());
    const auto residency = engine->residency();
    REQUIRE(residency.has_value());
    const MemoryPlan& planned = plan.plans[0];
    CHECK(planned.kept_bytes == residency->kept_bytes);
    CHECK(planned.streamed_bytes == residency->streamed_bytes);
    CHECK(planned.ring_bytes == residency->ring_bytes);
    CHECK(planned.weight_bytes == planned.kept_bytes + planned.streamed_bytes);
    CHECK(planned.options.max_batch_tokens == engine->options().max_batch_tokens);
    CHECK(planned.options.kv_tokens == engine->options().kv_tokens);
    CHECK(plan.model.architecture == "llama");
    CHECK(plan.model.file_bytes == head.file_bytes);
    CHECK(planned.kv_bytes > 0);
    CHECK(planned.scratch_bytes > 0);
  }
}

TEST_CASE("a beginning of a file that ends within its header is told from one that holds it") {
  const TinyModel file;
  const FileHead head = head_of(file);
  constexpr size_t kMostPadding = 32;
  for (size_t n = 4; n + kMostPadding < head.bytes.size(); n += 61) {
    bool whole = true;
    CHECK(check_file_head(std::span(head.bytes).first(n), head.file_bytes, &whole).ok());
    CHECK_FALSE(whole);
  }
  bool whole = false;
  CHECK(check_file_head(head.bytes, head.file_bytes, &whole).ok());
  CHECK(whole);
  CHECK(check_file_head(head.bytes, head.bytes.size(), &whole).code() == Code::GGUF_TENSOR_OUT_OF_BOUNDS);
}

TEST_CASE("a file of 200 GB is planned for without memory, and one beyond small address spaces is refused" *
          doctest::test_suite("address space")) {
  const TinyModel file;
  FileHead head = head_of(file);
  const MemoryPlanRequest request{.engine = small_options(-1), .memory_bytes = uint64_t{1} << 30, .process_bytes = 1};
  ModelPlan plan;
  head.file_bytes = uint64_t{200} << 30;
  REQUIRE(plan_memory(std::span(&head, 1), std::span(&request, 1), &plan).ok());
  CHECK(plan.model.file_bytes == head.file_bytes);
  CHECK(plan.plans[0].limit == "memory.budget_bytes");
  CHECK(plan.plans[0].process_bytes == 1);
  CHECK(plan.plans[0].budget_bytes + plan.plans[0].reserve_bytes + 1 == request.memory_bytes);
  head.file_bytes = uint64_t{1} << 39;
  CHECK(plan_memory(std::span(&head, 1), std::span(&request, 1), &plan).code() == Code::GGUF_LIMIT_EXCEEDED);
}

TEST_CASE("a part of a model is no whole one") {
  const TinyModel file;
  const FileHead heads[] = {head_of(file), head_of(file)};
  const MemoryPlanRequest request{.engine = small_options(-1), .memory_bytes = 0, .process_bytes = 0};
  ModelPlan plan;
  CHECK(plan_memory(heads, std::span(&request, 1), &plan).code() == Code::MODEL_PART_INVALID);
}

TEST_CASE("a file is read for its speed whatever its size, and what is no file is an error") {
  const TemporaryFolder folder;
  const ReadSpeedOptions options{.duration = std::chrono::milliseconds(20), .read_bytes = 16384, .readers = 2};
  for (const size_t n : {size_t{1}, size_t{16384}, size_t{700'001}}) {
    CAPTURE(n);
    const std::string path = folder.file("f");
    std::ofstream(path, std::ios::binary) << std::string(n, 'x');
    double speed = 0;
    REQUIRE(measure_read_speed(path, options, &speed).ok());
    CHECK(speed > 0);
  }
  double speed = 0;
  CHECK(measure_read_speed(folder.file("none"), options, &speed).code() == Code::FILE_OPEN_FAILED);
  CHECK(measure_read_speed(folder.file("."), options, &speed).code() == Code::FILE_OPEN_FAILED);
}

TEST_CASE("weights of a type are multiplied for their speed; a type or row that cannot be is refused") {
  double speed = 0;
  WeightTrial trial{.type = "Q4_0", .row_length = 256, .matmul = {.way = "", .columns = 64, .threads = 1}};
  REQUIRE(measure_weights(trial, &speed).ok());
  CHECK(speed > 0);
  trial.row_length = 33;
  CHECK(measure_weights(trial, &speed).code() == Code::OPTION_OUT_OF_RANGE);
  trial.type = "I64";
  trial.row_length = 32;
  CHECK(measure_weights(trial, &speed).code() == Code::MODEL_TENSOR_TYPE_UNSUPPORTED);
  trial.type = "what";
  CHECK(measure_weights(trial, &speed).code() == Code::OPTION_OUT_OF_RANGE);
}
