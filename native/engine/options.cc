#include "engine/options.h"

#include <algorithm>
#include <string>

#include "kv/sequences.h"
#include "threads/topology.h"

namespace hearth {
namespace {

constexpr int32_t kMaxThreads = 256;
constexpr int32_t kMaxSequences = 256;
constexpr int32_t kMaxBatchTokens = 4096;
constexpr int64_t kMaxKvTokens = int64_t{1} << 28;
constexpr int32_t kMaxPrefixSequences = 16;

// Sequences for prefixes, and what is left of the memory as room for their tokens.
void divide_prefix_bytes(const kv::Shape& shape, EngineOptions* o) {
  const uint64_t a_token = std::max<uint64_t>(1, shape.bytes_per_token());
  const uint64_t a_sequence = kv::Sequences::prefix_bytes(shape);
  // Half for windows and states, where there are any.
  const uint64_t affordable = a_sequence == 0 ? kMaxPrefixSequences : o->prefix_bytes / 2 / a_sequence;
  const auto most = static_cast<uint64_t>(std::min(kMaxPrefixSequences, kMaxSequences - o->max_sequences));
  const uint64_t tokens = (o->prefix_bytes - std::min(affordable, most) * a_sequence) / a_token;
  o->prefix_sequences = static_cast<int32_t>(tokens < kv::kBlockTokens ? 0 : std::min(affordable, most));
  if (o->prefix_sequences == 0) return;
  const uint64_t useful = std::min<uint64_t>(kMaxKvTokens - o->kv_tokens, uint64_t{most} * o->context_tokens);
  o->kv_tokens += static_cast<int32_t>(std::min(tokens, useful));
}

// The shape of the model's KV cache in the type of the options.
Status kv_shape(const Dimensions& model, const EngineOptions& o, kv::Shape* shape) {
  if (o.kv_type != "f16" && o.kv_type != "q8_0") {
    return {Code::OPTION_OUT_OF_RANGE, "The engine's option kv_type is '" + o.kv_type + "', not f16 or q8_0."};
  }
  *shape = model.kv.with(o.kv_type == "f16" ? kv::Type::f16 : kv::Type::q8_0);
  const int32_t head = shape->unsuitable_head();
  if (head == 0) return {};
  return {Code::OPTION_OUT_OF_RANGE, "A KV cache of q8_0 needs heads of a multiple of " + std::to_string(kv::kQ8Dims) +
                                         ", and this model's are of " + std::to_string(head) + ": use f16."};
}

}  // namespace

Status check_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return {Code::OPTION_OUT_OF_RANGE, std::string("The engine's option ") + name + " is " + std::to_string(value) +
                                         ", not from " + std::to_string(least) + " to " + std::to_string(most) + "."};
}

Status complete_options(const Dimensions& model, EngineOptions* o, kv::Shape* shape) {
  HEARTH_RETURN_IF_ERROR(kv_shape(model, *o, shape));
  if (o->threads == 0) o->threads = usable_cores();
  HEARTH_RETURN_IF_ERROR(check_range("threads", o->threads, 1, kMaxThreads));
  if (o->decode_threads == 0) o->decode_threads = o->threads;
  HEARTH_RETURN_IF_ERROR(check_range("decode_threads", o->decode_threads, 1, o->threads));
  HEARTH_RETURN_IF_ERROR(check_range("max_sequences", o->max_sequences, 1, kMaxSequences));
  HEARTH_RETURN_IF_ERROR(check_range("context_tokens", o->context_tokens, 1, kMaxKvTokens));
  HEARTH_RETURN_IF_ERROR(check_range("max_batch_tokens", o->max_batch_tokens, 1, kMaxBatchTokens));
  if (!(o->kept_share <= 1)) return {Code::OPTION_OUT_OF_RANGE, "The engine's option kept_share is above 1."};
  o->context_tokens = std::min<int32_t>(o->context_tokens, static_cast<int32_t>(model.n_ctx_train));
  int64_t kv_tokens = o->kv_tokens;
  if (kv_tokens == 0) kv_tokens = int64_t{o->max_sequences} * o->context_tokens;
  HEARTH_RETURN_IF_ERROR(check_range("kv_tokens", kv_tokens, 1, kMaxKvTokens));
  o->kv_tokens = static_cast<int32_t>(kv_tokens);
  divide_prefix_bytes(*shape, o);
  return {};
}

}  // namespace hearth
