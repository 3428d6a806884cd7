// A model in several files: the same as in one, and what is said where the files are not what they should be.
#include "memory/model_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/loaded_model.h"
#include "files.h"
#include "gguf/writer.h"
#include "include/quantize.h"
#include "tiny_model.h"

namespace hearth {
namespace {

struct Split {
  uint32_t number, count;
  uint32_t n_tensors;  // of the whole model, as the header says
};

// Writes one part: tensors go to parts in turn, so that neighbours stand in different files.
void write_part(const GgufFile& whole, const Split& split, const std::string& path) {
  GgufWriter writer;
  if (split.number == 0) {
    for (const GgufKey& key : whole.keys()) writer.add(key);
  }
  writer.add("split.no", static_cast<uint16_t>(split.number));
  writer.add("split.count", static_cast<uint16_t>(split.count));
  writer.add("split.tensors.count", static_cast<int32_t>(split.n_tensors));
  std::vector<const GgufTensor*> own;
  for (size_t i = 0; i < whole.tensors().size(); ++i) {
    if (i % split.count == split.number) own.push_back(&whole.tensors()[i]);
  }
  for (const GgufTensor* tensor : own) {
    const std::span shape(tensor->ne.data(), tensor->n_dims);
    REQUIRE(writer.add_tensor(tensor->name, tensor->type, shape).ok());
  }
  REQUIRE(writer.begin(path).ok());
  for (const GgufTensor* tensor : own) REQUIRE(writer.write(tensor->data).ok());
  REQUIRE(writer.finish().ok());
}

// A tiny model, and a folder for its parts.
class SplitModel {
 public:
  SplitModel() {
    REQUIRE(ModelParts::open(tiny_.path(), true, &whole_).ok());
    for (uint32_t number = 0; number < 3; ++number) {
      const auto n_tensors = static_cast<uint32_t>(whole_->header().tensors().size());
      write(number, {number, 3, n_tensors});
    }
  }

  // Replaces the part at place `number`.
  void write(uint32_t number, const Split& split) { write_part(whole_->header(), split, path(number)); }

  std::string path(uint32_t number) const {
    return folder_.file("m-0000" + std::to_string(number + 1) + "-of-00003.gguf");
  }
  std::string other_path(const std::string& name) const { return folder_.file(name); }
  const ModelParts& whole() const { return *whole_; }
  const std::string& whole_path() const { return tiny_.path(); }

 private:
  test::TinyModel tiny_;
  test::TemporaryFolder folder_;
  std::unique_ptr<ModelParts> whole_;
};

void check_refused(const std::string& path, Code code, std::string_view mentioned) {
  std::unique_ptr<ModelParts> parts;
  const Status status = ModelParts::open(path, true, &parts);
  CAPTURE(status.message());
  CHECK(std::string(code_name(status.code())) == code_name(code));
  CHECK(status.message().find(mentioned) != std::string::npos);
}

TEST_CASE("a model in parts has the tensors of the whole one") {
  const SplitModel model;
  std::unique_ptr<ModelParts> parts;
  REQUIRE(ModelParts::open(model.path(0), true, &parts).ok());
  const std::vector<GgufTensor>&expected = model.whole().header().tensors(), &got = parts->header().tensors();
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(got[i].name);
    CHECK(got[i].name == expected[i].name);
    CHECK(std::ranges::equal(got[i].data, expected[i].data));
    std::vector<uint8_t> peeked(got[i].data.size() / 2);
    REQUIRE(parts->peek(got[i], got[i].data.size() - peeked.size(), peeked).ok());
    CHECK(std::ranges::equal(peeked, got[i].data.last(peeked.size())));
  }
}

TEST_CASE("a model in parts is loaded from its first file, and counts the bytes of all") {
  const SplitModel model;
  std::shared_ptr<const Model> loaded;
  REQUIRE(Model::load(model.path(0), {}, &loaded).ok());
  uint64_t bytes = 0;
  for (uint32_t number = 0; number < 3; ++number) bytes += std::filesystem::file_size(model.path(number));
  CHECK(loaded->info().file_bytes == bytes);
  CHECK(loaded->info().parameters > 0);
  CHECK(loaded->info().has_weights);
}

TEST_CASE("a model in parts is quantized into one file, the same as from one") {
  const SplitModel model;
  QuantizeReport report;
  const std::string from_parts = model.other_path("from-parts.gguf"), from_one = model.other_path("from-one.gguf");
  REQUIRE(quantize_model(model.path(0), from_parts, {.type = "Q8_0"}, {}, &report).ok());
  REQUIRE(quantize_model(model.whole_path(), from_one, {.type = "Q8_0"}, {}, &report).ok());
  std::unique_ptr<ModelParts> a, b;
  REQUIRE(ModelParts::open(from_parts, true, &a).ok());
  REQUIRE(ModelParts::open(from_one, true, &b).ok());
  REQUIRE(a->header().tensors().size() == b->header().tensors().size());
  for (const GgufTensor& tensor : a->header().tensors()) {
    CHECK(std::ranges::equal(tensor.data, b->header().find_tensor(tensor.name)->data));
  }
  CHECK(a->header().find_key("split.count") == nullptr);
}

TEST_CASE("a part that is no first one names the first") {
  const SplitModel model;
  check_refused(model.path(1), Code::MODEL_PART_INVALID, "is part 2 of 3 of a model, which is loaded from");
  check_refused(model.path(1), Code::MODEL_PART_INVALID, "m-00001-of-00003.gguf");
}

TEST_CASE("a first part under another name says what it is and how it has to be called") {
  const SplitModel model;
  for (const char* name : {"renamed.gguf", "renamed", "m-00001-of-00004.gguf"}) {
    const std::string path = model.other_path(name);
    std::filesystem::copy_file(model.path(0), path);
    check_refused(path, Code::MODEL_PART_INVALID, "is part 1 of 3 of a model under another name");
  }
  check_refused(model.other_path("renamed.gguf"), Code::MODEL_PART_INVALID, "renamed-00001-of-00003.gguf");
}

TEST_CASE("parts that are missing, exchanged, of another model or fewer than announced are named") {
  SplitModel model;
  const auto n_tensors = static_cast<uint32_t>(model.whole().header().tensors().size());
  model.write(1, {2, 3, n_tensors});
  check_refused(model.path(0), Code::MODEL_PART_INVALID, "is part 3 of 3 of a model, and its name says part 2 of 3");
  model.write(1, {0, 1, n_tensors});
  check_refused(model.path(0), Code::MODEL_PART_INVALID, "is a whole model");
  model.write(1, {1, 3, n_tensors});
  model.write(0, {0, 3, n_tensors + 1});
  check_refused(model.path(0), Code::MODEL_PART_INVALID, "tensors, and the parts hold");
  std::filesystem::remove(model.path(1));
  check_refused(model.path(0), Code::FILE_OPEN_FAILED, "m-00002-of-00003.gguf");
}

TEST_CASE("a change of any part is seen") {
  const SplitModel model;
  std::unique_ptr<ModelParts> parts;
  REQUIRE(ModelParts::open(model.path(0), true, &parts).ok());
  CHECK(parts->health().ok());
  std::filesystem::resize_file(model.path(2), 100);
  CHECK(parts->health().code() == Code::FILE_CHANGED);
}

TEST_CASE("a vocabulary is read from the first part alone") {
  const SplitModel model;
  std::filesystem::remove(model.path(1));
  std::shared_ptr<const Model> loaded;
  CHECK(Model::load(model.path(0), {.vocabulary_only = true}, &loaded).ok());
}

}  // namespace
}  // namespace hearth
