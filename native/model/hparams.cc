#include "model/hparams.h"

#include <algorithm>
#include <cmath>

#include "model/weights.h"

namespace hearth {
namespace {

// Like kMaxContext.
constexpr uint32_t kMaxEmbedding = 1u << 16;
constexpr uint32_t kMaxLayers = 1024;
constexpr uint32_t kMaxFeedForward = 1u << 18;
constexpr uint32_t kMaxHeads = 1024;
constexpr uint32_t kMaxHeadDim = 1024;
constexpr uint32_t kMaxExperts = 1024;

// expert_gating_func.
constexpr uint32_t kGateSoftmax = 1, kGateSigmoid = 2;

}  // namespace

Status HyperParameters::bad_value(const char* name, const std::string& why) const {
  return {Code::GGUF_KEY_BAD_VALUE, "Key \"" + key(name) + "\" " + why + "."};
}

Status HyperParameters::optional_count(const char* name, uint32_t most, uint32_t* value) const {
  *value = 0;
  HEARTH_RETURN_IF_ERROR(file_.optional(key(name), value));
  if (*value <= most) return {};
  return bad_value(name, "is " + std::to_string(*value) + ", more than " + std::to_string(most));
}

Status HyperParameters::count(const char* name, uint32_t most, bool required, uint32_t* value) const {
  HEARTH_RETURN_IF_ERROR(required ? file_.require(key(name), value) : file_.optional(key(name), value));
  if (*value >= 1 && *value <= most) return {};
  return bad_value(name, "is " + std::to_string(*value) + ", not from 1 to " + std::to_string(most));
}

Status HyperParameters::number(const char* name, double most, bool zero, double* value) const {
  auto read = static_cast<float>(*value);
  HEARTH_RETURN_IF_ERROR(file_.optional(key(name), &read));
  if (!(read >= 0 && read <= most) || (read == 0 && !zero)) {
    return bad_value(name, "is " + std::to_string(read) + ", out of range");
  }
  *value = read;
  return {};
}

Status HyperParameters::positive(const char* name, double most, double* value) const {
  return number(name, most, false, value);
}

Status HyperParameters::not_negative(const char* name, double most, double* value) const {
  return number(name, most, true, value);
}

Status HyperParameters::positive(const char* name, double most, float* value) const {
  double wide = *value;
  HEARTH_RETURN_IF_ERROR(positive(name, most, &wide));
  *value = static_cast<float>(wide);
  return {};
}

Status HyperParameters::not_negative(const char* name, double most, float* value) const {
  double wide = *value;
  HEARTH_RETURN_IF_ERROR(not_negative(name, most, &wide));
  *value = static_cast<float>(wide);
  return {};
}

Status HyperParameters::read_common(KvHeads kv_heads) {
  HEARTH_RETURN_IF_ERROR(count("context_length", kMaxContext, true, &n_ctx_train));
  HEARTH_RETURN_IF_ERROR(count("embedding_length", kMaxEmbedding, true, &n_embd));
  HEARTH_RETURN_IF_ERROR(count("block_count", kMaxLayers, true, &n_layer));
  HEARTH_RETURN_IF_ERROR(per_layer("feed_forward_length", 1, kMaxFeedForward, 0, &layer_n_ff));
  n_ff = std::ranges::max(layer_n_ff);
  HEARTH_RETURN_IF_ERROR(count("attention.head_count", kMaxHeads, true, &n_head));
  HEARTH_RETURN_IF_ERROR(per_layer("attention.head_count_kv", 0, kMaxHeads, n_head, &layer_n_head_kv));
  n_head_kv = std::ranges::max(layer_n_head_kv);
  for (const uint32_t n : layer_n_head_kv) {
    const bool divides = n != 0 && n_head % n == 0 && n_head / n <= kMaxHeadGroup;
    const bool allowed = n == 0 ? kv_heads == KvHeads::same_or_none && n_head_kv != 0
                                : divides && (n == n_head_kv || kv_heads == KvHeads::any);
    if (allowed) continue;
    return bad_value("attention.head_count_kv",
                     "is " + std::to_string(n) + " in a layer, which its architecture does not have, or which does " +
                         "not divide " + std::to_string(n_head) + " heads into groups of at most " +
                         std::to_string(kMaxHeadGroup));
  }
  head_dim = n_embd / n_head;
  HEARTH_RETURN_IF_ERROR(count("attention.key_length", kMaxHeadDim, false, &head_dim));
  uint32_t value_length = head_dim;
  HEARTH_RETURN_IF_ERROR(count("attention.value_length", kMaxHeadDim, false, &value_length));
  if (value_length != head_dim) return bad_value("attention.value_length", "differs from attention.key_length");

  HEARTH_RETURN_IF_ERROR(positive("attention.layer_norm_rms_epsilon", 1.0, &norm_eps));

  const GgufTensor* embedding = nullptr;
  HEARTH_RETURN_IF_ERROR(file_.require_tensor("token_embd.weight", &embedding));
  if (embedding->ne[1] < 1 || embedding->ne[1] > gguf_limits::kArrayElements) {
    return {Code::GGUF_TENSOR_BAD_SHAPE,
            "Tensor \"token_embd.weight\" has " + std::to_string(embedding->ne[1]) + " rows, one a token."};
  }
  n_vocab = static_cast<uint32_t>(embedding->ne[1]);
  return {};
}

Status HyperParameters::per_layer(const char* name, uint32_t least, uint32_t most, uint32_t value,
                                  std::vector<uint32_t>* values) const {
  const GgufKey* stored = file_.find_key(key(name));
  if (stored != nullptr && stored->is_array) {
    HEARTH_RETURN_IF_ERROR(file_.require(key(name), values));
    if (values->size() != n_layer) {
      return bad_value(name,
                       "has " + std::to_string(values->size()) + " values for " + std::to_string(n_layer) + " layers");
    }
  } else {
    HEARTH_RETURN_IF_ERROR(value == 0 ? file_.require(key(name), &value) : file_.optional(key(name), &value));
    values->assign(n_layer, value);
  }
  for (const uint32_t v : *values) {
    if (v >= least && v <= most) continue;
    return bad_value(name,
                     "is " + std::to_string(v) + ", not from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return {};
}

Status HyperParameters::read_window(uint32_t period, uint32_t* window, std::vector<bool>* is_local) const {
  is_local->assign(n_layer, false);
  HEARTH_RETURN_IF_ERROR(file_.optional(key("attention.sliding_window"), window));
  if (*window > kMaxContext) return bad_value("attention.sliding_window", "is " + std::to_string(*window));
  if (*window == 0) return {};
  const GgufKey* stored = file_.find_key(key("attention.sliding_window_pattern"));
  if (stored != nullptr && stored->is_array) {
    std::vector<uint32_t> flags;
    HEARTH_RETURN_IF_ERROR(per_layer("attention.sliding_window_pattern", 0, 1, 0, &flags));
    is_local->assign(flags.begin(), flags.end());
    return {};
  }
  HEARTH_RETURN_IF_ERROR(count("attention.sliding_window_pattern", kMaxLayers, false, &period));
  for (uint32_t il = 0; il < n_layer; ++il) (*is_local)[il] = (il + 1) % period != 0;
  return {};
}

Status HyperParameters::read_experts(Experts* experts, uint32_t* n_expert_ff) const {
  uint32_t n_expert = 0, n_used = 0;
  HEARTH_RETURN_IF_ERROR(count("expert_count", kMaxExperts, true, &n_expert));
  HEARTH_RETURN_IF_ERROR(count("expert_used_count", n_expert, true, &n_used));
  HEARTH_RETURN_IF_ERROR(count("expert_feed_forward_length", kMaxFeedForward, true, n_expert_ff));
  HEARTH_RETURN_IF_ERROR(positive("expert_weights_scale", 1e3, &experts->scale));
  uint32_t gate = experts->gate == Experts::Gate::sigmoid ? kGateSigmoid : kGateSoftmax;
  HEARTH_RETURN_IF_ERROR(file_.optional(key("expert_gating_func"), &gate));
  if (gate != kGateSoftmax && gate != kGateSigmoid) {
    return bad_value("expert_gating_func", "is neither 1 (softmax) nor 2 (sigmoid)");
  }
  experts->gate = gate == kGateSigmoid ? Experts::Gate::sigmoid : Experts::Gate::softmax;
  experts->n_expert = n_expert;
  experts->n_used = n_used;
  return {};
}

Status HyperParameters::refuse_experts() const {
  uint32_t experts = 0;
  HEARTH_RETURN_IF_ERROR(file_.optional(key("expert_count"), &experts));
  if (experts == 0) return {};
  return {Code::MODEL_ARCHITECTURE_UNSUPPORTED, "The file is a mixture of " + std::to_string(experts) +
                                                    " experts of architecture \"" + architecture_ +
                                                    "\", which is supported without experts only."};
}

Status HyperParameters::read_rope(RopePairs pairs, Rope* rope) const {
  RopeOptions options;
  HEARTH_RETURN_IF_ERROR(read_rope(pairs, &options));
  *rope = Rope(options);
  return {};
}

Status HyperParameters::read_rope(RopePairs pairs, RopeOptions* o) const {
  o->pairs = pairs;
  o->n_dims = head_dim;
  HEARTH_RETURN_IF_ERROR(count("rope.dimension_count", head_dim, false, &o->n_dims));
  if (o->n_dims % 2 != 0) return bad_value("rope.dimension_count", "is odd");
  HEARTH_RETURN_IF_ERROR(positive("rope.freq_base", 1e12, &o->freq_base));
  HEARTH_RETURN_IF_ERROR(read_rope_factors("rope_freqs.weight", o));

  // Older files have rope.scale_linear instead of a type and a factor.
  double linear = 1.0;
  HEARTH_RETURN_IF_ERROR(positive("rope.scale_linear", 1e6, &linear));
  o->factor = linear;
  HEARTH_RETURN_IF_ERROR(positive("rope.scaling.factor", 1e6, &o->factor));
  HEARTH_RETURN_IF_ERROR(positive("rope.scaling.attn_factor", 1e3, &o->attention_factor));
  std::string_view type = "linear";
  HEARTH_RETURN_IF_ERROR(file_.optional(key("rope.scaling.type"), &type));
  // longrope scales by its factors alone.
  if (type == "none" || type == "longrope" || o->factor == 1.0) {
    o->scaling = RopeOptions::Scaling::none;
  } else if (type == "linear") {
    o->scaling = RopeOptions::Scaling::linear;
  } else if (type == "yarn") {
    o->scaling = RopeOptions::Scaling::yarn;
    return read_yarn(o);
  } else {
    return bad_value("rope.scaling.type", "is not none, linear, yarn or longrope");
  }
  return {};
}

Status HyperParameters::read_rope_factors(const std::string& tensor, RopeOptions* o) const {
  WeightReader read(file_, 0);
  o->freq_factors = read.optional_vector(tensor, o->n_dims / 2);
  if (!file_.has_data()) o->freq_factors = {};
  for (float factor : o->freq_factors) {
    if (!(factor > 0)) {
      return {Code::GGUF_KEY_BAD_VALUE, "Tensor \"" + tensor + "\" holds a factor that is not positive."};
    }
  }
  return read.status();
}

Status HyperParameters::read_yarn(RopeOptions* o) const {
  o->original_context = n_ctx_train;
  HEARTH_RETURN_IF_ERROR(count("rope.scaling.original_context_length", kMaxContext, false, &o->original_context));
  HEARTH_RETURN_IF_ERROR(positive("rope.scaling.yarn_ext_factor", 1e3, &o->yarn_ext_factor));
  HEARTH_RETURN_IF_ERROR(positive("rope.scaling.yarn_beta_fast", 1e6, &o->yarn_beta_fast));
  HEARTH_RETURN_IF_ERROR(positive("rope.scaling.yarn_beta_slow", 1e6, &o->yarn_beta_slow));
  HEARTH_RETURN_IF_ERROR(not_negative("rope.scaling.yarn_log_multiplier", 1e3, &o->yarn_log_multiplier));
  return {};
}

Dimensions HyperParameters::dimensions() const {
  Dimensions d;
  d.n_layer = n_layer;
  d.n_embd = n_embd;
  d.n_vocab = n_vocab;
  d.n_ctx_train = n_ctx_train;
  for (const uint32_t n : layer_n_head_kv) {
    d.kv.layers.push_back({static_cast<int32_t>(n), static_cast<int32_t>(head_dim)});
  }
  return d;
}

AttentionShape HyperParameters::attention_shape() const {
  return {n_head, n_head_kv, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim))};
}

}  // namespace hearth
