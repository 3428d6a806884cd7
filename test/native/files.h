// Files of tests: a folder that goes with the test, and GGUF files mapped and read.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "gguf/gguf.h"
#include "memory/mapped_file.h"

namespace hearth::test {

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hearth-native-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  size_t n_files() const {
    using Iterator = std::filesystem::directory_iterator;
    return static_cast<size_t>(std::distance(Iterator(path_), Iterator()));
  }

 private:
  std::filesystem::path path_;
};

struct MappedGguf {
  explicit MappedGguf(const std::string& path) {
    REQUIRE(MappedFile::open(path, &mapped).ok());
    const Status status = GgufFile::parse(mapped->bytes(), &gguf);
    CAPTURE(status.message());
    REQUIRE(status.ok());
  }
  std::unique_ptr<MappedFile> mapped;
  GgufFile gguf;
};

}  // namespace hearth::test
