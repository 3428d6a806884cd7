// The loader of architectures refuses these files, and says so.
#include <doctest/doctest.h>

#include <array>

#include "files.h"
#include "gguf/writer.h"
#include "model/architecture.h"

using namespace hearth;

namespace {

Status load(void (*add_keys)(GgufWriter& writer)) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.gguf");
  GgufWriter writer;
  add_keys(writer);
  REQUIRE(writer.add_tensor("token_embd.weight", HEARTH_TYPE_F32, std::array<uint64_t, 2>{32, 8}).ok());
  REQUIRE(writer.begin(path).ok());
  REQUIRE(writer.write(std::vector<uint8_t>(32 * 8 * sizeof(float))).ok());
  REQUIRE(writer.finish().ok());
  const test::MappedGguf file(path);
  std::unique_ptr<const Architecture> architecture;
  return load_architecture(file.gguf, &architecture);
}

void add_common(GgufWriter& writer, const std::string& name) {
  writer.add("general.architecture", std::string_view(name));
  writer.add(name + ".context_length", uint32_t{64});
  writer.add(name + ".embedding_length", uint32_t{32});
  writer.add(name + ".block_count", uint32_t{2});
  writer.add(name + ".feed_forward_length", uint32_t{32});
  writer.add(name + ".attention.head_count", uint32_t{2});
  writer.add(name + ".attention.layer_norm_rms_epsilon", 1e-5f);
}

}  // namespace

TEST_CASE("an unknown architecture is named, with all that are known") {
  const Status status = load([](GgufWriter& writer) { writer.add("general.architecture", std::string_view("mamba")); });
  CHECK(status.code() == Code::MODEL_ARCHITECTURE_UNSUPPORTED);
  for (const char* name : {"mamba", "gemma2", "gemma3", "gemma4", "granite", "lfm2", "lfm2moe", "llama", "mistral3",
                           "olmo2", "phi3", "qwen2", "qwen3", "qwen35", "qwen3moe", "smollm3"}) {
    CAPTURE(name);
    CHECK(status.message().find(name) != std::string::npos);
  }
}

TEST_CASE("experts of an architecture without are refused") {
  const Status status = load([](GgufWriter& writer) {
    add_common(writer, "llama");
    writer.add("llama.expert_count", uint32_t{8});
  });
  CHECK(status.code() == Code::MODEL_ARCHITECTURE_UNSUPPORTED);
  CHECK(status.message().find("experts") != std::string::npos);
}

TEST_CASE("KV heads that differ between layers are refused where the architecture has none such") {
  const Status status = load([](GgufWriter& writer) {
    add_common(writer, "qwen3");
    writer.add("qwen3.attention.head_count_kv", std::span<const int32_t>(std::array<int32_t, 2>{2, 1}));
  });
  CHECK(status.code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(status.message().find("head_count_kv") != std::string::npos);
}

TEST_CASE("a list of another length than the layers is refused") {
  const Status status = load([](GgufWriter& writer) {
    add_common(writer, "lfm2");
    writer.add("lfm2.attention.head_count_kv", std::span<const int32_t>(std::array<int32_t, 3>{0, 2, 2}));
  });
  CHECK(status.code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(status.message().find("3 values for 2 layers") != std::string::npos);
}

TEST_CASE("a delta rule whose heads do not share its width is refused") {
  const Status status = load([](GgufWriter& writer) {
    add_common(writer, "qwen35");
    writer.add("qwen35.ssm.conv_kernel", uint32_t{4});
    writer.add("qwen35.ssm.group_count", uint32_t{2});
    writer.add("qwen35.ssm.time_step_rank", uint32_t{3});
    writer.add("qwen35.ssm.state_size", uint32_t{16});
    writer.add("qwen35.ssm.inner_size", uint32_t{64});
  });
  CHECK(status.code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(status.message().find("ssm.inner_size") != std::string::npos);
}
