// The GGUF reader on files that llama.cpp wrote: models, architectures, every quantization, vocabularies.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "gguf/gguf.h"
#include "memory/mapped_file.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

TEST_CASE("files that llama.cpp wrote are read whole") {
  const fs::path shared = fs::path(__FILE__).parent_path() / "../../../shared";
  if (!fs::exists(shared / "golden")) {
    MESSAGE("skipped: there is no ", shared.string(), "/golden beside the repository");
    return;
  }
  int n_files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(shared)) {
    if (entry.path().extension() != ".gguf") continue;
    CAPTURE(entry.path().string());
    std::unique_ptr<MappedFile> mapped;
    REQUIRE(MappedFile::open(entry.path().string(), &mapped).ok());
    GgufFile file;
    const Status status = GgufFile::parse(mapped->bytes(), &file);
    CAPTURE(status.message());
    REQUIRE(status.ok());

    std::string_view architecture;
    std::vector<std::string_view> tokens;
    CHECK(file.require("general.architecture", &architecture).ok());
    CHECK(file.require("tokenizer.ggml.tokens", &tokens).ok());
    CHECK(tokens.size() >= 100);
    // Tensors fill the data without a gap larger than the padding, so sizes by type are right.
    uint64_t n_bytes = 0;
    for (const GgufTensor& tensor : file.tensors()) {
      n_bytes += (tensor.data.size() + file.alignment() - 1) / file.alignment() * file.alignment();
    }
    if (!file.tensors().empty()) CHECK(file.data_offset() + n_bytes == mapped->bytes().size());
    CHECK(mapped->health().ok());
    ++n_files;
  }
  CHECK(n_files > 50);
}

}  // namespace
}  // namespace hearth
