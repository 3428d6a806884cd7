// Sources: ggml.h and ggml-common.h of ggml (ids and block structs), gguf-py's GGML_QUANT_SIZES.
#include "gguf/types.h"

#include <algorithm>
#include <array>

#include "base/checked.h"

namespace hearth {
namespace {

// By id; ids without a name are not defined.
constexpr auto kTraits = [] {
  std::array<TypeTraits, HEARTH_TYPE_COUNT> t{};
  t[HEARTH_TYPE_F32] = {"F32", 1, 4};
  t[HEARTH_TYPE_F16] = {"F16", 1, 2};
  t[HEARTH_TYPE_BF16] = {"BF16", 1, 2};
  t[HEARTH_TYPE_F64] = {"F64", 1, 8};
  t[HEARTH_TYPE_I8] = {"I8", 1, 1};
  t[HEARTH_TYPE_I16] = {"I16", 1, 2};
  t[HEARTH_TYPE_I32] = {"I32", 1, 4};
  t[HEARTH_TYPE_I64] = {"I64", 1, 8};
  t[HEARTH_TYPE_Q4_0] = {"Q4_0", 32, 18};
  t[HEARTH_TYPE_Q4_1] = {"Q4_1", 32, 20};
  t[HEARTH_TYPE_Q5_0] = {"Q5_0", 32, 22};
  t[HEARTH_TYPE_Q5_1] = {"Q5_1", 32, 24};
  t[HEARTH_TYPE_Q8_0] = {"Q8_0", 32, 34};
  t[HEARTH_TYPE_Q8_1] = {"Q8_1", 32, 36};
  t[HEARTH_TYPE_Q2_K] = {"Q2_K", 256, 84};
  t[HEARTH_TYPE_Q3_K] = {"Q3_K", 256, 110};
  t[HEARTH_TYPE_Q4_K] = {"Q4_K", 256, 144};
  t[HEARTH_TYPE_Q5_K] = {"Q5_K", 256, 176};
  t[HEARTH_TYPE_Q6_K] = {"Q6_K", 256, 210};
  t[HEARTH_TYPE_Q8_K] = {"Q8_K", 256, 292};
  t[HEARTH_TYPE_IQ1_S] = {"IQ1_S", 256, 50};
  t[HEARTH_TYPE_IQ1_M] = {"IQ1_M", 256, 56};
  t[HEARTH_TYPE_IQ2_XXS] = {"IQ2_XXS", 256, 66};
  t[HEARTH_TYPE_IQ2_XS] = {"IQ2_XS", 256, 74};
  t[HEARTH_TYPE_IQ2_S] = {"IQ2_S", 256, 82};
  t[HEARTH_TYPE_IQ3_XXS] = {"IQ3_XXS", 256, 98};
  t[HEARTH_TYPE_IQ3_S] = {"IQ3_S", 256, 110};
  t[HEARTH_TYPE_IQ4_NL] = {"IQ4_NL", 32, 18};
  t[HEARTH_TYPE_IQ4_XS] = {"IQ4_XS", 256, 136};
  t[HEARTH_TYPE_TQ1_0] = {"TQ1_0", 256, 54};
  t[HEARTH_TYPE_TQ2_0] = {"TQ2_0", 256, 66};
  t[HEARTH_TYPE_MXFP4] = {"MXFP4", 32, 17};
  t[HEARTH_TYPE_NVFP4] = {"NVFP4", 64, 36};
  t[HEARTH_TYPE_Q1_0] = {"Q1_0", 128, 18};
  t[HEARTH_TYPE_Q2_0] = {"Q2_0", 64, 18};
  return t;
}();

static_assert(kTraits[HEARTH_TYPE_Q4_0].block_bytes == sizeof(block_q4_0));
static_assert(kTraits[HEARTH_TYPE_Q4_1].block_bytes == sizeof(block_q4_1));
static_assert(kTraits[HEARTH_TYPE_Q5_0].block_bytes == sizeof(block_q5_0));
static_assert(kTraits[HEARTH_TYPE_Q5_1].block_bytes == sizeof(block_q5_1));
static_assert(kTraits[HEARTH_TYPE_Q8_0].block_bytes == sizeof(block_q8_0));
static_assert(kTraits[HEARTH_TYPE_Q2_K].block_bytes == sizeof(block_q2_k));
static_assert(kTraits[HEARTH_TYPE_Q3_K].block_bytes == sizeof(block_q3_k));
static_assert(kTraits[HEARTH_TYPE_Q4_K].block_bytes == sizeof(block_q4_k));
static_assert(kTraits[HEARTH_TYPE_Q5_K].block_bytes == sizeof(block_q5_k));
static_assert(kTraits[HEARTH_TYPE_Q6_K].block_bytes == sizeof(block_q6_k));
static_assert(kTraits[HEARTH_TYPE_IQ1_S].block_bytes == sizeof(block_iq1_s));
static_assert(kTraits[HEARTH_TYPE_IQ1_M].block_bytes == sizeof(block_iq1_m));
static_assert(kTraits[HEARTH_TYPE_IQ2_XXS].block_bytes == sizeof(block_iq2_xxs));
static_assert(kTraits[HEARTH_TYPE_IQ2_XS].block_bytes == sizeof(block_iq2_xs));
static_assert(kTraits[HEARTH_TYPE_IQ2_S].block_bytes == sizeof(block_iq2_s));
static_assert(kTraits[HEARTH_TYPE_IQ3_XXS].block_bytes == sizeof(block_iq3_xxs));
static_assert(kTraits[HEARTH_TYPE_IQ3_S].block_bytes == sizeof(block_iq3_s));
static_assert(kTraits[HEARTH_TYPE_IQ4_NL].block_bytes == sizeof(block_iq4_nl));
static_assert(kTraits[HEARTH_TYPE_IQ4_XS].block_bytes == sizeof(block_iq4_xs));
static_assert(kTraits[HEARTH_TYPE_TQ1_0].block_bytes == sizeof(block_tq1_0));
static_assert(kTraits[HEARTH_TYPE_TQ2_0].block_bytes == sizeof(block_tq2_0));
static_assert(kTraits[HEARTH_TYPE_MXFP4].block_bytes == sizeof(block_mxfp4));

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

const TypeTraits* type_traits(uint32_t id) {
  return id < kTraits.size() && kTraits[id].name != nullptr ? &kTraits[id] : nullptr;
}

const char* type_name(uint32_t id) {
  const TypeTraits* traits = type_traits(id);
  return traits != nullptr ? traits->name : "?";
}

bool find_type(std::string_view name, HearthType* type) {
  for (uint32_t id = 0; id < kTraits.size(); ++id) {
    if (kTraits[id].name == nullptr) continue;
    if (std::ranges::equal(name, std::string_view(kTraits[id].name), {}, lower, lower)) {
      *type = static_cast<HearthType>(id);
      return true;
    }
  }
  return false;
}

bool row_size(HearthType type, uint64_t n_elements, uint64_t* bytes) {
  const TypeTraits* traits = type_traits(type);
  if (traits == nullptr || n_elements % traits->block_elements != 0) return false;
  return checked_mul<uint64_t>(n_elements / traits->block_elements, traits->block_bytes, bytes);
}

}  // namespace hearth
