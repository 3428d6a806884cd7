// A model file in use: the mapping, its header, its tokenizer and, unless it holds a vocabulary only, its architecture.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "include/engine.h"
#include "memory/model_parts.h"
#include "model/architecture.h"
#include "model/tensor.h"
#include "sample/token_trie.h"
#include "tokenizer/tokenizer.h"

namespace hearth {

class LoadedModel final : public Model {
 public:
  // Implements Model::load.
  static Status load(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model>* model);

  const ModelInfo& info() const override { return info_; }
  Status encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const override {
    return tokenizer_->encode(words, ids);
  }
  Status decode(std::span<const int32_t> ids, bool with_control_tokens, std::string* bytes) const override {
    return tokenizer_->decode(ids, with_control_tokens, bytes);
  }
  Status compile_grammar(std::string_view gbnf, std::shared_ptr<const Grammar>* grammar) const override;
  Status health() const override { return parts_->health(); }
  Status check_storage(bool probes) const override {
    return probes || parts_->failed() ? parts_->probe() : parts_->health();
  }

  // Null without weights.
  const Architecture* architecture() const { return architecture_.get(); }
  // The matrices that a step multiplies with: all of a layer's experts, and no embedding of which it takes a row a
  // token.
  std::vector<Matrix> matrices() const;
  const ModelParts& parts() const { return *parts_; }
  // Ids that may be drawn: a matrix may have rows beyond the vocabulary, as padding.
  size_t n_drawable() const;
  // 32 hex digits that tell models apart: of the header, a sample of each tensor, and `more`. FILE_READ_FAILED,
  // FILE_CHANGED.
  Status fingerprint(std::string_view more, std::string* digits) const;

 private:
  Status read();
  Status read_weights();
  void advise_weights() const;
  bool is_looked_up(const GgufTensor& tensor) const;
  void describe();

  const GgufFile& header() const { return parts_->header(); }

  std::unique_ptr<ModelParts> parts_;  // first: all others view it
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<const Architecture> architecture_;
  mutable std::once_flag trie_once_;
  mutable std::shared_ptr<const grammar::TokenTrie> trie_;  // made for the first grammar
  ModelInfo info_;
};

}  // namespace hearth
