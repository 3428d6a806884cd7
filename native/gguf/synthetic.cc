// Models with random weights in the shapes of published ones, for benchmarks: they load wherever GGUF files load, weigh
// what the real ones weigh and take as long to run, but speak nonsense. Implements write_synthetic_model of engine.h.
//
// Every matrix has the one type asked for, the embedding and the output too. (Quantizers often give those two a larger
// type; then the file would not be what its name says, and speeds of types could not be compared.) Only the mixtures
// Q4_K_M and Q5_K_M, and rows that are no whole number of super-blocks, get the types that quantizers give them. Norms
// are F32 ones.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "base/text.h"
#include "gguf/random_blocks.h"
#include "gguf/writer.h"
#include "include/engine.h"

namespace hearth {
namespace {

struct Shape {
  const char* name;
  const char* architecture;
  uint32_t n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab, n_ctx;
  float rms_eps, rope_base;
  float rope_factor = 0.0f;  // of Llama 3's frequency scaling; 0 for none
  bool tied = true;          // the output is the transposed embedding
  bool head_norms = false, post_norms = false;
  uint32_t sliding_window = 0;
  uint32_t attention_interval = 0;  // every so manieth layer attends, the others have a gated delta rule; 0: all attend
  uint32_t n_delta_head = 0, delta_dim = 0, conv_taps = 0;  // of those
  uint32_t rope_dims = 0;                                   // 0: head_dim
  uint32_t n_expert = 0, n_expert_used = 0;                 // 0: no mixture of experts; n_ff is that of one
  bool skewed_router = false;                               // see Fill::ROUTER
};

// From the config.json of each model; the mixtures of experts are Qwen3-30B-A3B with fewer layers and experts.
constexpr Shape kShapes[] = {
    {"smollm2-135m", "llama", 30, 576, 1536, 9, 3, 64, 49152, 8192, 1e-5f, 100000.0f},
    {"llama-3.2-1b", "llama", 16, 2048, 8192, 32, 8, 64, 128256, 131072, 1e-5f, 500000.0f, 32.0f},
    {"llama-3.2-3b", "llama", 28, 3072, 8192, 24, 8, 128, 128256, 131072, 1e-5f, 500000.0f, 32.0f},
    {"llama-7b", "llama", 32, 4096, 11008, 32, 32, 128, 32000, 2048, 1e-6f, 10000.0f, 0.0f, false},
    {"qwen3-0.6b", "qwen3", 28, 1024, 3072, 16, 8, 128, 151936, 40960, 1e-6f, 1e6f, 0.0f, true, true},
    {"qwen3-1.7b", "qwen3", 28, 2048, 6144, 16, 8, 128, 151936, 40960, 1e-6f, 1e6f, 0.0f, true, true},
    {"qwen3-4b", "qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 40960, 1e-6f, 1e6f, 0.0f, true, true},
    {"qwen3.5-0.8b", "qwen35", 24,   1024, 3584,  8, 2, 256, 248320, 262144, 1e-6f,
     1e7f,           0.0f,     true, true, false, 0, 4, 16,  128,    4,      64},
    {"qwen3-moe-4gb", "qwen3moe", 22, 2048, 768, 32, 4, 128, 151936, 40960, 1e-6f, 1e6f, 0.0f, true, true,
     false,           0,          0,  0,    0,   0,  0, 64,  8},
    {"qwen3-moe-4gb-skewed",
     "qwen3moe",
     22,
     2048,
     768,
     32,
     4,
     128,
     151936,
     40960,
     1e-6f,
     1e6f,
     0.0f,
     true,
     true,
     false,
     0,
     0,
     0,
     0,
     0,
     0,
     64,
     8,
     true},
    {"qwen3-moe-small-skewed",
     "qwen3moe",
     6,
     512,
     256,
     8,
     2,
     64,
     32000,
     4096,
     1e-6f,
     1e6f,
     0.0f,
     true,
     true,
     false,
     0,
     0,
     0,
     0,
     0,
     0,
     32,
     4,
     true},
    {"gemma3-1b", "gemma3", 26, 1152, 6912, 4, 1, 256, 262144, 32768, 1e-6f, 1e6f, 0.0f, true, true, true, 512},
};

// general.file_type, as llama.cpp numbers it (enum llama_ftype). `larger` goes to the tensors that a mixture keeps more
// exact.
struct FileType {
  const char* name;
  uint32_t id;
  HearthType type;
  HearthType larger = type;
};
constexpr FileType kFileTypes[] = {
    {"F32", 0, HEARTH_TYPE_F32},          {"F16", 1, HEARTH_TYPE_F16},
    {"BF16", 32, HEARTH_TYPE_BF16},       {"Q4_0", 2, HEARTH_TYPE_Q4_0},
    {"Q4_1", 3, HEARTH_TYPE_Q4_1},        {"Q5_0", 8, HEARTH_TYPE_Q5_0},
    {"Q5_1", 9, HEARTH_TYPE_Q5_1},        {"Q8_0", 7, HEARTH_TYPE_Q8_0},
    {"Q2_K", 10, HEARTH_TYPE_Q2_K},       {"Q3_K", 11, HEARTH_TYPE_Q3_K},
    {"Q4_K", 14, HEARTH_TYPE_Q4_K},       {"Q4_K_M", 15, HEARTH_TYPE_Q4_K, HEARTH_TYPE_Q6_K},
    {"Q5_K", 16, HEARTH_TYPE_Q5_K},       {"Q5_K_M", 17, HEARTH_TYPE_Q5_K, HEARTH_TYPE_Q6_K},
    {"Q6_K", 18, HEARTH_TYPE_Q6_K},       {"IQ2_XXS", 19, HEARTH_TYPE_IQ2_XXS},
    {"IQ2_XS", 20, HEARTH_TYPE_IQ2_XS},   {"IQ2_S", 28, HEARTH_TYPE_IQ2_S},
    {"IQ3_XXS", 23, HEARTH_TYPE_IQ3_XXS}, {"IQ3_S", 26, HEARTH_TYPE_IQ3_S},
    {"IQ1_S", 24, HEARTH_TYPE_IQ1_S},     {"IQ1_M", 31, HEARTH_TYPE_IQ1_M},
    {"IQ4_NL", 25, HEARTH_TYPE_IQ4_NL},   {"IQ4_XS", 30, HEARTH_TYPE_IQ4_XS},
    {"TQ1_0", 36, HEARTH_TYPE_TQ1_0},     {"TQ2_0", 37, HEARTH_TYPE_TQ2_0},
    {"MXFP4", 38, HEARTH_TYPE_MXFP4},
};

// The type that quantizers give rows that are no whole number of super-blocks.
HearthType fitting_type(HearthType type, uint64_t columns) {
  if (columns % type_traits(type)->block_elements == 0) return type;
  switch (type) {
    case HEARTH_TYPE_Q4_K:
      return HEARTH_TYPE_Q5_0;
    case HEARTH_TYPE_Q5_K:
      return HEARTH_TYPE_Q5_1;
    case HEARTH_TYPE_Q6_K:
      return HEARTH_TYPE_Q8_0;
    case HEARTH_TYPE_TQ1_0:
    case HEARTH_TYPE_TQ2_0:
      return HEARTH_TYPE_Q4_0;
    default:
      return HEARTH_TYPE_IQ4_NL;
  }
}

// Whether a mixture keeps the values' projection and the feed-forward's last matrix of layer `il` more exact: in the
// first and the last eighth of the layers and in each third one between, as llama-quantize does.
bool uses_larger(uint32_t il, uint32_t n_layer) {
  const uint32_t eighth = n_layer / 8;
  return il < eighth || il >= 7 * n_layer / 8 || (il - eighth) % 3 == 2;
}

constexpr uint64_t kSeed = 20261123;
constexpr size_t kPoolBytes = 1 << 20;

// DECAY: the logarithms of what a delta rule forgets, which are negative. ROUTER: random rows, of which the later ones
// are shorter: an expert's logit has a smaller deviation, and so is seldomer among the largest.
enum class Fill { RANDOM, ONES, ROPE_FACTORS, DECAY, ROUTER };

// token_type of llama.cpp's vocabularies.
enum TokenType : int32_t { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6 };

template <class Entry, size_t n>
std::string names_of(const Entry (&entries)[n]) {
  std::string names;
  for (const Entry& entry : entries) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

Status choose_shape(const std::string& name, Shape* shape) {
  const auto found = std::ranges::find(kShapes, name, &Shape::name);
  if (found == std::end(kShapes)) {
    return {Code::OPTION_OUT_OF_RANGE,
            "There is no shape " + in_quotes(name) + ". The shapes are " + names_of(kShapes) + "."};
  }
  *shape = *found;
  return {};
}

Status choose_type(const std::string& name, FileType* file_type) {
  std::string upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const auto found = std::ranges::find(kFileTypes, upper, &FileType::name);
  if (found != std::end(kFileTypes)) {
    *file_type = *found;
    return {};
  }
  HearthType type = HEARTH_TYPE_COUNT;
  return {
      find_type(name, &type) ? Code::MODEL_TENSOR_TYPE_UNSUPPORTED : Code::OPTION_OUT_OF_RANGE,
      "There are no synthetic weights of type " + in_quotes(name) + ". The types are " + names_of(kFileTypes) + "."};
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

void add_keys(const Shape& shape, uint32_t file_type, GgufWriter* writer) {
  const std::string prefix = std::string(shape.architecture) + ".";
  writer->add("general.architecture", shape.architecture);
  writer->add("general.name", std::string("synthetic ") + shape.name);
  writer->add("general.file_type", file_type);
  writer->add("general.quantization_version", uint32_t{2});
  writer->add(prefix + "context_length", shape.n_ctx);
  writer->add(prefix + "embedding_length", shape.n_embd);
  writer->add(prefix + "block_count", shape.n_layer);
  writer->add(prefix + "feed_forward_length", shape.n_ff);
  writer->add(prefix + "attention.head_count", shape.n_head);
  writer->add(prefix + "attention.head_count_kv", shape.n_head_kv);
  writer->add(prefix + "attention.key_length", shape.head_dim);
  writer->add(prefix + "attention.value_length", shape.head_dim);
  writer->add(prefix + "attention.layer_norm_rms_epsilon", shape.rms_eps);
  if (shape.sliding_window != 0) writer->add(prefix + "attention.sliding_window", shape.sliding_window);
  if (shape.attention_interval != 0) {
    writer->add(prefix + "full_attention_interval", shape.attention_interval);
    writer->add(prefix + "ssm.conv_kernel", shape.conv_taps);
    writer->add(prefix + "ssm.group_count", shape.n_delta_head);
    writer->add(prefix + "ssm.time_step_rank", shape.n_delta_head);
    writer->add(prefix + "ssm.state_size", shape.delta_dim);
    writer->add(prefix + "ssm.inner_size", shape.n_delta_head * shape.delta_dim);
  }
  if (shape.n_expert != 0) {
    writer->add(prefix + "expert_count", shape.n_expert);
    writer->add(prefix + "expert_used_count", shape.n_expert_used);
    writer->add(prefix + "expert_feed_forward_length", shape.n_ff);
  }
  writer->add(prefix + "rope.dimension_count", shape.rope_dims != 0 ? shape.rope_dims : shape.head_dim);
  writer->add(prefix + "rope.freq_base", shape.rope_base);
  writer->add(prefix + "vocab_size", shape.n_vocab);
  add_vocabulary(shape.n_vocab, writer);
}

// Divisors of RoPE's frequencies, [head_dim / 2], as Llama 3.1 and later extend their context from 8,192 tokens:
// frequencies that turn less than once in it are divided by rope_factor, those that turn more than four times are kept,
// and a ramp joins the two (Grattafiori et al. 2024, arXiv:2407.21783; rope_scaling of the models' config.json).
std::vector<float> llama3_rope_factors(const Shape& shape) {
  constexpr float kOriginalContext = 8192.0f, kLowFactor = 1.0f, kHighFactor = 4.0f;
  const uint32_t n_dims = shape.head_dim;
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

// A tensor that is to be written: what stands in it, and of which type.
struct Planned {
  Fill fill;
  HearthType type;
};

// Adds the tensors of a model; planned[i] says what stands in the i-th.
class TensorPlan {
 public:
  TensorPlan(const Shape& shape, const FileType& file_type, GgufWriter* writer)
      : s_(shape), file_type_(file_type), writer_(writer) {}

  Status add_all() {
    HEARTH_RETURN_IF_ERROR(matrix("token_embd", s_.n_embd, s_.n_vocab, s_.tied));
    if (s_.rope_factor != 0) HEARTH_RETURN_IF_ERROR(vector("rope_freqs.weight", s_.head_dim / 2, Fill::ROPE_FACTORS));
    for (uint32_t il = 0; il < s_.n_layer; ++il) HEARTH_RETURN_IF_ERROR(layer(il));
    HEARTH_RETURN_IF_ERROR(vector("output_norm.weight", s_.n_embd, Fill::ONES));
    return s_.tied ? Status() : matrix("output", s_.n_embd, s_.n_vocab, true);
  }
  const std::vector<Planned>& planned() const { return planned_; }

 private:
  Status layer(uint32_t il) {
    const std::string block = "blk." + std::to_string(il) + ".";
    const bool larger = uses_larger(il, s_.n_layer);
    const bool attends = s_.attention_interval == 0 || (il + 1) % s_.attention_interval == 0;
    HEARTH_RETURN_IF_ERROR(vector(block + "attn_norm.weight", s_.n_embd, Fill::ONES));
    HEARTH_RETURN_IF_ERROR(attends ? attention(block, larger) : delta_rule(block));
    const bool is_hybrid = s_.attention_interval != 0;  // which has another name for the norm before the feed-forward
    if (s_.post_norms || is_hybrid) {
      HEARTH_RETURN_IF_ERROR(vector(block + "post_attention_norm.weight", s_.n_embd, Fill::ONES));
    }
    if (!is_hybrid) HEARTH_RETURN_IF_ERROR(vector(block + "ffn_norm.weight", s_.n_embd, Fill::ONES));
    if (s_.n_expert > 0) return experts(block, larger);
    HEARTH_RETURN_IF_ERROR(matrix(block + "ffn_gate", s_.n_embd, s_.n_ff));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ffn_up", s_.n_embd, s_.n_ff));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ffn_down", s_.n_ff, s_.n_embd, larger));
    return s_.post_norms ? vector(block + "post_ffw_norm.weight", s_.n_embd, Fill::ONES) : Status();
  }
  Status attention(const std::string& block, bool larger) {
    const uint64_t n_q = s_.n_head * s_.head_dim, n_kv = s_.n_head_kv * s_.head_dim;
    // A hybrid model's attention has a gate beside each query.
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_q", s_.n_embd, s_.attention_interval != 0 ? 2 * n_q : n_q));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_k", s_.n_embd, n_kv));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_v", s_.n_embd, n_kv, larger));
    if (s_.head_norms) {
      HEARTH_RETURN_IF_ERROR(vector(block + "attn_q_norm.weight", s_.head_dim, Fill::ONES));
      HEARTH_RETURN_IF_ERROR(vector(block + "attn_k_norm.weight", s_.head_dim, Fill::ONES));
    }
    return matrix(block + "attn_output", n_q, s_.n_embd);
  }
  Status delta_rule(const std::string& block) {
    const uint64_t n_values = s_.n_delta_head * s_.delta_dim;
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_qkv", s_.n_embd, 3 * n_values));
    HEARTH_RETURN_IF_ERROR(matrix(block + "attn_gate", s_.n_embd, n_values));
    HEARTH_RETURN_IF_ERROR(filter(block + "ssm_conv1d", s_.conv_taps, 3 * n_values));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ssm_alpha", s_.n_embd, s_.n_delta_head));
    HEARTH_RETURN_IF_ERROR(matrix(block + "ssm_beta", s_.n_embd, s_.n_delta_head));
    HEARTH_RETURN_IF_ERROR(vector(block + "ssm_dt.bias", s_.n_delta_head, Fill::ONES));
    HEARTH_RETURN_IF_ERROR(vector(block + "ssm_a", s_.n_delta_head, Fill::DECAY));
    HEARTH_RETURN_IF_ERROR(vector(block + "ssm_norm.weight", s_.delta_dim, Fill::ONES));
    return matrix(block + "ssm_out", n_values, s_.n_embd);
  }
  Status experts(const std::string& block, bool larger) {
    planned_.push_back({s_.skewed_router ? Fill::ROUTER : Fill::RANDOM, HEARTH_TYPE_F32});
    HEARTH_RETURN_IF_ERROR(writer_->add_tensor(block + "ffn_gate_inp.weight", HEARTH_TYPE_F32,
                                               std::array{uint64_t{s_.n_embd}, uint64_t{s_.n_expert}}));
    HEARTH_RETURN_IF_ERROR(stack(block + "ffn_gate_exps", s_.n_embd, s_.n_ff, false));
    HEARTH_RETURN_IF_ERROR(stack(block + "ffn_up_exps", s_.n_embd, s_.n_ff, false));
    return stack(block + "ffn_down_exps", s_.n_ff, s_.n_embd, larger);
  }
  // A matrix of each expert.
  Status stack(const std::string& name, uint64_t columns, uint64_t rows, bool larger) {
    const HearthType type = fitting_type(larger ? file_type_.larger : file_type_.type, columns);
    planned_.push_back({Fill::RANDOM, type});
    return writer_->add_tensor(name + ".weight", type, std::array{columns, rows, uint64_t{s_.n_expert}});
  }
  Status matrix(const std::string& name, uint64_t columns, uint64_t rows, bool larger = false) {
    const HearthType type = fitting_type(larger ? file_type_.larger : file_type_.type, columns);
    planned_.push_back({Fill::RANDOM, type});
    return writer_->add_tensor(name + ".weight", type, std::array{columns, rows});
  }
  Status filter(const std::string& name, uint64_t taps, uint64_t channels) {
    planned_.push_back({Fill::RANDOM, HEARTH_TYPE_F32});
    return writer_->add_tensor(name + ".weight", HEARTH_TYPE_F32, std::array{taps, channels});
  }
  Status vector(const std::string& name, uint64_t n, Fill fill) {
    planned_.push_back({fill, HEARTH_TYPE_F32});
    return writer_->add_tensor(name, HEARTH_TYPE_F32, std::array{n});
  }

  const Shape& s_;
  const FileType& file_type_;
  GgufWriter* writer_;
  std::vector<Planned> planned_;
};

// [n_expert, n_embd]. The rows of a sixteenth of the experts are by a tenth shorter than those of the sixteenth before;
// which experts these are is drawn anew for each layer. A quarter of the experts then gets half of the choices, and the
// last quarter 3 %: trained routers are about as uneven on texts of one kind.
std::vector<float> skewed_router(const Shape& shape, SplitMix64* random) {
  std::vector<uint32_t> rank(shape.n_expert);
  for (uint32_t i = 0; i < shape.n_expert; ++i) rank[i] = i;
  for (uint32_t i = shape.n_expert; i-- > 1;) std::swap(rank[i], rank[random->next() % (i + 1)]);
  std::vector<float> rows;
  for (uint32_t e = 0; e < shape.n_expert; ++e) {
    const float scale =
        0.05f * std::pow(0.9f, 16.0f * static_cast<float>(rank[e]) / static_cast<float>(shape.n_expert));
    for (uint32_t i = 0; i < shape.n_embd; ++i) {
      const auto uniform = static_cast<float>(random->next() >> 40) / static_cast<float>(1 << 24);
      rows.push_back(scale * (uniform - 0.5f));
    }
  }
  return rows;
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
  Shape shape{};
  FileType file_type{};
  HEARTH_RETURN_IF_ERROR(choose_shape(shape_name, &shape));
  HEARTH_RETURN_IF_ERROR(choose_type(weight_type, &file_type));

  GgufWriter writer;
  add_keys(shape, file_type.id, &writer);
  TensorPlan plan(shape, file_type, &writer);
  HEARTH_RETURN_IF_ERROR(plan.add_all());
  HEARTH_RETURN_IF_ERROR(writer.begin(path));

  std::map<HearthType, std::vector<uint8_t>> pools;
  SplitMix64 random(kSeed);
  for (size_t i = 0; i < plan.planned().size(); ++i) {
    const auto [fill, type] = plan.planned()[i];
    const uint64_t n_bytes = writer.tensor_bytes()[i];
    switch (fill) {
      case Fill::RANDOM: {
        std::vector<uint8_t>& pool = pools[type];
        if (pool.empty()) pool = random_blocks(type, kPoolBytes, kSeed);
        HEARTH_RETURN_IF_ERROR(write_random(n_bytes, pool, type_traits(type)->block_bytes, &random, &writer));
        break;
      }
      case Fill::ONES:
        HEARTH_RETURN_IF_ERROR(writer.write(bytes_of(std::vector<float>(n_bytes / sizeof(float), 1.0f))));
        break;
      case Fill::DECAY:
        HEARTH_RETURN_IF_ERROR(writer.write(bytes_of(std::vector<float>(n_bytes / sizeof(float), -1.0f))));
        break;
      case Fill::ROUTER:
        HEARTH_RETURN_IF_ERROR(writer.write(bytes_of(skewed_router(shape, &random))));
        break;
      case Fill::ROPE_FACTORS:
        HEARTH_RETURN_IF_ERROR(writer.write(bytes_of(llama3_rope_factors(shape))));
        break;
    }
  }
  return writer.finish();
}

}  // namespace hearth
