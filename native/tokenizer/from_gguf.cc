// tokenizer.ggml.* of the GGUF specification.
#include "tokenizer/from_gguf.h"

#include <string>

namespace hearth {

namespace {

// Whatever the reader finds wrong with a key, to the user it is the vocabulary that is at fault.
template <typename T>
Status read(const GgufFile& file, const char* key, T* value) {
  const Status status = file.optional(key, value);
  if (status.ok()) return status;
  return {Code::TOKENIZER_BAD_VOCABULARY, status.message()};
}

}  // namespace

Status read_vocabulary(const GgufFile& file, VocabularyData* data) {
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.model", &data->model));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.pre", &data->pre));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.tokens", &data->tokens));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.scores", &data->scores));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.token_type", &data->types));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.merges", &data->merges));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.bos_token_id", &data->bos));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.eos_token_id", &data->eos));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.eot_token_id", &data->eot));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.eom_token_id", &data->eom));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.unknown_token_id", &data->unk));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.padding_token_id", &data->pad));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.add_bos_token", &data->add_bos));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.add_eos_token", &data->add_eos));
  HEARTH_RETURN_IF_ERROR(read(file, "tokenizer.ggml.add_space_prefix", &data->add_space_prefix));
  return {};
}

}  // namespace hearth
