// split.no, split.count and split.tensors.count are keys of llama.cpp's gguf-split, and so are the names.
#include "memory/model_parts.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/text.h"

namespace hearth {
namespace {

constexpr std::string_view kEnding = ".gguf";
constexpr size_t kDigits = 5;

// The place of a file among its model's parts, as its header says.
struct Place {
  uint32_t number = 0, count = 1;
};

Status read_place(const GgufFile& header, Place* place) {
  HEARTH_RETURN_IF_ERROR(header.optional("split.count", &place->count));
  HEARTH_RETURN_IF_ERROR(header.optional("split.no", &place->number));
  if (place->count <= 1) *place = {};  // such a key says that the file is whole
  return {};
}

// Parts are counted from 0 in headers and from 1 in names.
std::string suffix(const Place& place) {
  char text[64];
  std::snprintf(text, sizeof text, "-%05u-of-%05u.gguf", place.number + 1, place.count);
  return text;
}

std::string part_of(const Place& place) {
  return "part " + std::to_string(place.number + 1) + " of " + std::to_string(place.count) + " of a model";
}

// A path without what parts and files have behind their names.
std::string stem_of(std::string path) {
  if (path.ends_with(kEnding)) path.resize(path.size() - kEnding.size());
  constexpr std::string_view kOf = "-of-";
  const size_t tail = 1 + kDigits + kOf.size() + kDigits;
  if (path.size() < tail || path[path.size() - tail] != '-') return path;
  if (path.compare(path.size() - kDigits - kOf.size(), kOf.size(), kOf) != 0) return path;
  return path.substr(0, path.size() - tail);
}

Status invalid(const std::string& path, const std::string& problem) {
  return {Code::MODEL_PART_INVALID, "The file " + quoted_path(path) + " " + problem + "."};
}

}  // namespace

Status ModelParts::open(const std::string& path, bool with_weights, std::unique_ptr<ModelParts>* result) {
  std::unique_ptr<ModelParts> parts(new ModelParts);
  std::unique_ptr<MappedFile> first;
  HEARTH_RETURN_IF_ERROR(MappedFile::open(path, &first));
  parts->files_.push_back(std::move(first));
  Status read = GgufFile::parse(parts->files_[0]->bytes(), &parts->header_);
  if (read.ok() && with_weights) read = parts->read_parts();
  // A file that cannot be read shows as zeros, and so as a damaged header: its health tells the true cause.
  HEARTH_RETURN_IF_ERROR(parts->health());
  HEARTH_RETURN_IF_ERROR(read);
  *result = std::move(parts);
  return {};
}

Status ModelParts::read_parts() {
  Place place;
  HEARTH_RETURN_IF_ERROR(read_place(header_, &place));
  if (place.count == 1) return {};
  const std::string stem = stem_of(path());
  const std::string first = stem + suffix({0, place.count});
  if (place.number != 0)
    return invalid(path(), "is " + part_of(place) + ", which is loaded from " + quoted_path(first));
  if (path() != first) {
    return invalid(path(), "is " + part_of(place) + " under another name; its parts are found as " +
                               quoted_path(first) + " and so on");
  }
  for (uint32_t number = 1; number < place.count; ++number) {
    HEARTH_RETURN_IF_ERROR(append(stem + suffix({number, place.count}), number, place.count));
  }
  std::optional<uint64_t> n_tensors;
  HEARTH_RETURN_IF_ERROR(header_.optional("split.tensors.count", &n_tensors));
  if (!n_tensors || *n_tensors == header_.tensors().size()) return {};
  return invalid(path(), "says that its model has " + std::to_string(*n_tensors) + " tensors, and the parts hold " +
                             std::to_string(header_.tensors().size()));
}

Status ModelParts::append(const std::string& path, uint32_t number, uint32_t count) {
  std::unique_ptr<MappedFile> file;
  HEARTH_RETURN_IF_ERROR(MappedFile::open(path, &file));
  files_.push_back(std::move(file));
  GgufFile part;
  HEARTH_RETURN_IF_ERROR(GgufFile::parse(files_.back()->bytes(), &part));
  Place place;
  HEARTH_RETURN_IF_ERROR(read_place(part, &place));
  if (place.number != number || place.count != count) {
    const Place named = {number, count};
    return invalid(path, (place.count == 1 ? "is a whole model" : "is " + part_of(place)) + ", and its name says " +
                             part_of(named));
  }
  return header_.append_part(std::move(part), number);
}

uint64_t ModelParts::bytes() const {
  uint64_t sum = 0;
  for (const auto& file : files_) sum += file->bytes().size();
  return sum;
}

std::span<const uint8_t> ModelParts::header_bytes() const { return files_[0]->bytes().first(header_.data_offset()); }

Status ModelParts::peek(const GgufTensor& tensor, size_t at, std::span<uint8_t> out) const {
  return files_[tensor.part]->peek(tensor.offset + at, out);
}

std::shared_ptr<const MappedFile> ModelParts::file_of(const uint8_t* data) const {
  for (const auto& file : files_) {
    if (data >= file->bytes().data() && data < file->bytes().data() + file->bytes().size()) return file;
  }
  return files_[0];
}

Status ModelParts::health() const {
  for (const auto& file : files_) HEARTH_RETURN_IF_ERROR(file->health());
  return {};
}

uint64_t ModelParts::generation() const {
  uint64_t sum = 0;
  for (const auto& file : files_) sum += file->generation();
  return sum;
}

Status ModelParts::restore() const {
  for (const auto& file : files_) HEARTH_RETURN_IF_ERROR(file->restore());
  return {};
}

Status ModelParts::probe() const {
  for (const auto& file : files_) HEARTH_RETURN_IF_ERROR(file->probe());
  return {};
}

bool ModelParts::failed() const {
  return std::ranges::any_of(files_, [](const auto& file) { return file->failed(); });
}

}  // namespace hearth
