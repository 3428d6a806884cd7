// Reads an architecture's hyper-parameters from the keys of a GGUF file, each within the range that memory and kernels
// can bear. Knows the keys; knows no tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "include/status.h"
#include "model/architecture.h"
#include "model/rope.h"

namespace hearth {

// How many KV heads the layers of an architecture may have.
enum class KvHeads {
  same,          // in all layers
  same_or_none,  // none in those that do not attend
  any,
};

// Errors of all methods: GGUF_KEY_MISSING and GGUF_KEY_BAD_VALUE with the key's name.
class HyperParameters {
 public:
  // A factor of four and more above the largest published models, and small enough that products stay far from
  // overflow.
  static constexpr uint32_t kMaxContext = 1u << 24;

  // Keys are "ARCHITECTURE.name".
  HyperParameters(const GgufFile& file, std::string architecture)
      : file_(file), architecture_(std::move(architecture)) {}

  // The members below, which all decoder models have.
  Status read_common(KvHeads kv_heads = KvHeads::same);
  // RoPE with its scaling, of head_dim or rope.dimension_count dimensions; the frequency factors are read from
  // rope_freqs.weight.
  Status read_rope(RopePairs pairs, RopeOptions* options) const;
  Status read_rope(RopePairs pairs, Rope* rope) const;
  // [n_dims / 2] divisors of the frequencies; none where the file lacks the tensor.
  Status read_rope_factors(const std::string& tensor, RopeOptions* options) const;
  // A value for each layer from `least` to `most`: an array, or one value for all. `value` is the default of a key that
  // may be missing.
  Status per_layer(const char* name, uint32_t least, uint32_t most, uint32_t value,
                   std::vector<uint32_t>* values) const;
  // Which layers attend within a sliding window: attention.sliding_window_pattern as a flag for each layer, or as a
  // period whose last layer attends to all tokens; `period` is the architecture's. Sets `window`, 0: none.
  Status read_window(uint32_t period, uint32_t* window, std::vector<bool>* is_local) const;
  // Experts of the layers, whose matrices are read per layer.
  Status read_experts(Experts* experts, uint32_t* n_ff) const;
  // Mixtures of experts share some architectures' names.
  Status refuse_experts() const;

  // A number above 0 and up to `most`; `value` holds the default for a key that is missing.
  Status positive(const char* name, double most, double* value) const;
  Status positive(const char* name, double most, float* value) const;
  // A number from 0 on; 0 mostly turns something off.
  Status not_negative(const char* name, double most, double* value) const;
  Status not_negative(const char* name, double most, float* value) const;
  // A count from 1 to `most`; `value` holds the default for keys that may be missing.
  Status count(const char* name, uint32_t most, bool required, uint32_t* value) const;

  // A count from 0 on, 0 when the key is missing.
  Status optional_count(const char* name, uint32_t most, uint32_t* value) const;
  // GGUF_KEY_BAD_VALUE: the key of this name `why`.
  Status bad_value(const char* name, const std::string& why) const;

  Dimensions dimensions() const;
  AttentionShape attention_shape() const;

  uint32_t n_ctx_train = 0;
  uint32_t n_embd = 0;
  uint32_t n_layer = 0;
  uint32_t n_ff = 0;
  uint32_t n_head = 0;
  uint32_t n_head_kv = 0;
  uint32_t head_dim = 0;
  std::vector<uint32_t> layer_n_ff, layer_n_head_kv;  // [n_layer], of which n_ff and n_head_kv are the largest
  uint32_t n_vocab = 0;
  float norm_eps = 0;

 private:
  std::string key(const char* name) const { return architecture_ + "." + name; }
  Status number(const char* name, double most, bool zero, double* value) const;
  Status read_yarn(RopeOptions* options) const;

  const GgufFile& file_;
  std::string architecture_;
};

}  // namespace hearth
