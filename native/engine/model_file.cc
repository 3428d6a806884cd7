#include "engine/model_file.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "base/text.h"
#include "engine/sampling_keys.h"
#include "gguf/totals.h"
#include "memory/mapped_file.h"

namespace hearth {
namespace {

// These keys only inform: what has another type is left empty.
std::string text_of(const GgufFile& header, std::string_view key) {
  std::string_view text;
  return header.optional(key, &text).ok() && is_utf8(text) ? std::string(text) : std::string();
}

uint32_t number_of(const GgufFile& header, const std::string& key) {
  uint32_t number = 0;
  return header.optional(key, &number).ok() ? number : 0;
}

}  // namespace

void describe_header(const GgufFile& header, ModelFileInfo* info) {
  info->architecture = text_of(header, "general.architecture");
  info->name = text_of(header, "general.name");
  info->chat_template = text_of(header, "tokenizer.chat_template");
  info->tokenizer = text_of(header, "tokenizer.ggml.model");
  info->pre_tokenizer = text_of(header, "tokenizer.ggml.pre");
  info->context_trained = number_of(header, info->architecture + ".context_length");
  info->layers = number_of(header, info->architecture + ".block_count");
  info->embedding = number_of(header, info->architecture + ".embedding_length");
  if (!header.optional("general.file_type", &info->file_type).ok()) info->file_type.reset();
  info->sampling = sampling_keys(header);
  info->parts = std::max<uint32_t>(1, number_of(header, "split.count"));
  const TensorTotals totals = total_tensors(header);
  info->parameters = totals.n_elements;
  info->weight_type = totals.main_type;
}

Status describe_model_file(const std::string& path, ModelFileInfo* info) {
  try {
    std::unique_ptr<MappedFile> file;
    HEARTH_RETURN_IF_ERROR(MappedFile::open(path, &file));
    GgufFile header;
    const Status read = GgufFile::parse(file->bytes(), &header);
    // A file that cannot be read shows as zeros, and so as a damaged header: its health tells the true cause.
    HEARTH_RETURN_IF_ERROR(file->health());
    HEARTH_RETURN_IF_ERROR(read);
    info->file_bytes = file->bytes().size();
    describe_header(header, info);
    return file->health();
  } catch (const std::bad_alloc&) {
    return {Code::OUT_OF_MEMORY, "There is not enough memory to read " + quoted_path(path) + "."};
  }
}

}  // namespace hearth
