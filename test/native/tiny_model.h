// Writes a llama model of a few kilobytes with random weights, so that engine tests need no files.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/writer.h"

namespace hearth::test {

inline constexpr int32_t kTinyVocab = 96;
inline constexpr int32_t kTinyContext = 128;

// A file that goes with the test.
class TinyModel {
 public:
  explicit TinyModel(uint32_t seed = 1) : random_(seed) {
    const uint64_t embd = 32, ff = 48, vocab = kTinyVocab, kv = 16;
    GgufWriter writer;
    writer.add("general.architecture", std::string_view("llama"));
    writer.add("llama.context_length", uint32_t{kTinyContext});
    writer.add("llama.embedding_length", uint32_t{32});
    writer.add("llama.block_count", uint32_t{2});
    writer.add("llama.feed_forward_length", uint32_t{48});
    writer.add("llama.attention.head_count", uint32_t{4});
    writer.add("llama.attention.head_count_kv", uint32_t{2});
    writer.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    writer.add("tokenizer.ggml.model", std::string_view("no_vocab"));
    add(writer, "token_embd.weight", {embd, vocab});
    add(writer, "output_norm.weight", {embd});
    for (int layer = 0; layer < 2; ++layer) {
      const std::string blk = "blk." + std::to_string(layer) + ".";
      add(writer, blk + "attn_norm.weight", {embd});
      add(writer, blk + "attn_q.weight", {embd, embd});
      add(writer, blk + "attn_k.weight", {embd, kv});
      add(writer, blk + "attn_v.weight", {embd, kv});
      add(writer, blk + "attn_output.weight", {embd, embd});
      add(writer, blk + "ffn_norm.weight", {embd});
      add(writer, blk + "ffn_gate.weight", {embd, ff});
      add(writer, blk + "ffn_up.weight", {embd, ff});
      add(writer, blk + "ffn_down.weight", {ff, embd});
    }
    REQUIRE(writer.begin(path_).ok());
    for (const std::vector<float>& data : data_) {
      REQUIRE(writer.write({reinterpret_cast<const uint8_t*>(data.data()), data.size() * sizeof(float)}).ok());
    }
    REQUIRE(writer.finish().ok());
  }
  ~TinyModel() { unlink(path_.c_str()); }
  TinyModel(const TinyModel&) = delete;
  TinyModel& operator=(const TinyModel&) = delete;

  const std::string& path() const { return path_; }

 private:
  static std::string temporary_path() {
    std::string path = "/tmp/hearth-tiny-XXXXXX";
    const int fd = mkstemp(path.data());
    REQUIRE(fd >= 0);
    close(fd);
    return path;
  }

  void add(GgufWriter& writer, const std::string& name, const std::vector<uint64_t>& shape) {
    REQUIRE(writer.add_tensor(name, HEARTH_TYPE_F32, shape).ok());
    size_t n = 1;
    for (uint64_t dimension : shape) n *= dimension;
    std::vector<float> data(n);
    const bool norm = shape.size() == 1;
    for (float& value : data) {
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      const float noise = static_cast<float>(random_ >> 40) / (1 << 24) - 0.5f;
      value = norm ? 1.0f + 0.1f * noise : 0.6f * noise;
    }
    data_.push_back(std::move(data));
  }

  std::string path_ = temporary_path();
  std::vector<std::vector<float>> data_;
  uint64_t random_;
};

}  // namespace hearth::test
