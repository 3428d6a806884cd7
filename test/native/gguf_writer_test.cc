// The GGUF writer against the reader, its failures, and the synthetic models that it writes.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "files.h"
#include "gguf/gguf.h"
#include "gguf/output_file.h"
#include "gguf/random_blocks.h"
#include "gguf/writer.h"
#include "include/engine.h"
#include "kernels/dispatch.h"
#include "memory/mapped_file.h"

namespace hearth {
namespace {

std::vector<uint8_t> counting_bytes(size_t n) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

template <typename T>
void check_number(const GgufFile& file, std::string_view key, GgufType type, T expected) {
  CAPTURE(key);
  const GgufKey* found = file.find_key(key);
  REQUIRE(found != nullptr);
  CHECK(found->type == type);
  T value{};
  CHECK(file.require(key, &value).ok());
  CHECK(value == expected);
}

TEST_CASE("keys of all types and tensors come back as they were written") {
  const test::TemporaryFolder folder;
  GgufWriter writer;
  writer.add("u8", uint8_t{200});
  writer.add("i8", int8_t{-100});
  writer.add("u16", uint16_t{60000});
  writer.add("i16", int16_t{-30000});
  writer.add("u32", uint32_t{4000000000});
  writer.add("i32", int32_t{-2000000000});
  writer.add("u64", UINT64_MAX);
  writer.add("i64", INT64_MIN);
  writer.add("f32", 0.1f);
  writer.add("f64", 0.25);
  writer.add("bool", true);
  writer.add("string", "text, not a bool");
  writer.add("floats", std::span<const float>(std::array{1.0f, -2.0f}));
  const std::string words[] = {"one", "", "two"};
  writer.add("strings", std::span<const std::string>(words));
  const std::array<uint64_t, 2> shape{64, 3};
  REQUIRE(writer.add_tensor("a", HEARTH_TYPE_Q4_0, shape).ok());
  REQUIRE(writer.add_tensor("b", HEARTH_TYPE_F32, std::array<uint64_t, 1>{5}).ok());
  CHECK(writer.tensor_bytes() == std::vector<uint64_t>{108, 20});
  const std::vector<uint8_t> data = counting_bytes(128);
  const std::span<const uint8_t> bytes(data);
  REQUIRE(writer.begin(folder.file("all.gguf")).ok());
  REQUIRE(writer.write(bytes.first(100)).ok());                      // in pieces
  CHECK(writer.write(bytes.subspan(100)).code() == Code::INTERNAL);  // across the end of a tensor
  REQUIRE(writer.write(bytes.subspan(100, 8)).ok());
  CHECK_FALSE(std::filesystem::exists(folder.file("all.gguf")));
  REQUIRE(writer.write(bytes.subspan(108)).ok());
  CHECK(writer.write(bytes.first(1)).code() == Code::INTERNAL);
  REQUIRE(writer.finish().ok());
  CHECK(folder.n_files() == 1);

  const test::MappedGguf read(folder.file("all.gguf"));
  check_number<uint32_t>(read.gguf, "u8", GgufType::UINT8, 200);
  check_number<int32_t>(read.gguf, "i8", GgufType::INT8, -100);
  check_number<uint32_t>(read.gguf, "u16", GgufType::UINT16, 60000);
  check_number<int32_t>(read.gguf, "i16", GgufType::INT16, -30000);
  check_number<uint32_t>(read.gguf, "u32", GgufType::UINT32, 4000000000);
  check_number<int32_t>(read.gguf, "i32", GgufType::INT32, -2000000000);
  check_number<uint64_t>(read.gguf, "u64", GgufType::UINT64, UINT64_MAX);
  check_number<int64_t>(read.gguf, "i64", GgufType::INT64, INT64_MIN);
  check_number<float>(read.gguf, "f32", GgufType::FLOAT32, 0.1f);
  check_number<float>(read.gguf, "f64", GgufType::FLOAT64, 0.25f);
  check_number<bool>(read.gguf, "bool", GgufType::BOOL, true);
  check_number<std::string_view>(read.gguf, "string", GgufType::STRING, "text, not a bool");
  check_number<std::vector<float>>(read.gguf, "floats", GgufType::FLOAT32, {1.0f, -2.0f});
  check_number<std::vector<std::string_view>>(read.gguf, "strings", GgufType::STRING, {"one", "", "two"});
  const GgufTensor* a = read.gguf.find_tensor("a");
  const GgufTensor* b = read.gguf.find_tensor("b");
  REQUIRE((a != nullptr && b != nullptr));
  CHECK(a->ne == std::array<uint64_t, 4>{64, 3, 1, 1});
  CHECK(std::memcmp(a->data.data(), data.data(), 108) == 0);
  CHECK(std::memcmp(b->data.data(), data.data() + 108, 20) == 0);
}

TEST_CASE("shapes that no reader would accept are refused") {
  GgufWriter writer;
  using Shape = std::vector<uint64_t>;
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{32, 0}, Shape{31}, Shape{32, 1, 1, 1, 1}, Shape{32, UINT64_MAX},
                             Shape{UINT64_MAX / 32 * 32, 2}}) {
    CHECK(writer.add_tensor("t", HEARTH_TYPE_Q4_0, shape).code() == Code::GGUF_TENSOR_BAD_SHAPE);
  }
  CHECK(writer.tensor_bytes().empty());
}

TEST_CASE("a file holds what was written to it, in pieces of any size") {
  const test::TemporaryFolder folder;
  const std::vector<uint8_t> bytes = counting_bytes(9'000'001);
  for (const size_t piece : {size_t{700}, size_t{999'983}, size_t{2} << 20, bytes.size()}) {
    CAPTURE(piece);
    OutputFile file;
    REQUIRE(file.open(folder.file("bytes"), 0).ok());
    for (size_t at = 0, n = 0; at < bytes.size(); at += piece, ++n) {
      REQUIRE(file.write(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at))).ok());
      if (n == 3) REQUIRE(file.flush().ok());
    }
    REQUIRE(file.commit().ok());
    std::ifstream stream(folder.file("bytes"), std::ios::binary);
    CHECK(std::vector<uint8_t>(std::istreambuf_iterator<char>(stream), {}) == bytes);
  }
}

TEST_CASE("an unfinished file leaves nothing behind, and what had the name stays") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("model.gguf");
  {
    GgufWriter first;
    first.add("general.name", "first");
    REQUIRE(first.begin(path).ok());
    REQUIRE(first.finish().ok());
  }
  {
    GgufWriter second;
    REQUIRE(second.add_tensor("t", HEARTH_TYPE_F32, std::array<uint64_t, 1>{8}).ok());
    REQUIRE(second.begin(path).ok());
    CHECK(folder.n_files() == 2);
    CHECK(second.finish().code() == Code::INTERNAL);  // its data are missing
  }
  CHECK(folder.n_files() == 1);
  check_number<std::string_view>(test::MappedGguf(path).gguf, "general.name", GgufType::STRING, "first");
}

TEST_CASE("a file that cannot be written gives FILE_WRITE_FAILED with the path, and leaves nothing") {
  GgufWriter nowhere;
  const Status status = nowhere.begin("/nonexistent/model.gguf");
  CHECK(status.code() == Code::FILE_WRITE_FAILED);
  CHECK(status.message().find("/nonexistent/model.gguf") != std::string::npos);

  // A limit on the size of files stands for a full disk.
  const test::TemporaryFolder folder;
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_action = signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1 << 16, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Status full = write_synthetic_model("smollm2-135m", "q4_0", folder.file("full.gguf"));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, old_action);
  CHECK(full.code() == Code::FILE_WRITE_FAILED);
  CHECK(full.message().find("full.gguf") != std::string::npos);
  CHECK(folder.n_files() == 0);
}

TEST_CASE("random blocks of each type decode to weights near N(0, 0.02)") {
  const HearthKernels* kernels = nullptr;
  REQUIRE(select_kernels("ref", &kernels).ok());
  for (int id = 0; id < HEARTH_TYPE_COUNT; ++id) {
    const auto type = static_cast<HearthType>(id);
    if (kernels->dequantize[type] == nullptr) continue;
    CAPTURE(type_name(type));
    const std::vector<uint8_t> blocks = random_blocks(type, 1 << 18, 7);
    CHECK(blocks == random_blocks(type, 1 << 18, 7));
    const TypeTraits& traits = *type_traits(type);
    const size_t n = blocks.size() / traits.block_bytes * traits.block_elements;
    std::vector<float> weights(n);
    kernels->dequantize[type](blocks.data(), n, weights.data());
    double sum = 0, squares = 0, largest = 0;
    for (const float w : weights) {
      sum += w;
      squares += static_cast<double>(w) * w;
      largest = std::max(largest, std::fabs(static_cast<double>(w)));
    }
    const double count = static_cast<double>(n);
    CHECK(std::fabs(sum / count) < 1e-3);
    CHECK(std::sqrt(squares / count) > 0.015);
    CHECK(std::sqrt(squares / count) < 0.035);
    CHECK(largest < 0.15);
  }
  CHECK(random_blocks(HEARTH_TYPE_NVFP4, 1 << 18, 7).empty());
}

TEST_CASE("a synthetic model has the published shape, one type, and a vocabulary of distinct tokens") {
  const test::TemporaryFolder folder;
  REQUIRE(write_synthetic_model("smollm2-135m", "q4_0", folder.file("m.gguf")).ok());
  const test::MappedGguf model(folder.file("m.gguf"));
  check_number<std::string_view>(model.gguf, "general.architecture", GgufType::STRING, "llama");
  check_number<uint32_t>(model.gguf, "llama.block_count", GgufType::UINT32, 30);
  CHECK(model.gguf.tensors().size() == 30 * 9 + 2);  // tied: no output matrix
  uint64_t n_parameters = 0;
  for (const GgufTensor& tensor : model.gguf.tensors()) {
    n_parameters += tensor.n_elements;
    CHECK(tensor.type == (tensor.n_dims == 1 ? HEARTH_TYPE_F32 : HEARTH_TYPE_Q4_0));
  }
  CHECK(n_parameters == 134515008);  // as published
  std::vector<std::string_view> tokens;
  REQUIRE(model.gguf.require("tokenizer.ggml.tokens", &tokens).ok());
  CHECK(tokens.size() == 49152);
  CHECK(std::set(tokens.begin(), tokens.end()).size() == tokens.size());
  const float* norm = reinterpret_cast<const float*>(model.gguf.find_tensor("output_norm.weight")->data.data());
  CHECK(std::count(norm, norm + 576, 1.0f) == 576);
}

TEST_CASE("a synthetic mixture has the types that quantizers give") {
  const test::TemporaryFolder folder;
  REQUIRE(write_synthetic_model("smollm2-135m", "q4_k_m", folder.file("m.gguf")).ok());
  const test::MappedGguf model(folder.file("m.gguf"));
  const auto type_of = [&](const char* name) { return model.gguf.find_tensor(name)->type; };
  CHECK(type_of("blk.0.ffn_down.weight") == HEARTH_TYPE_Q6_K);
  CHECK(type_of("blk.4.ffn_down.weight") == HEARTH_TYPE_Q4_K);
  CHECK(type_of("blk.4.ffn_up.weight") == HEARTH_TYPE_Q5_0);  // 576 columns are no whole number of super-blocks
  CHECK(type_of("token_embd.weight") == HEARTH_TYPE_Q8_0);
}

TEST_CASE("shapes and types that cannot be made are named, with those that can") {
  const auto refuse = [](const char* shape, const char* type) {
    return write_synthetic_model(shape, type, "/nonexistent/never-opened.gguf");
  };
  CHECK(refuse("llama-9", "q4_0").code() == Code::OPTION_OUT_OF_RANGE);
  CHECK(refuse("llama-9", "q4_0").message().find("smollm2-135m, llama-3.2-1b") != std::string::npos);
  CHECK(refuse("llama-7b", "q4").code() == Code::OPTION_OUT_OF_RANGE);
  CHECK(refuse("llama-7b", "nvfp4").code() == Code::MODEL_TENSOR_TYPE_UNSUPPORTED);
  CHECK(refuse("llama-7b", "nvfp4").message().find("Q8_0") != std::string::npos);
}

}  // namespace
}  // namespace hearth
