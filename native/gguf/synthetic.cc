// Models with random weights in the shapes of published ones, for benchmarks: they load wherever GGUF files load, weigh
// what the real ones weigh and take as long to run, but speak nonsense. Implements write_synthetic_model of engine.h.
//
// Every matrix has the one type asked for, the embedding and the output too. (Quantizers often give those two a larger
// type; then the file would not be what its name says, and speeds of types could not be compared.) Norms are F32 ones.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "gguf/random_blocks.h"
#include "gguf/writer.h"
#include "include/engine.h"

namespace hearth {
namespace {

struct LlamaShape {
  const char* name;
  uint32_t n_layer, n_embd, n_ff, n_head, n_head_kv, n_vocab, n_ctx;
  float rms_eps, rope_base;
  float rope_factor;  // of Llama 3's frequency scaling; 0 for none
  bool tied;          // the output is the transposed embedding

  uint32_t head_dim() const { return n_embd / n_head; }
};

// From the config.json of each model.
constexpr LlamaShape kShapes[] = {
    {"smollm2-135m", 30, 576, 1536, 9, 3, 49152, 8192, 1e-5f, 100000.0f, 0.0f, true},
    {"llama-3.2-1b", 16, 2048, 8192, 32, 8, 128256, 131072, 1e-5f, 500000.0f, 32.0f, true},
    {"llama-3.2-3b", 28, 3072, 8192, 24, 8, 128256, 131072, 1e-5f, 500000.0f, 32.0f, true},
    {"llama-7b", 32, 4096, 11008, 32, 32, 32000, 2048, 1e-6f, 10000.0f, 0.0f, false},
};

// Shapes of cli.md whose architectures the engine does not run yet.
constexpr const char* kOtherArchitectures[] = {"qwen3-0.6b", "gemma3-1b", "qwen3-1.7b", "qwen3-4b"};

// general.file_type, as llama.cpp numbers it (enum llama_ftype).
struct FileType {
  HearthType type;
  uint32_t id;
};
constexpr FileType kFileTypes[] = {{HEARTH_TYPE_F32, 0},  {HEARTH_TYPE_F16, 1},  {HEARTH_TYPE_BF16, 32},
                                   {HEARTH_TYPE_Q4_0, 2}, {HEARTH_TYPE_Q4_1, 3}, {HEARTH_TYPE_Q5_0, 8},
                                   {HEARTH_TYPE_Q5_1, 9}, {HEARTH_TYPE_Q8_0, 7}};

constexpr uint64_t kSeed = 20261123;
constexpr size_t kPoolBytes = 1 << 20;

enum class Fill { RANDOM, ONES, ROPE_FACTORS };

// token_type of llama.cpp's vocabularies.
enum TokenType : int32_t { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6 };

Status choose_shape(const std::string& name, LlamaShape* shape) {
  const auto found = std::ranges::find(kShapes, name, &LlamaShape::name);
  if (found != std::end(kShapes)) {
    *shape = *found;
    return {};
  }
  std::string known;
  for (const LlamaShape& s : kShapes) known += (known.empty() ? "" : ", ") + std::string(s.name);
  if (std::ranges::find(kOtherArchitectures, name) != std::end(kOtherArchitectures)) {
    return {Code::MODEL_ARCHITECTURE_UNSUPPORTED,
            "The shape " + name + " is of an architecture that this engine does not run yet. These it runs: " + known +
                "."};
  }
  return {Code::OPTION_OUT_OF_RANGE, "There is no shape " + quoted(name) + ". The shapes are " + known + "."};
}

Status choose_type(const std::string& name, FileType* file_type) {
  HearthType type = HEARTH_TYPE_COUNT;
  const bool exists = find_type(name, &type);
  const auto found = std::ranges::find(kFileTypes, type, &FileType::type);
  if (found != std::end(kFileTypes)) {
    *file_type = *found;
    return {};
  }
  std::string known;
  for (const FileType& t : kFileTypes) known += (known.empty() ? "" : ", ") + std::string(type_name(t.type));
  return {exists ? Code::MODEL_TENSOR_TYPE_UNSUPPORTED : Code::OPTION_OUT_OF_RANGE,
          "There are no synthetic weights of type " + quoted(name) + ". The types are " + known + "."};
}

// A SentencePiece vocabulary: the specials, all bytes, then words over the letters a to z and the space U+2581,
// shortest first, so that every word but the one-letter ones is the merge of two earlier ones.
void add_vocabulary(uint32_t n_vocab, GgufWriter* writer) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {UNKNOWN, CONTROL, CONTROL};
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kHex = "0123456789ABCDEF";
    tokens.push_back(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">");
    types.push_back(BYTE);
  }
  // Words in the order of bijective numeration: every index has exactly one word.
  constexpr uint32_t kLetters = 27;
  for (uint32_t index = 1; tokens.size() < n_vocab; ++index) {
    std::string word;
    for (uint32_t rest = index; rest != 0; rest = (rest - 1) / kLetters) {
      const uint32_t letter = (rest - 1) % kLetters;
      word.insert(0, letter == 0 ? "\u2581" : std::string(1, static_cast<char>('a' + letter - 1)));
    }
    tokens.push_back(word);
    types.push_back(NORMAL);
  }
  std::vector<float> scores(tokens.size());
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<float>(i);

  writer->add("tokenizer.ggml.model", "llama");
  writer->add("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer->add("tokenizer.ggml.scores", std::span<const float>(scores));
  writer->add("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  writer->add("tokenizer.ggml.unknown_token_id", uint32_t{0});
  writer->add("tokenizer.ggml.bos_token_id", uint32_t{1});
  writer->add("tokenizer.ggml.eos_token_id", uint32_t{2});
  writer->add("tokenizer.ggml.add_bos_token", true);
  writer->add("tokenizer.ggml.add_eos_token", false);
}

void add_keys(const LlamaShape& shape, uint32_t file_type, GgufWriter* writer) {
  writer->add("general.architecture", "llama");
  writer->add("general.name", std::string("synthetic ") + shape.name);
  writer->add("general.file_type", file_type);
  writer->add("general.quantization_version", uint32_t{2});
  writer->add("llama.context_length", shape.n_ctx);
  writer->add("llama.embedding_length", shape.n_embd);
  writer->add("llama.block_count", shape.n_layer);
  writer->add("llama.feed_forward_length", shape.n_ff);
  writer->add("llama.attention.head_count", shape.n_head);
  writer->add("llama.attention.head_count_kv", shape.n_head_kv);
  writer->add("llama.attention.layer_norm_rms_epsilon", shape.rms_eps);
  writer->add("llama.rope.dimension_count", shape.head_dim());
  writer->add("llama.rope.freq_base", shape.rope_base);
  writer->add("llama.vocab_size", shape.n_vocab);
  add_vocabulary(shape.n_vocab, writer);
}

// Divisors of RoPE's frequencies, [head_dim / 2], as Llama 3.1 and later extend their context from 8,192 tokens:
// frequencies that turn less than once in it are divided by rope_factor, those that turn more than four times are kept,
// and a ramp joins the two (Grattafiori et al. 2024, arXiv:2407.21783; rope_scaling of the models' config.json).
std::vector<float> llama3_rope_factors(const LlamaShape& shape) {
  constexpr float kOriginalContext = 8192.0f, kLowFactor = 1.0f, kHighFactor = 4.0f;
  const uint32_t n_dims = shape.head_dim();
  std::vector<float> factors;
  for (uint32_t i = 0; i < n_dims; i += 2) {
    const float wavelength = 2.0f * std::numbers::pi_v<float> *
                             std::pow(shape.rope_base, static_cast<float>(i) / static_cast<float>(n_dims));
    const float turns = kOriginalContext / wavelength;
    const float ramp = std::clamp((turns - kLowFactor) / (kHighFactor - kLowFactor), 0.0f, 1.0f);
    factors.push_back(1.0f / ((1.0f - ramp) / shape.rope_factor + ramp));
  }
  return factors;
}

// Adds the tensors of a llama model; fills[i] says what stands in the i-th.
Status add_tensors(const LlamaShape& s, HearthType type, GgufWriter* writer, std::vector<Fill>* fills) {
  const auto matrix = [&](const std::string& name, uint64_t columns, uint64_t rows) {
    fills->push_back(Fill::RANDOM);
    return writer->add_tensor(name + ".weight", type, std::array{columns, rows});
  };
  const auto vector = [&](const std::string& name, uint64_t n, Fill fill) {
    fills->push_back(fill);
    return writer->add_tensor(name + ".weight", HEARTH_TYPE_F32, std::array{n});
  };
  const uint64_t n_q = s.n_head * s.head_dim(), n_kv = s.n_head_kv * s.head_dim();

  HEARTH_RETURN_IF_ERROR(matrix("token_embd", s.n_embd, s.n_vocab));
  if (s.rope_factor != 0) HEARTH_RETURN_IF_ERROR(vector("rope_freqs", s.head_dim() / 2, Fill::ROPE_FACTORS));
  for (uint32_t il = 0; il < s.n_layer; ++il) {
    const std::string block = "blk." + std::to_string(il) + ".";
    HEARTH_RETURN_IF_ERROR(vector(block + "attn_norm", s.n_embd, Fill::ONES));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_q", s.n_embd, n_q));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_k", s.n_embd, n_kv));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_v", s.n_embd, n_kv));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_output", n_q, s.n_embd));
    HEARTH_RETURN_IF_ERROR(vector(block + "ffn_norm", s.n_embd, Fill::ONES));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ffn_gate", s.n_embd, s.n_ff));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ffn_up", s.n_embd, s.n_ff));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ffn_down", s.n_ff, s.n_embd));
  }
  HEARTH_RETURN_IF_ERROR(vector("output_norm", s.n_embd, Fill::ONES));
  return s.tied ? Status() : matrix("output", s.n_embd, s.n_vocab);
}

std::span<const uint8_t> bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
}

// Pieces of one pool of random blocks, each from a random block on: gigabytes cost no more than their writing.
Status write_random(uint64_t n_bytes, std::span<const uint8_t> pool, size_t block_bytes, SplitMix64* random,
                    GgufWriter* writer) {
  while (n_bytes != 0) {
    const size_t start = random->next() % (pool.size() / block_bytes) * block_bytes;
    const size_t n = std::min<uint64_t>(n_bytes, pool.size() - start);
    HEARTH_RETURN_IF_ERROR(writer->write(pool.subspan(start, n)));
    n_bytes -= n;
  }
  return {};
}

}  // namespace

Status write_synthetic_model(const std::string& shape_name, const std::string& weight_type, const std::string& path) {
  LlamaShape shape{};
  FileType file_type{};
  HEARTH_RETURN_IF_ERROR(choose_shape(shape_name, &shape));
  HEARTH_RETURN_IF_ERROR(choose_type(weight_type, &file_type));

  GgufWriter writer;
  std::vector<Fill> fills;
  add_keys(shape, file_type.id, &writer);
  HEARTH_RETURN_IF_ERROR(add_tensors(shape, file_type.type, &writer, &fills));
  HEARTH_RETURN_IF_ERROR(writer.begin(path));

  const std::vector<uint8_t> pool = random_blocks(file_type.type, kPoolBytes, kSeed);
  const std::vector<float> ones(shape.n_embd, 1.0f);
  SplitMix64 random(kSeed);
  for (size_t i = 0; i < fills.size(); ++i) {
    switch (fills[i]) {
      case Fill::RANDOM:
        HEARTH_RETURN_IF_ERROR(
            write_random(writer.tensor_bytes()[i], pool, type_traits(file_type.type)->block_bytes, &random, &writer));
        break;
      case Fill::ONES:
        HEARTH_RETURN_IF_ERROR(writer.write(bytes_of(ones)));
        break;
      case Fill::ROPE_FACTORS:
        HEARTH_RETURN_IF_ERROR(writer.write(bytes_of(llama3_rope_factors(shape))));
        break;
    }
  }
  return writer.finish();
}

}  // namespace hearth
