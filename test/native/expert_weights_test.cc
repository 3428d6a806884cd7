// Experts that stay and experts that are read when a router has chosen them: the right bytes in every order, which ones
// stay, guesses, and counts that outlive a run.
#include "memory/expert_weights.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "files.h"
#include "memory/coldest_first.h"
#include "memory/runs.h"

namespace hearth {
namespace {

constexpr size_t kLayers = 3, kExperts = 8, kUsed = 2;
constexpr size_t kPartBytes = 20'000;  // downs are larger by a half
constexpr size_t kDownBytes = kPartBytes * 3 / 2;
constexpr uint64_t kExpertBytes = 2 * kPartBytes + kDownBytes;
const std::atomic<bool> kGoOn{false};

using Use = ExpertWeights::Use;

// A file with the experts of some layers, whose bytes depend on their place.
class ExpertFile {
 public:
  ExpertFile() {
    size_t at = 777;  // no multiple of anything
    for (size_t layer = 0; layer < kLayers; ++layer) {
      MappedExperts& of = layers_.emplace_back();
      for (int part = 0; part < kExpertParts; ++part) {
        of.parts[part].offset = at;
        of.parts[part].bytes = part == kDown ? kDownBytes : kPartBytes;
        at += kExperts * of.parts[part].bytes;
      }
    }
    std::vector<char> bytes(at + 100);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(byte_at(i));
    std::ofstream(path()).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    std::unique_ptr<MappedFile> file;
    REQUIRE(MappedFile::open(path(), &file).ok());
    file_ = std::move(file);
    for (MappedExperts& layer : layers_) {
      for (MappedExperts::Part& part : layer.parts) part.file = file_;
    }
  }
  std::string path() const { return folder_.file("experts"); }
  std::string counts_path() const { return folder_.file("counts"); }
  static uint8_t byte_at(size_t i) { return static_cast<uint8_t>(i * 11 + i / 249 + i / 65'000); }

  std::shared_ptr<ExpertWeights> open(std::shared_ptr<ExpertCounts> counts, uint64_t kept_experts, size_t slots = 4,
                                      std::chrono::milliseconds patience = std::chrono::seconds(20)) const {
    ExpertOptions options{.kept_bytes = kept_experts * kExpertBytes, .n_used = kUsed, .slots = slots};
    options.patience = patience;
    std::shared_ptr<ExpertWeights> weights;
    REQUIRE(ExpertWeights::create(layers_, std::move(counts), options, &weights).ok());
    return weights;
  }

  bool equal(const uint8_t* data, size_t layer, size_t expert, ExpertPart part) const {
    const MappedExperts::Part& p = layers_[layer].parts[part];
    for (size_t i = 0; i < p.bytes; ++i) {
      if (data[i] != byte_at(p.offset + expert * p.bytes + i)) return false;
    }
    return true;
  }

  // Uses a layer's experts as a pass does.
  Status use(ExpertWeights& weights, size_t layer, const std::vector<size_t>& chosen) const {
    std::vector<Use> uses;
    for (const size_t expert : chosen) uses.push_back({expert, 1});
    weights.want(layer, uses);
    return take(weights, layer, chosen);
  }
  Status take(ExpertWeights& weights, size_t layer, const std::vector<size_t>& chosen) const {
    for (const auto& parts : {std::vector<ExpertPart>{kGate, kUp}, std::vector<ExpertPart>{kDown}}) {
      for (const size_t expert : chosen) {
        for (const ExpertPart part : parts) {
          const uint8_t* data = nullptr;
          HEARTH_RETURN_IF_ERROR(weights.take(layer, expert, part, kGoOn, &data));
          CHECK(equal(data, layer, expert, part));
          CHECK(weights.ready(layer, expert, part) == data);
          weights.release(layer, expert, part);
        }
      }
    }
    return {};
  }

  const std::vector<MappedExperts>& layers() const { return layers_; }
  const uint8_t* data() const { return file_->bytes().data(); }

 private:
  test::TemporaryFolder folder_;
  std::shared_ptr<const MappedFile> file_;
  std::vector<MappedExperts> layers_;
};

std::shared_ptr<ExpertCounts> no_counts() { return std::make_shared<ExpertCounts>(kLayers, kExperts); }

// Pairs of experts, the first ones more often.
std::vector<size_t> skewed_pair(uint64_t* random) {
  const auto draw = [random] {
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    const auto x = static_cast<double>(*random >> 40) / (1 << 24);
    return static_cast<size_t>(x * x * x * kExperts);
  };
  const size_t a = draw();
  size_t b = draw();
  while (b == a) b = (b + 1) % kExperts;
  return {std::min(a, b), std::max(a, b)};
}

TEST_CASE("every expert has its bytes, however many stay, for tokens and for whole batches") {
  const ExpertFile file;
  for (const uint64_t kept : {0, 1, 5, 24}) {
    CAPTURE(kept);
    const auto weights = file.open(no_counts(), kept);
    uint64_t random = kept;
    for (int token = 0; token < 40; ++token) {
      weights->begin_pass();
      for (size_t layer = 0; layer < kLayers; ++layer) {
        const bool whole = token % 10 == 0;
        const auto chosen = whole ? std::vector<size_t>{0, 1, 2, 3, 4, 5, 6, 7} : skewed_pair(&random);
        REQUIRE(file.use(*weights, layer, chosen).ok());
      }
    }
    const ExpertWeightCounts counts = weights->counts();
    CHECK(counts.kept_bytes <= kept * kExpertBytes);
    if (kept == 24) {
      CHECK(counts.kept_bytes == 24 * kExpertBytes);
      CHECK(counts.streamed_bytes == 0);
      CHECK(counts.stream.bytes_read == 24 * kExpertBytes);  // each once
    } else {
      CHECK(counts.streamed_bytes > 0);
      CHECK(counts.streamed_bytes <= kLayers * kUsed * kExpertBytes);
    }
    weights->close();
  }
}

TEST_CASE("layers are found by where their gates are mapped") {
  const ExpertFile file;
  const auto weights = file.open(no_counts(), 0);
  for (size_t layer = 0; layer < kLayers; ++layer)
    CHECK(weights->find(file.data() + file.layers()[layer].parts[kGate].offset) == layer);
  CHECK(weights->find(file.data()) == SIZE_MAX);
  weights->close();
}

TEST_CASE("the experts that are used most come to stay, and then little is read") {
  const ExpertFile file;
  const auto counts = no_counts();
  const auto weights = file.open(counts, 6);
  uint64_t random = 1, read_before = 0;
  for (int token = 0; token < 600; ++token) {
    if (token == 300) read_before = weights->counts().stream.bytes_read;
    weights->begin_pass();
    for (size_t layer = 0; layer < kLayers; ++layer) REQUIRE(file.use(*weights, layer, skewed_pair(&random)).ok());
  }
  const auto read = static_cast<double>(weights->counts().stream.bytes_read - read_before);
  const double all = 300.0 * kLayers * kUsed * kExpertBytes;
  // A quarter of the experts stays. Were it any, three quarters would be read.
  CHECK(read < 0.55 * all);
  CHECK(static_cast<double>(weights->counts().streamed_bytes) < 0.55 * all / 300);
  weights->close();
}

TEST_CASE("what earlier runs counted decides what stays from the first token on") {
  const ExpertFile file;
  const auto counts = no_counts();
  for (size_t layer = 0; layer < kLayers; ++layer) {
    counts->add(layer, 2 + layer, 100);
    counts->add(layer, 1, 3);
  }
  REQUIRE(counts->changed());
  REQUIRE(counts->save(file.counts_path(), 77).ok());
  CHECK_FALSE(counts->changed());

  const auto loaded = no_counts();
  CHECK_FALSE(loaded->load(file.counts_path(), 78));
  CHECK_FALSE(loaded->load(file.path(), 77));
  CHECK_FALSE(std::make_shared<ExpertCounts>(kLayers, kExperts + 1)->load(file.counts_path(), 77));
  CHECK(loaded->of(0, 2) == 0);
  REQUIRE(loaded->load(file.counts_path(), 77));
  CHECK(loaded->of(1, 3) == 100);
  CHECK(loaded->total(1) == 103);

  const auto weights = file.open(loaded, 3);
  for (int i = 0; i < 1000 && weights->counts().kept_bytes < 3 * kExpertBytes; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(weights->counts().kept_bytes == 3 * kExpertBytes);
  const uint64_t read = weights->counts().stream.bytes_read;
  for (size_t layer = 0; layer < kLayers; ++layer) REQUIRE(file.use(*weights, layer, {2 + layer}).ok());
  CHECK(weights->counts().stream.bytes_read == read);
  weights->close();
}

TEST_CASE("uses of long ago count less") {
  ExpertCounts counts(1, 4);
  counts.add(0, 0, 2000);
  CHECK(counts.of(0, 0) == 2000);
  counts.add(0, 1, 100);
  CHECK(counts.of(0, 0) == 1000);
  CHECK(counts.of(0, 1) == 50);
  CHECK(counts.total(0) == 1050);
  CHECK(counts.halvings() == 1);
}

TEST_CASE("the coldest of what stays comes first, as uses are when it is asked for") {
  std::vector<uint32_t> uses(200);
  ColdestFirst coldest;
  uint64_t random = 3;
  const auto draw = [&random] { return (random = random * 6364136223846793005u + 1442695040888963407u) >> 40; };
  const auto of = [&uses](size_t i) { return uses[i]; };
  for (size_t i = 0; i < uses.size(); ++i) coldest.add(i, uses[i] = static_cast<uint32_t>(draw() % 50));
  std::vector<bool> there(uses.size(), true);
  for (size_t n = 0; n < uses.size(); ++n) {
    for (int i = 0; i < 30; ++i) uses[draw() % uses.size()] += static_cast<uint32_t>(draw() % 9);
    if (n % 16 == 15) {
      for (uint32_t& u : uses) u /= 2;
      coldest.rebuild(of);
    }
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < uses.size(); ++i) least = there[i] ? std::min(least, uses[i]) : least;
    const size_t taken = coldest.take(of);
    REQUIRE(taken < uses.size());
    REQUIRE(there[taken]);
    REQUIRE(uses[taken] == least);
    there[taken] = false;
  }
  CHECK(coldest.take(of) == SIZE_MAX);
}

TEST_CASE("neighbours are given back at once, and those of two layers are none") {
  const auto text = [](const std::vector<size_t>& numbers) {
    std::string all;
    for (const Run& run : runs_of(numbers, 8)) all += std::to_string(run.first) + "x" + std::to_string(run.count) + " ";
    return all;
  };
  CHECK(text({}) == "");
  CHECK(text({3, 4, 5, 7, 8, 9, 15, 16, 30}) == "3x3 7x1 8x2 15x1 16x1 30x1 ");
  std::vector<size_t> all(24);
  std::iota(all.begin(), all.end(), size_t{0});
  CHECK(text(all) == "0x8 8x8 16x8 ");  // not as many as there are
}

TEST_CASE("right guesses are there when they are wanted, wrong ones make room, and guessing stops where it is wrong") {
  const ExpertFile file;
  const auto weights = file.open(no_counts(), 0, 12);
  const std::vector<Use> guessed{{3, 1}, {6, 1}};
  for (int token = 0; token < 20; ++token) {
    weights->begin_pass();
    REQUIRE(file.use(*weights, 0, {1, 2}).ok());
    weights->guess(1, guessed);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    REQUIRE(file.use(*weights, 1, {3, 6}).ok());
    CHECK(weights->guesses_pay());
  }
  CHECK(weights->counts().guessed_right == weights->counts().guessed);
  CHECK(weights->counts().guessed > 60);
  for (int token = 0; token < 60; ++token) {
    weights->begin_pass();
    REQUIRE(file.use(*weights, 0, {1, 2}).ok());
    if (!weights->guesses_pay()) break;
    weights->guess(1, guessed);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    REQUIRE(file.use(*weights, 1, {0, 7}).ok());
  }
  CHECK_FALSE(weights->guesses_pay());
  REQUIRE(file.use(*weights, 1, {0, 1, 2, 3, 4, 5, 6, 7}).ok());
  weights->close();
}

TEST_CASE("a pass that ends early leaves nothing behind, and the next one gets the right bytes") {
  const ExpertFile file;
  for (const uint64_t kept : {0, 4}) {
    const auto weights = file.open(no_counts(), kept);
    uint64_t random = 5;
    for (int round = 0; round < 30; ++round) {
      weights->begin_pass();
      std::vector<Use> uses;
      for (size_t e = 0; e < kExperts; ++e) uses.push_back({e, 1});
      weights->want(round % kLayers, uses);
      if (round % 2 == 0) weights->guess((round + 1) % kLayers, uses);
      const uint8_t* data = nullptr;
      if (round % 3 == 0) REQUIRE(weights->take(round % kLayers, 0, kGate, kGoOn, &data).ok());
      weights->begin_pass();
      REQUIRE(file.use(*weights, (round + 2) % kLayers, skewed_pair(&random)).ok());
    }
    weights->close();
  }
}

TEST_CASE("experts that cannot be read fail who takes them, and are read when they can be") {
  const ExpertFile file;
  const auto weights = file.open(no_counts(), 0);
  std::vector<char> content;
  {
    std::ifstream in(file.path(), std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(in), {});
  }
  REQUIRE(truncate(file.path().c_str(), 5000) == 0);
  weights->begin_pass();
  const Status status = file.use(*weights, 1, {2, 5});
  CHECK(status.code() == Code::FILE_READ_FAILED);
  CHECK(status.message().find("ends before") != std::string::npos);
  const int fd = open(file.path().c_str(), O_WRONLY);
  REQUIRE(pwrite(fd, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  close(fd);
  weights->begin_pass();
  CHECK(file.use(*weights, 1, {2, 5}).ok());
  std::atomic<bool> stop{true};
  const uint8_t* data = nullptr;
  weights->begin_pass();
  CHECK(weights->take(0, 3, kGate, stop, &data).code() == Code::STOPPED);
  weights->close();
}

}  // namespace
}  // namespace hearth
