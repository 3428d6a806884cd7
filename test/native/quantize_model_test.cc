// Whole files: what quantizing and importing write, and what they refuse.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "files.h"
#include "gguf/writer.h"
#include "include/quantize.h"

namespace hearth {
namespace {

std::vector<float> counting(size_t n) {
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = std::sin(static_cast<float>(i) * 0.37f);
  return x;
}

std::span<const uint8_t> bytes_of(const std::vector<float>& x) {
  return {reinterpret_cast<const uint8_t*>(x.data()), x.size() * sizeof(float)};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Two matrices of F32 around a norm, the last one not in the order of names.
void write_source(const std::string& path, const std::vector<float>& first) {
  GgufWriter writer;
  writer.add("general.architecture", std::string_view("llama"));
  writer.add("general.file_type", uint32_t{0});
  writer.add("tokenizer.ggml.scores", std::span<const float>(std::vector<float>{1.5f, -2.5f}));
  writer.add("split.count", uint32_t{0});
  REQUIRE(writer.add_tensor("z.weight", HEARTH_TYPE_F32, std::array<uint64_t, 2>{256, 5}).ok());
  REQUIRE(writer.add_tensor("output_norm.weight", HEARTH_TYPE_F32, std::array<uint64_t, 1>{256}).ok());
  REQUIRE(writer.add_tensor("a.weight", HEARTH_TYPE_F32, std::array<uint64_t, 3>{512, 3, 2}).ok());
  REQUIRE(writer.begin(path).ok());
  REQUIRE(writer.write(bytes_of(first)).ok());
  REQUIRE(writer.write(bytes_of(counting(256))).ok());
  REQUIRE(writer.write(bytes_of(counting(512 * 6))).ok());
  REQUIRE(writer.finish().ok());
}

QuantizeOptions options_for(const char* type, int32_t threads = 2) { return {.type = type, .threads = threads}; }

}  // namespace

TEST_CASE("quantize: the file has the source's keys and tensors, the matrices in the new type") {
  const test::TemporaryFolder folder;
  write_source(folder.file("in"), counting(256 * 5));
  QuantizeReport report;
  REQUIRE(quantize_model(folder.file("in"), folder.file("out"), options_for("q4_k_s"), nullptr, &report).ok());
  const test::MappedGguf out(folder.file("out"));
  uint32_t file_type = 0;
  std::vector<float> scores;
  REQUIRE(out.gguf.require("general.file_type", &file_type).ok());
  REQUIRE(out.gguf.require("tokenizer.ggml.scores", &scores).ok());
  CHECK(file_type == 14);
  CHECK(scores == std::vector<float>{1.5f, -2.5f});
  CHECK(out.gguf.find_key("split.count") == nullptr);
  const GgufTensor* matrix = out.gguf.find_tensor("a.weight");
  REQUIRE(matrix != nullptr);
  CHECK(matrix->type == HEARTH_TYPE_Q4_K);
  CHECK(matrix->ne == std::array<uint64_t, 4>{512, 3, 2, 1});
  const GgufTensor* norm = out.gguf.find_tensor("output_norm.weight");
  REQUIRE(norm != nullptr);
  CHECK(std::memcmp(norm->data.data(), counting(256).data(), norm->data.size()) == 0);

  REQUIRE(report.types.size() == 2);
  CHECK(report.types[0].type == "Q4_K");
  CHECK(report.types[0].tensors == 2);
  CHECK(report.types[0].bytes == (256 * 5 + 512 * 6) / 256 * 144);
  CHECK(report.types[0].squared_error > 0);
  CHECK(report.types[0].squared_error < 0.01 * report.types[0].squared_norm);
  CHECK(report.bytes == report.types[0].bytes + 256 * sizeof(float));
}

TEST_CASE("quantize: equal files whatever the number of threads; F32 comes back as it was") {
  const test::TemporaryFolder folder;
  write_source(folder.file("in"), counting(256 * 5));
  QuantizeReport report;
  for (const int32_t threads : {1, 2, 3}) {
    const std::string name = folder.file(std::to_string(threads));
    REQUIRE(quantize_model(folder.file("in"), name, options_for("Q3_K_M", threads), nullptr, &report).ok());
  }
  CHECK(read_file(folder.file("1")) == read_file(folder.file("2")));
  CHECK(read_file(folder.file("1")) == read_file(folder.file("3")));
  REQUIRE(quantize_model(folder.file("in"), folder.file("same"), options_for("F32"), nullptr, &report).ok());
  const test::MappedGguf in(folder.file("in")), same(folder.file("same"));
  for (const GgufTensor& tensor : in.gguf.tensors()) {
    CHECK(std::ranges::equal(tensor.data, same.gguf.find_tensor(tensor.name)->data));
  }
}

TEST_CASE("quantize: what is refused leaves no file") {
  const test::TemporaryFolder folder;
  write_source(folder.file("in"), counting(256 * 5));
  QuantizeReport report;
  const auto run = [&](const std::string& in, const QuantizeOptions& options, const QuantizeObserver& observer = {}) {
    return quantize_model(folder.file(in), folder.file("out"), options, observer, &report).code();
  };
  CHECK(run("in", options_for("Q9_K")) == Code::OPTION_OUT_OF_RANGE);
  CHECK(run("missing", options_for("Q8_0")) == Code::FILE_OPEN_FAILED);
  CHECK(run("in", options_for("Q8_0"), [](const QuantizeProgress&) { return false; }) == Code::STOPPED);
  CHECK(folder.n_files() == 1);

  for (const float bad : {INFINITY, NAN}) {
    std::vector<float> damaged = counting(256 * 5);
    damaged[777] = bad;
    write_source(folder.file("damaged"), damaged);
    CHECK(run("damaged", options_for("Q4_0")) == Code::MODEL_WEIGHTS_INVALID);
  }
  CHECK(folder.n_files() == 2);

  REQUIRE(quantize_model(folder.file("in"), folder.file("q8"), options_for("Q8_0"), nullptr, &report).ok());
  CHECK(run("q8", options_for("Q4_0")) == Code::QUANTIZE_SOURCE_QUANTIZED);
  CHECK(folder.n_files() == 3);
  QuantizeOptions again = options_for("Q4_0");
  again.allow_requantize = true;
  CHECK(run("q8", again) == Code::OK);
}

TEST_CASE("quantize: a full disk leaves no file") {
  const test::TemporaryFolder folder;
  write_source(folder.file("in"), counting(256 * 5));
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{1000, before.rlim_max};
  const auto old = signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  QuantizeReport report;
  const Status status = quantize_model(folder.file("in"), folder.file("out"), options_for("Q8_0"), nullptr, &report);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, old);
  CHECK(status.code() == Code::FILE_WRITE_FAILED);
  CHECK(folder.n_files() == 1);
}

namespace {

// A file of 256 floats 0, 1, 2 ...
void write_floats(const std::string& path) {
  std::vector<float> x(256);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(x.data()), 1024);
}

ImportTensor tensor_at(uint64_t offset, std::vector<uint64_t> shape) {
  return {.name = "t.weight", .type = "F32", .shape = std::move(shape), .offset = offset};
}

}  // namespace

TEST_CASE("import: tensors come from where the plan says, interleaved and shifted") {
  const test::TemporaryFolder folder;
  write_floats(folder.file("in"));
  ImportPlan plan;
  plan.files = {folder.file("in")};
  plan.keys = {{"general.architecture", std::string("llama")}, {"llama.block_count", uint32_t{3}}};
  plan.tensors = {tensor_at(4, {2, 8}), tensor_at(64, {4})};
  plan.tensors[0].interleave_rows = 4;
  plan.tensors[1].name = "norm.weight";
  plan.tensors[1].add = 1;
  plan.rope_factors = {1, 8};
  QuantizeReport report;
  REQUIRE(import_model(plan, folder.file("out"), {}, nullptr, &report).ok());
  const test::MappedGguf out(folder.file("out"));
  const auto floats = [&](const char* name) {
    const GgufTensor* tensor = out.gguf.find_tensor(name);
    REQUIRE(tensor != nullptr);
    REQUIRE(tensor->type == HEARTH_TYPE_F32);
    std::vector<float> x(tensor->n_elements);
    std::memcpy(x.data(), tensor->data.data(), tensor->data.size());
    return x;
  };
  // Rows 0, 2, 1, 3 of each head of four.
  CHECK(floats("t.weight") == std::vector<float>{1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 13, 14, 11, 12, 15, 16});
  CHECK(floats("norm.weight") == std::vector<float>{17, 18, 19, 20});
  CHECK(floats("rope_freqs.weight") == std::vector<float>{1, 8});
  uint32_t layers = 0;
  CHECK(out.gguf.require("llama.block_count", &layers).ok());
  CHECK(layers == 3);
}

TEST_CASE("import: a plan that does not fit its files is refused") {
  const test::TemporaryFolder folder;
  write_floats(folder.file("in"));
  const auto run = [&](const ImportTensor& tensor) {
    ImportPlan plan;
    plan.files = {folder.file("in")};
    plan.tensors = {tensor};
    QuantizeReport report;
    return import_model(plan, folder.file("out"), {}, nullptr, &report).code();
  };
  constexpr uint64_t kHuge = uint64_t{1} << 62;
  CHECK(run(tensor_at(0, {256})) == Code::OK);
  CHECK(run(tensor_at(1, {256})) == Code::IMPORT_BAD_TENSOR);
  CHECK(run(tensor_at(UINT64_MAX - 3, {1})) == Code::IMPORT_BAD_TENSOR);
  CHECK(run(tensor_at(0, {kHuge, 16})) == Code::IMPORT_BAD_TENSOR);
  CHECK(run(tensor_at(0, {})) == Code::IMPORT_BAD_TENSOR);
  CHECK(run(tensor_at(0, {4, 0})) == Code::IMPORT_BAD_TENSOR);
  CHECK(run(tensor_at(0, {1, 1, 1, 1, 1})) == Code::IMPORT_BAD_TENSOR);
  ImportTensor tensor = tensor_at(0, {4, 6});
  tensor.file = 1;
  CHECK(run(tensor) == Code::IMPORT_BAD_TENSOR);
  tensor.file = 0;
  for (const uint32_t rows : {3u, 4u}) {
    tensor.interleave_rows = rows;
    CHECK(run(tensor) == Code::IMPORT_BAD_TENSOR);
  }
  tensor.interleave_rows = 0;
  tensor.type = "I64";
  CHECK(run(tensor) == Code::IMPORT_BAD_TENSOR);
}

}  // namespace hearth
