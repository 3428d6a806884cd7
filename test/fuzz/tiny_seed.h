// A llama model of 50 KB with a vocabulary and several weight types: what the fuzzer damages when no other file is at
// hand.
#pragma once

#include <string>

#include "gguf/random_blocks.h"
#include "gguf/writer.h"

namespace hearth::fuzz {

inline Status write_tiny_seed(const std::string& path) {
  constexpr uint64_t kEmbd = 64, kFf = 96, kKv = 32, kVocab = 3 + 256 + 27;
  GgufWriter writer;
  writer.add("general.architecture", "llama");
  writer.add("llama.context_length", uint32_t{128});
  writer.add("llama.embedding_length", uint32_t{kEmbd});
  writer.add("llama.block_count", uint32_t{2});
  writer.add("llama.feed_forward_length", uint32_t{kFf});
  writer.add("llama.attention.head_count", uint32_t{4});
  writer.add("llama.attention.head_count_kv", uint32_t{2});
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  writer.add("llama.rope.freq_base", 10000.0f);
  writer.add("llama.rope.scaling.type", "yarn");
  writer.add("llama.rope.scaling.factor", 2.0f);
  writer.add("llama.rope.scaling.original_context_length", uint32_t{64});

  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kHex = "0123456789ABCDEF";
    tokens.push_back(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">");
  }
  tokens.push_back("\u2581");
  while (tokens.size() < kVocab) tokens.push_back(std::string(1, static_cast<char>('a' + tokens.size() - 260)));
  std::vector<int32_t> types(tokens.size(), 1);
  for (size_t i = 0; i < 259; ++i) types[i] = i == 0 ? 2 : i < 3 ? 3 : 6;
  writer.add("tokenizer.ggml.model", "llama");
  writer.add("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.add("tokenizer.ggml.scores", std::span<const float>(std::vector<float>(tokens.size(), -1.0f)));
  writer.add("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{1});
  writer.add("tokenizer.ggml.eos_token_id", uint32_t{2});

  std::vector<HearthType> tensor_types;
  const auto add = [&](const std::string& name, HearthType type, std::vector<uint64_t> shape) {
    tensor_types.push_back(type);
    return writer.add_tensor(name, type, shape);
  };
  HEARTH_RETURN_IF_ERROR(add("token_embd.weight", HEARTH_TYPE_Q8_0, {kEmbd, kVocab}));
  HEARTH_RETURN_IF_ERROR(add("output.weight", HEARTH_TYPE_F16, {kEmbd, kVocab}));
  HEARTH_RETURN_IF_ERROR(add("output_norm.weight", HEARTH_TYPE_F32, {kEmbd}));
  for (const char* block : {"blk.0.", "blk.1."}) {
    const std::string blk = block;
    HEARTH_RETURN_IF_ERROR(add(blk + "attn_norm.weight", HEARTH_TYPE_F32, {kEmbd}));
    HEARTH_RETURN_IF_ERROR(add(blk + "attn_q.weight", HEARTH_TYPE_Q4_0, {kEmbd, kEmbd}));
    HEARTH_RETURN_IF_ERROR(add(blk + "attn_k.weight", HEARTH_TYPE_Q4_1, {kEmbd, kKv}));
    HEARTH_RETURN_IF_ERROR(add(blk + "attn_v.weight", HEARTH_TYPE_Q5_0, {kEmbd, kKv}));
    HEARTH_RETURN_IF_ERROR(add(blk + "attn_output.weight", HEARTH_TYPE_Q5_1, {kEmbd, kEmbd}));
    HEARTH_RETURN_IF_ERROR(add(blk + "ffn_norm.weight", HEARTH_TYPE_F32, {kEmbd}));
    HEARTH_RETURN_IF_ERROR(add(blk + "ffn_gate.weight", HEARTH_TYPE_BF16, {kEmbd, kFf}));
    HEARTH_RETURN_IF_ERROR(add(blk + "ffn_up.weight", HEARTH_TYPE_F32, {kEmbd, kFf}));
    HEARTH_RETURN_IF_ERROR(add(blk + "ffn_down.weight", HEARTH_TYPE_Q8_0, {kFf, kEmbd}));
  }
  HEARTH_RETURN_IF_ERROR(writer.begin(path));
  for (size_t i = 0; i < tensor_types.size(); ++i) {
    HEARTH_RETURN_IF_ERROR(writer.write(random_blocks(tensor_types[i], writer.tensor_bytes()[i], i)));
  }
  return writer.finish();
}

}  // namespace hearth::fuzz
