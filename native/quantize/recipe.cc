// The recipes are those of llama.cpp's quantize tool (function llama_tensor_get_type), which are what published names
// such as Q4_K_M mean: attn_v and ffn_down, which hurt most, get more bits in a part of the layers, and the output
// matrix (or the embedding that serves as one) Q6_K.
#include "quantize/recipe.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "gguf/types.h"

namespace hearth::quantize {
namespace {

constexpr Mix kMixes[] = {
    {"F32", 0, HEARTH_TYPE_F32},      {"F16", 1, HEARTH_TYPE_F16},        {"BF16", 32, HEARTH_TYPE_BF16},
    {"Q8_0", 7, HEARTH_TYPE_Q8_0},    {"Q6_K", 18, HEARTH_TYPE_Q6_K},     {"Q5_1", 9, HEARTH_TYPE_Q5_1},
    {"Q5_0", 8, HEARTH_TYPE_Q5_0},    {"Q5_K_M", 17, HEARTH_TYPE_Q5_K},   {"Q5_K_S", 16, HEARTH_TYPE_Q5_K},
    {"Q4_1", 3, HEARTH_TYPE_Q4_1},    {"Q4_0", 2, HEARTH_TYPE_Q4_0},      {"Q4_K_M", 15, HEARTH_TYPE_Q4_K},
    {"Q4_K_S", 14, HEARTH_TYPE_Q4_K}, {"IQ4_NL", 25, HEARTH_TYPE_IQ4_NL}, {"IQ4_XS", 30, HEARTH_TYPE_IQ4_XS},
    {"Q3_K_L", 13, HEARTH_TYPE_Q3_K}, {"Q3_K_M", 12, HEARTH_TYPE_Q3_K},   {"Q3_K_S", 11, HEARTH_TYPE_Q3_K},
    {"Q2_K", 10, HEARTH_TYPE_Q2_K},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool is_float(HearthType type) {
  return type == HEARTH_TYPE_F32 || type == HEARTH_TYPE_F16 || type == HEARTH_TYPE_BF16;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_weight_matrix(const TensorShape& tensor) {
  // Small, and more sensitive than they are large: norms, routers, the convolutions of hybrids, position tables.
  constexpr std::string_view kKept[] = {"_norm.",         "ffn_gate_inp",  "ssm_conv1d",
                                        "shortconv.conv", "position_embd", "rope_freqs"};
  return tensor.n_dims >= 2 && tensor.name.ends_with(".weight") &&
         std::ranges::none_of(kKept, [&](std::string_view kept) { return contains(tensor.name, kept); });
}

// The n of "blk.n."; 0 outside the layers.
uint64_t layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  uint64_t layer = 0;
  if (name.starts_with(kPrefix)) std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return layer;
}

// The first and last eighth of the layers and every third between them.
bool wants_more_bits(uint64_t layer, uint64_t n_layer) {
  return layer < n_layer / 8 || layer >= 7 * n_layer / 8 || (layer - n_layer / 8) % 3 == 2;
}

// The type that fits a tensor's rows where they are no multiple of the blocks of `type`.
HearthType fit_row(HearthType type, uint64_t row_elements) {
  const auto fits = [&](HearthType t) { return row_elements % type_traits(t)->block_elements == 0; };
  if (fits(type)) return type;
  HearthType smaller = HEARTH_TYPE_F16;
  if (type == HEARTH_TYPE_Q2_K || type == HEARTH_TYPE_Q3_K || type == HEARTH_TYPE_IQ4_XS) smaller = HEARTH_TYPE_IQ4_NL;
  if (type == HEARTH_TYPE_Q4_K) smaller = HEARTH_TYPE_Q5_0;
  if (type == HEARTH_TYPE_Q5_K) smaller = HEARTH_TYPE_Q5_1;
  if (type == HEARTH_TYPE_Q6_K) smaller = HEARTH_TYPE_Q8_0;
  return fits(smaller) ? smaller : HEARTH_TYPE_F16;
}

class Recipe {
 public:
  Recipe(const Mix& mix, const ModelFacts& facts, std::span<const TensorShape> tensors) : mix_(mix), facts_(facts) {
    has_output_ = std::ranges::any_of(tensors, [](const TensorShape& t) { return t.name == "output.weight"; });
    for (const TensorShape& t : tensors) {
      if (contains(t.name, "attn_v.weight")) attention_layers_.insert(layer_of(t.name));
    }
  }

  HearthType type_of(const TensorShape& tensor) const {
    const std::string_view name = tensor.name;
    const uint64_t layer = layer_of(name);
    if (name == "output.weight" || (name == "token_embd.weight" && !has_output_)) return output(tensor.row_elements);
    if (contains(name, "attn_v.weight")) return attention_value(layer);
    if (contains(name, "attn_k.weight") && facts_.n_expert == 8) return HEARTH_TYPE_Q8_0;
    if (contains(name, "attn_output.weight")) return attention_output();
    if (contains(name, "attn_qkv.weight")) return attention_fused();
    if (contains(name, "ffn_down")) return ffn_down(layer);
    return mix_.type;
  }

 private:
  bool is(std::string_view name) const { return name == mix_.name; }

  HearthType output(uint64_t row_elements) const {
    if (row_elements % type_traits(mix_.type)->block_elements != 0) return HEARTH_TYPE_Q8_0;
    return mix_.type == HEARTH_TYPE_Q8_0 ? HEARTH_TYPE_Q8_0 : HEARTH_TYPE_Q6_K;
  }

  HearthType attention_value(uint64_t layer) const {
    if (facts_.n_expert == 8) return HEARTH_TYPE_Q8_0;
    // Hybrids have attention in some layers only: those are counted.
    const auto index =
        static_cast<uint64_t>(std::distance(attention_layers_.begin(), attention_layers_.lower_bound(layer)));
    const bool shared = facts_.heads_per_kv_head >= 4;  // a small matrix that many heads read
    if (is("Q2_K")) return shared ? HEARTH_TYPE_Q4_K : HEARTH_TYPE_Q3_K;
    if (is("Q3_K_M")) return index < 2 ? HEARTH_TYPE_Q5_K : HEARTH_TYPE_Q4_K;
    if (is("Q3_K_L")) return HEARTH_TYPE_Q5_K;
    if ((is("IQ4_NL") || is("IQ4_XS")) && shared) return HEARTH_TYPE_Q5_K;
    if ((is("Q4_K_M") || is("Q5_K_M")) && wants_more_bits(index, attention_layers_.size())) return HEARTH_TYPE_Q6_K;
    if (is("Q4_K_S") && index < 4) return HEARTH_TYPE_Q5_K;
    return mix_.type;
  }

  HearthType attention_output() const {
    if (facts_.n_expert == 8) {
      constexpr std::string_view kSmall[] = {"Q2_K", "Q3_K_S", "Q3_K_M", "Q4_K_S", "Q4_K_M", "IQ4_NL", "IQ4_XS"};
      return std::ranges::find(kSmall, mix_.name) != std::end(kSmall) ? HEARTH_TYPE_Q5_K : mix_.type;
    }
    if (is("Q2_K")) return HEARTH_TYPE_Q3_K;
    if (is("Q3_K_M")) return HEARTH_TYPE_Q4_K;
    if (is("Q3_K_L")) return HEARTH_TYPE_Q5_K;
    return mix_.type;
  }

  HearthType attention_fused() const {
    if (is("Q3_K_M") || is("Q3_K_L")) return HEARTH_TYPE_Q4_K;
    if (is("Q4_K_M")) return HEARTH_TYPE_Q5_K;
    if (is("Q5_K_M")) return HEARTH_TYPE_Q6_K;
    return mix_.type;
  }

  HearthType ffn_down(uint64_t layer) const {
    const uint64_t n_layer = facts_.n_layer;
    if (is("Q2_K")) return HEARTH_TYPE_Q3_K;
    if (is("Q3_K_M")) return layer < n_layer / 16 ? HEARTH_TYPE_Q5_K : HEARTH_TYPE_Q4_K;
    if (is("Q3_K_L")) return HEARTH_TYPE_Q5_K;
    if ((is("Q4_K_M") || is("Q5_K_M")) && wants_more_bits(layer, n_layer)) return HEARTH_TYPE_Q6_K;
    if ((is("Q4_K_S") || is("IQ4_NL") || is("IQ4_XS")) && layer < n_layer / 8) return HEARTH_TYPE_Q5_K;
    return mix_.type;
  }

  const Mix& mix_;
  const ModelFacts& facts_;
  bool has_output_ = false;
  std::set<uint64_t> attention_layers_;
};

}  // namespace

Status find_mix(std::string_view name, const Mix** mix) {
  std::string wanted(name);
  std::ranges::transform(wanted, wanted.begin(), upper);
  if (wanted == "Q3_K" || wanted == "Q4_K" || wanted == "Q5_K") wanted += "_M";
  std::string all;
  for (const Mix& each : kMixes) {
    if (wanted == each.name) {
      *mix = &each;
      return {};
    }
    all += (all.empty() ? "" : ", ") + std::string(each.name);
  }
  return {Code::OPTION_OUT_OF_RANGE, "The type " + in_quotes(name) + " is not one of " + all + "."};
}

std::vector<HearthType> choose_types(const Mix& mix, bool pure, const ModelFacts& facts,
                                     std::span<const TensorShape> tensors) {
  const bool mixed = !pure && !is_float(mix.type);
  const Recipe recipe(mix, facts, tensors);
  std::vector<HearthType> types;
  for (const TensorShape& tensor : tensors) {
    if (!is_weight_matrix(tensor)) {
      types.push_back(tensor.type);
    } else {
      types.push_back(fit_row(mixed ? recipe.type_of(tensor) : mix.type, tensor.row_elements));
    }
  }
  return types;
}

}  // namespace hearth::quantize
