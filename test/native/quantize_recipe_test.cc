// Which tensor gets which type in the named mixes.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "gguf/types.h"
#include "quantize/recipe.h"

namespace hearth::quantize {
namespace {

// A llama of `n_layer` layers with rows of `n`; the types by name.
std::map<std::string, std::string> types_of(const char* mix_name, uint64_t n_layer, uint64_t n = 4096,
                                            ModelFacts facts = {}, bool tied = false, bool pure = false) {
  std::vector<std::string> names = {"token_embd.weight", "output_norm.weight"};
  if (!tied) names.emplace_back("output.weight");
  for (uint64_t i = 0; i < n_layer; ++i) {
    for (const char* part : {"attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
                             "ffn_down", "ffn_gate_inp"}) {
      names.push_back("blk." + std::to_string(i) + "." + part + ".weight");
    }
  }
  std::vector<TensorShape> shapes;
  for (const std::string& name : names) {
    const bool norm = name.find("norm") != std::string::npos;
    shapes.push_back({name, norm ? HEARTH_TYPE_F32 : HEARTH_TYPE_F16, norm ? 1u : 2u, n});
  }
  facts.n_layer = n_layer;
  const Mix* mix = nullptr;
  REQUIRE(find_mix(mix_name, &mix).ok());
  const std::vector<HearthType> types = choose_types(*mix, pure, facts, shapes);
  std::map<std::string, std::string> result;
  for (size_t i = 0; i < names.size(); ++i) result[names[i]] = type_name(types[i]);
  return result;
}

}  // namespace

TEST_CASE("recipe: Q4_K_M gives attn_v and ffn_down more bits in the first and last eighth and every third layer") {
  auto types = types_of("q4_k_m", 32);
  CHECK(types["output.weight"] == "Q6_K");
  CHECK(types["token_embd.weight"] == "Q4_K");
  CHECK(types["output_norm.weight"] == "F32");
  CHECK(types["blk.7.ffn_gate_inp.weight"] == "F16");
  std::string larger;
  for (int i = 0; i < 32; ++i) {
    const std::string block = "blk." + std::to_string(i);
    CHECK(types[block + ".attn_q.weight"] == "Q4_K");
    CHECK(types[block + ".attn_v.weight"] == types[block + ".ffn_down.weight"]);
    if (types[block + ".attn_v.weight"] == "Q6_K") larger += std::to_string(i) + " ";
  }
  CHECK(larger == "0 1 2 3 6 9 12 15 18 21 24 27 28 29 30 31 ");
}

TEST_CASE("recipe: the other mixes") {
  CHECK(types_of("Q2_K", 16)["blk.5.attn_v.weight"] == "Q3_K");
  CHECK(types_of("Q2_K", 16, 4096, {.heads_per_kv_head = 4})["blk.5.attn_v.weight"] == "Q4_K");
  CHECK(types_of("Q2_K", 16)["blk.5.attn_output.weight"] == "Q3_K");
  CHECK(types_of("Q3_K_M", 32)["blk.1.attn_v.weight"] == "Q5_K");
  CHECK(types_of("Q3_K_M", 32)["blk.2.attn_v.weight"] == "Q4_K");
  CHECK(types_of("Q3_K_M", 32)["blk.1.ffn_down.weight"] == "Q5_K");
  CHECK(types_of("Q3_K_L", 32)["blk.9.ffn_down.weight"] == "Q5_K");
  CHECK(types_of("Q3_K_S", 32)["blk.9.ffn_down.weight"] == "Q3_K");
  CHECK(types_of("Q4_K_S", 32)["blk.3.attn_v.weight"] == "Q5_K");
  CHECK(types_of("Q4_K_S", 32)["blk.4.ffn_down.weight"] == "Q4_K");
  CHECK(types_of("Q4_0", 32)["blk.0.ffn_down.weight"] == "Q4_0");
  CHECK(types_of("Q4_0", 32)["output.weight"] == "Q6_K");
  CHECK(types_of("Q8_0", 32)["output.weight"] == "Q8_0");
  CHECK(types_of("IQ4_XS", 32)["blk.3.ffn_down.weight"] == "Q5_K");
  CHECK(types_of("F16", 2)["output.weight"] == "F16");
  CHECK(types_of("Q5_K_M", 8, 4096, {.n_expert = 8})["blk.1.attn_v.weight"] == "Q8_0");
}

TEST_CASE("recipe: the embedding stands in for a missing output; pure mixes have one type") {
  CHECK(types_of("Q4_K_M", 4, 4096, {}, true)["token_embd.weight"] == "Q6_K");
  for (const auto& tensor : types_of("Q4_K_M", 4, 4096, {}, false, true)) {
    const std::string& type = tensor.second;
    CAPTURE(tensor.first);
    if (type != "F32" && type != "F16") CHECK(type == "Q4_K");
  }
}

TEST_CASE("recipe: rows that are no whole blocks get a type with smaller ones") {
  CHECK(types_of("Q4_K_S", 32, 352)["blk.9.attn_q.weight"] == "Q5_0");
  CHECK(types_of("Q5_K_S", 32, 352)["blk.9.attn_q.weight"] == "Q5_1");
  CHECK(types_of("Q6_K", 32, 352)["blk.9.attn_q.weight"] == "Q8_0");
  CHECK(types_of("IQ4_XS", 32, 352)["blk.9.attn_q.weight"] == "IQ4_NL");
  CHECK(types_of("Q2_K", 32, 352)["output.weight"] == "Q8_0");
  CHECK(types_of("Q4_0", 32, 172)["blk.9.attn_q.weight"] == "F16");
}

TEST_CASE("recipe: an unknown mix is an error that lists all") {
  const Mix* mix = nullptr;
  const Status status = find_mix("Q9", &mix);
  CHECK(status.code() == Code::OPTION_OUT_OF_RANGE);
  CHECK(status.message().find("Q4_K_M") != std::string::npos);
  REQUIRE(find_mix("q4_k", &mix).ok());
  CHECK(std::string(mix->name) == "Q4_K_M");
}

}  // namespace hearth::quantize
