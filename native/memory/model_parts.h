// The files that a model consists of: one, or all parts of a split one, which stand beside one another and are named
// NAME-00001-of-00003.gguf. Mapped, with one header for all their tensors. Knows how parts belong together; nothing of
// what the tensors are.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "include/status.h"
#include "memory/mapped_file.h"

namespace hearth {

class ModelParts {
 public:
  // Opens the model whose first file is `path`; without `with_weights` that file alone. FILE_ and GGUF_ codes;
  // MODEL_PART_INVALID where the file is another part, or the parts do not belong together; OUT_OF_MEMORY.
  static Status open(const std::string& path, bool with_weights, std::unique_ptr<ModelParts>* result);

  const std::string& path() const { return files_[0]->path(); }  // of the first file
  const GgufFile& header() const { return header_; }             // keys of the first file, tensors of all
  uint64_t bytes() const;                                        // of all files
  std::span<const uint8_t> header_bytes() const;  // of the first file: all that stands before its tensors

  // Copies `out.size()` bytes from byte `at` of a tensor on, as MappedFile::peek does. FILE_READ_FAILED.
  Status peek(const GgufTensor& tensor, size_t at, std::span<uint8_t> out) const;

  // The file that `data`, an address in a tensor, is mapped from.
  std::shared_ptr<const MappedFile> file_of(const uint8_t* data) const;
  const std::vector<std::shared_ptr<const MappedFile>>& files() const { return files_; }

  // The first file that is no longer what was opened: MappedFile::health().
  Status health() const;
  // The sum, or the first failure, of what MappedFile has under these names, of all files.
  uint64_t generation() const;
  Status restore() const;
  Status probe() const;
  bool failed() const;

 private:
  Status append(const std::string& path, uint32_t number, uint32_t count);
  Status read_parts();

  std::vector<std::shared_ptr<const MappedFile>> files_;  // first: the header views them
  GgufFile header_;
};

}  // namespace hearth
