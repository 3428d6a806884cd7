#include "engine/loaded_model.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <vector>

#include "base/hash64.h"
#include "base/text.h"
#include "engine/sampling_keys.h"
#include "gguf/totals.h"
#include "kv/sequences.h"
#include "memory/huge_pages.h"
#include "model/weights.h"
#include "sample/grammar.h"
#include "tokenizer/from_gguf.h"

namespace hearth {

Status Model::load(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model>* model) {
  try {
    return LoadedModel::load(path, options, model);
  } catch (const std::bad_alloc&) {
    return {Code::OUT_OF_MEMORY, "There is not enough memory to load " + quoted_path(path) + "."};
  }
}

Status LoadedModel::load(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model>* result) {
  auto model = std::make_shared<LoadedModel>();
  HEARTH_RETURN_IF_ERROR(ModelParts::open(path, !options.vocabulary_only, &model->parts_));
  const Status read = model->read();
  // A file that cannot be read shows as zeros, and so as a damaged header: its health tells the true cause.
  HEARTH_RETURN_IF_ERROR(model->health());
  HEARTH_RETURN_IF_ERROR(read);
  if (!options.vocabulary_only) HEARTH_RETURN_IF_ERROR(model->read_weights());
  model->describe();
  HEARTH_RETURN_IF_ERROR(model->health());
#ifdef __GLIBC__
  malloc_trim(0);  // what reading the vocabulary needed for a moment: the library would keep it for the thread
#endif
  *result = std::move(model);
  return {};
}

Status LoadedModel::read() {
  VocabularyData vocabulary;
  HEARTH_RETURN_IF_ERROR(read_vocabulary(header(), &vocabulary));
  return Tokenizer::create(std::move(vocabulary), &tokenizer_);
}

Status LoadedModel::read_weights() {
  if (header().tensors().empty()) {
    return {Code::MODEL_HAS_NO_WEIGHTS,
            "The file " + quoted_path(parts_->path()) + " holds a vocabulary, but no tensors."};
  }
  HEARTH_RETURN_IF_ERROR(load_architecture(header(), &architecture_));
  const size_t tokens = tokenizer_->info().n_tokens, rows = architecture_->dimensions().n_vocab;
  if (tokens > rows) {
    return {Code::TOKENIZER_BAD_VOCABULARY, "The vocabulary has " + std::to_string(tokens) +
                                                " tokens, and the embedding only " + std::to_string(rows) + " rows."};
  }
  advise_weights();
  return {};
}

Status LoadedModel::compile_grammar(std::string_view gbnf, std::shared_ptr<const Grammar>* result) const {
  if (tokenizer_->info().n_tokens == 0) {
    return {Code::TOKENIZER_UNSUPPORTED, "The model file has no tokenizer, so that it can follow no grammar."};
  }
  try {
    std::call_once(trie_once_, [this] { trie_ = grammar::TokenTrie::create(*tokenizer_); });
    return grammar::CompiledGrammar::compile(gbnf, trie_, result);
  } catch (const std::bad_alloc&) {
    return {Code::OUT_OF_MEMORY, "There is not enough memory to compile the grammar."};
  }
}

size_t LoadedModel::n_drawable() const {
  const size_t tokens = tokenizer_->info().n_tokens;
  return tokens > 0 ? tokens : architecture_->dimensions().n_vocab;
}

Status LoadedModel::fingerprint(std::string_view more, std::string* digits) const {
  constexpr size_t kSampleBytes = 4096;
  const uint64_t file_bytes = parts_->bytes();
  std::array<uint64_t, 2> sums = {1, 2};
  const auto add = [&sums](std::span<const std::byte> bytes) {
    for (uint64_t& sum : sums) sum = hash64(bytes, sum);
  };
  add(std::as_bytes(std::span(&file_bytes, 1)));
  add(std::as_bytes(std::span(more)));
  add(std::as_bytes(parts_->header_bytes()));
  // From the middle: the first rows of an embedding are those of special tokens, which training may not touch.
  for (const GgufTensor& tensor : header().tensors()) {
    std::array<uint8_t, kSampleBytes> sample;
    const size_t middle = tensor.data.size() / 2;
    const std::span<uint8_t> part = std::span(sample).first(std::min(kSampleBytes, tensor.data.size() - middle));
    HEARTH_RETURN_IF_ERROR(parts_->peek(tensor, middle, part));
    add(std::as_bytes(part));
  }
  digits->clear();
  constexpr const char* kHex = "0123456789abcdef";
  for (const uint64_t sum : sums) {
    for (int shift = 60; shift >= 0; shift -= 4) *digits += kHex[sum >> shift & 15];
  }
  return health();
}

std::vector<Matrix> LoadedModel::matrices() const {
  constexpr uint64_t kLeastRows = 16;
  std::vector<Matrix> matrices;
  for (const GgufTensor& t : header().tensors()) {
    const uint64_t rows = t.n_elements / std::max<uint64_t>(1, t.ne[0]);
    if (t.n_dims < 2 || rows < kLeastRows || is_looked_up(t) || !is_supported_type(t.type)) continue;
    matrices.push_back({t.data.data(), t.type, rows, t.ne[0], t.row_bytes});
  }
  return matrices;
}

// Whether a step takes a row of it for each token. Without a matrix for the output the embedding serves as that, too.
bool LoadedModel::is_looked_up(const GgufTensor& tensor) const {
  if (tensor.name == "token_embd.weight") return header().find_tensor("output.weight") != nullptr;
  return tensor.name.ends_with("token_embd.weight");
}

void LoadedModel::advise_weights() const {
  const auto memory = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (parts_->bytes() >= memory) return;  // what is read too much would push out what is needed
  const auto read_whole = [this](const GgufTensor& tensor) { return !is_looked_up(tensor) && !is_of_experts(tensor); };
  std::vector<std::span<const uint8_t>> parts;
  for (const GgufTensor& tensor : header().tensors()) {
    if (read_whole(tensor)) parts.push_back(tensor.data);
  }
  std::ranges::sort(parts, {}, [](std::span<const uint8_t> part) { return part.data(); });
  // Neighbours together: what a mapping is told in pieces becomes pieces, and no huge page spans two of them.
  constexpr ptrdiff_t kMostPadding = 4096;
  for (size_t i = 0; i < parts.size();) {
    const uint8_t *begin = parts[i].data(), *end = begin;
    for (; i < parts.size() && parts[i].data() - end <= kMostPadding; ++i) end = parts[i].data() + parts[i].size();
    advise_huge_pages(begin, static_cast<size_t>(end - begin));
  }
}

void LoadedModel::describe() {
  // A key that is not text is left empty: these keys only inform.
  std::string_view text;
  if (header().optional("general.architecture", &text).ok()) info_.architecture = text;
  text = {};
  if (header().optional("general.name", &text).ok()) info_.name = text;
  text = {};
  if (header().optional("tokenizer.chat_template", &text).ok()) info_.chat_template = text;
  info_.sampling = sampling_keys(header());
  info_.tokenizer = tokenizer_->info();
  info_.file_bytes = parts_->bytes();
  info_.device = parts_->files()[0]->device();
  info_.has_weights = architecture_ != nullptr;
  if (!info_.has_weights) return;

  const Dimensions& d = architecture_->dimensions();
  info_.context_trained = d.n_ctx_train;
  info_.layers = d.n_layer;
  info_.embedding = d.n_embd;
  const auto kv_bytes = [](const kv::Shape& kv) {
    return KvBytes{kv.bytes_per_token(), kv::Sequences::most_bytes(kv)};
  };
  info_.kv_f16 = kv_bytes(d.kv.with(kv::Type::f16));
  info_.kv_q8_0 = kv_bytes(d.kv.with(kv::Type::q8_0));
  const TensorTotals totals = total_tensors(header());
  info_.parameters = totals.n_elements;
  info_.weight_type = totals.main_type;
  info_.weight_bytes = totals.bytes;
  // A token reads one row of an embedding that is not also the output.
  const GgufTensor* embedding = header().find_tensor("token_embd.weight");
  if (embedding && header().find_tensor("output.weight")) info_.weight_bytes -= embedding->data.size();
}

}  // namespace hearth
