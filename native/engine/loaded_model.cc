#include "engine/loaded_model.h"

#include <malloc.h>

#include <algorithm>
#include <new>

#include "base/hash64.h"
#include "base/text.h"
#include "gguf/totals.h"
#include "kv/sequences.h"
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
  HEARTH_RETURN_IF_ERROR(MappedFile::open(path, &model->file_));
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
  HEARTH_RETURN_IF_ERROR(GgufFile::parse(file_->bytes(), &header_));
  VocabularyData vocabulary;
  HEARTH_RETURN_IF_ERROR(read_vocabulary(header_, &vocabulary));
  return Tokenizer::create(std::move(vocabulary), &tokenizer_);
}

Status LoadedModel::read_weights() {
  if (header_.tensors().empty()) {
    return {Code::MODEL_HAS_NO_WEIGHTS,
            "The file " + quoted_path(file_->path()) + " holds a vocabulary, but no tensors."};
  }
  HEARTH_RETURN_IF_ERROR(load_architecture(header_, &architecture_));
  const size_t tokens = tokenizer_->info().n_tokens, rows = architecture_->dimensions().n_vocab;
  if (tokens > rows) {
    return {Code::TOKENIZER_BAD_VOCABULARY, "The vocabulary has " + std::to_string(tokens) +
                                                " tokens, and the embedding only " + std::to_string(rows) + " rows."};
  }
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
  digits->clear();
  const std::span<const std::byte> file = std::as_bytes(file_->bytes());
  const uint64_t file_bytes = file.size();
  for (const uint64_t seed : {1, 2}) {
    uint64_t sum = hash64(std::as_bytes(std::span(&file_bytes, 1)), seed);
    sum = hash64(std::as_bytes(std::span(more)), sum);
    sum = hash64(file.first(header_.data_offset()), sum);
    // Else each piece brings its neighbourhood into memory, together a good part of the file.
    file_->expect(MappedFile::Access::SPARSE);
    // From the middle: the first rows of an embedding are those of special tokens, which training may not touch.
    for (const GgufTensor& tensor : header_.tensors()) {
      const std::span<const std::byte> data = std::as_bytes(tensor.data);
      sum = hash64(data.subspan(data.size() / 2).first(std::min(kSampleBytes, data.size() - data.size() / 2)), sum);
    }
    file_->expect(MappedFile::Access::RUNS);
    constexpr const char* kHex = "0123456789abcdef";
    for (int shift = 60; shift >= 0; shift -= 4) *digits += kHex[sum >> shift & 15];
  }
  return health();
}

void LoadedModel::describe() {
  // What is not text is left empty: these keys only inform.
  std::string_view text;
  if (header_.optional("general.architecture", &text).ok()) info_.architecture = text;
  text = {};
  if (header_.optional("general.name", &text).ok()) info_.name = text;
  text = {};
  if (header_.optional("tokenizer.chat_template", &text).ok()) info_.chat_template = text;
  info_.tokenizer = tokenizer_->info();
  info_.file_bytes = file_->bytes().size();
  info_.has_weights = architecture_ != nullptr;
  if (!info_.has_weights) return;

  const Dimensions& d = architecture_->dimensions();
  info_.n_ctx_train = d.n_ctx_train;
  info_.n_layer = d.n_layer;
  info_.n_embd = d.n_embd;
  const auto kv_bytes = [](const kv::Shape& kv) {
    return KvBytes{kv.bytes_per_token(), kv::Sequences::most_bytes(kv)};
  };
  info_.kv_f16 = kv_bytes(d.kv.with(kv::Type::f16));
  info_.kv_q8_0 = kv_bytes(d.kv.with(kv::Type::q8_0));
  const TensorTotals totals = total_tensors(header_);
  info_.n_parameters = totals.n_elements;
  info_.weight_type = totals.main_type;
  info_.weight_bytes = totals.bytes;
  // Of an embedding that is not also the output, a token reads one row.
  const GgufTensor* embedding = header_.find_tensor("token_embd.weight");
  if (embedding && header_.find_tensor("output.weight")) info_.weight_bytes -= embedding->data.size();
}

}  // namespace hearth
