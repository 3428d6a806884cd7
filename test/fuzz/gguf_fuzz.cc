// Damages GGUF files, cut short and with changed bytes in their headers, and gives each to the reader, then to the
// engine: every one has to end in an error or in four tokens. Crashes, hangs, huge allocations and leaks are for the
// sanitizers and the alarm to find; the damaged file that did it stays where the first line of output says.
//
//   hearth-fuzz-gguf [--truncations N] [--flips N] [--seed N] [FILE...]
//
// Besides a tiny model made here it takes the files named or, when none is, small ones of ../shared where that exists.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "include/engine.h"
#include "tiny_seed.h"

// An allocation that a file talks the engine into is a fault like any other.
extern "C" const char* __asan_default_options() { return "max_allocation_size_mb=512"; }

namespace hearth::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSecondsPerCase = 60;
constexpr int kTokens = 4;

struct Options {
  uint64_t truncations = 200;
  uint64_t flips = 500;
  uint64_t seed = 20261123;
  std::vector<std::string> files;
};

struct Seed {
  std::string name;
  std::vector<uint8_t> bytes;
  size_t header_bytes = 0;  // up to the tensors' data
  size_t used_bytes = 0;    // up to the end of the last tensor: less is too little
  bool has_weights = false;
};

// How the damaged files of one seed ended.
struct Outcomes {
  std::map<std::string, int> count;  // by code, and "ran"
  int n_faults = 0;

  void fault(const std::string& what) {
    std::printf("FAULT: %s\n", what.c_str());
    ++n_faults;
  }
};

// A status that a user can act on.
void check_status(const Status& status, Outcomes* outcomes) {
  ++outcomes->count[status.ok() ? "ran" : code_name(status.code())];
  if (status.ok()) return;
  if (status.code() == Code::INTERNAL) outcomes->fault("INTERNAL: " + status.message());
  if (status.message().empty() || status.message().size() > 1000) outcomes->fault("a message of no use");
  for (const char c : status.message()) {
    if (static_cast<unsigned char>(c) < 0x20) return outcomes->fault("a control character in " + status.message());
  }
}

// Touches the first and last byte of all that the reader offers.
Status parse(std::span<const uint8_t> bytes) {
  GgufFile file;
  HEARTH_RETURN_IF_ERROR(GgufFile::parse(bytes, &file));
  volatile uint8_t sink = 0;
  for (const GgufTensor& tensor : file.tensors()) sink = tensor.data.front() ^ tensor.data.back();
  for (const GgufKey& key : file.keys()) {
    std::vector<std::string_view> texts;
    if (!file.require(key.name, &texts).ok()) continue;
    for (const std::string_view text : texts) sink = text.empty() ? sink : text.front() ^ text.back();
  }
  return {};
}

// A text to ids and back. BPE vocabularies take it as one word.
Status tokenize(const Model& model) {
  if (model.info().tokenizer.kind == "none") return {};
  const std::string_view text[] = {"Once upon a time \xF0\x9F\x94\xA5 \xFF"};
  std::vector<int32_t> ids;
  std::string back;
  HEARTH_RETURN_IF_ERROR(model.encode(text, &ids));
  return model.decode(ids, true, &back);
}

Status generate(const std::shared_ptr<const Model>& model, Outcomes* outcomes) {
  EngineOptions options;
  options.threads = 1;
  options.max_sequences = 1;
  options.context_tokens = 64;
  options.max_batch_tokens = 8;
  std::unique_ptr<Engine> engine;
  HEARTH_RETURN_IF_ERROR(Engine::create(model, options, &engine));
  int32_t sequence = 0;
  HEARTH_RETURN_IF_ERROR(engine->open_sequence(SamplerOptions{}, &sequence));
  std::vector<int32_t> tokens = {0, 1, 2};
  for (int i = 0; i < kTokens; ++i) {
    StepResult result;
    HEARTH_RETURN_IF_ERROR(engine->step_and_wait({{{sequence, tokens, true}}}, &result));
    tokens = result.chunks[0].tokens;
    std::string text;
    const Status decoded = model->decode(tokens, true, &text);
    if (decoded.code() == Code::TOKEN_OUT_OF_RANGE) outcomes->fault("a drawn token that the vocabulary lacks");
  }
  return engine->close_sequence(sequence);
}

Status run(const std::string& path, bool with_weights, Outcomes* outcomes) {
  std::shared_ptr<const Model> model;
  HEARTH_RETURN_IF_ERROR(Model::load(path, {.vocabulary_only = !with_weights}, &model));
  HEARTH_RETURN_IF_ERROR(tokenize(*model));
  return with_weights ? generate(model, outcomes) : Status();
}

void write_bytes(const std::string& path, std::span<const uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    std::exit(2);
  }
}

class Fuzzer {
 public:
  Fuzzer(const Seed& seed, std::string path) : seed_(seed), path_(std::move(path)) {}

  // Whether no fault was found.
  bool fuzz(const Options& options) {
    if (!runs(seed_.bytes)) outcomes_.fault("the whole file does not run");
    for (uint64_t i = 0; i < options.truncations; ++i) truncate(truncation(i, options.truncations));
    std::mt19937_64 random(options.seed);
    for (uint64_t i = 0; i < options.flips; ++i) runs(flipped(random));

    std::printf("%s:", seed_.name.c_str());
    for (const auto& [outcome, count] : outcomes_.count) std::printf(" %s %d", outcome.c_str(), count);
    std::printf("\n");
    return outcomes_.n_faults == 0;
  }

 private:
  // Gives the bytes to the reader and to the engine, and judges how that ended.
  bool runs(std::span<const uint8_t> bytes) {
    write_bytes(path_, bytes);  // first, so that it is there when the reader crashes
    alarm(kSecondsPerCase);
    const Status parsed = parse(bytes);
    const Status ran = run(path_, seed_.has_weights, &outcomes_);
    alarm(0);
    check_status(ran, &outcomes_);
    if (!parsed.ok() && ran.ok()) outcomes_.fault("the engine runs what the reader refuses: " + parsed.message());
    return ran.ok();
  }

  // Half of the positions in the header, half in the data where there are any.
  size_t truncation(uint64_t i, uint64_t n) const {
    const uint64_t in_header = seed_.has_weights ? n / 2 : n;
    if (i < in_header) return seed_.header_bytes * i / in_header;
    return seed_.header_bytes + (seed_.used_bytes - seed_.header_bytes) * (i - in_header) / (n - in_header);
  }

  void truncate(size_t n_bytes) {
    if (!runs(std::span(seed_.bytes).first(n_bytes))) return;
    outcomes_.fault("a file cut at byte " + std::to_string(n_bytes) + " runs");
  }

  // One to four changed bytes: anywhere in the header, or at its ends, where its structure is densest.
  std::vector<uint8_t> flipped(std::mt19937_64& random) const {
    std::vector<uint8_t> bytes = seed_.bytes;
    for (uint64_t n = 1 + random() % 4; n > 0; --n) {
      const size_t zone = std::min<size_t>(seed_.header_bytes, 2048);
      size_t at = random() % seed_.header_bytes;
      if (const uint64_t where = random() % 3; where != 0)
        at = where == 1 ? at % zone : seed_.header_bytes - 1 - at % zone;
      bytes[at] = random() % 2 == 0 ? bytes[at] ^ (1u << random() % 8) : static_cast<uint8_t>(random());
    }
    return bytes;
  }

  const Seed& seed_;
  const std::string path_;
  Outcomes outcomes_;
};

bool load_seed(const std::string& path, Seed* seed) {
  std::ifstream file(path, std::ios::binary);
  seed->name = fs::path(path).filename().string();
  seed->bytes.assign(std::istreambuf_iterator<char>(file), {});
  GgufFile header;
  const Status status = GgufFile::parse(seed->bytes, &header);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), status.message().c_str());
    return false;
  }
  seed->has_weights = !header.tensors().empty();
  seed->header_bytes = std::min<size_t>(header.data_offset(), seed->bytes.size());
  for (const GgufTensor& tensor : header.tensors()) {
    seed->used_bytes = std::max<size_t>(seed->used_bytes, tensor.offset + tensor.data.size());
  }
  return true;
}

bool read_number(const char* text, uint64_t* number) {
  char* end = nullptr;
  *number = std::strtoull(text, &end, 10);
  return end != text && *end == '\0';
}

bool read_options(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    uint64_t* number = word == "--truncations" ? &options->truncations
                       : word == "--flips"     ? &options->flips
                       : word == "--seed"      ? &options->seed
                                               : nullptr;
    if (number == nullptr) {
      if (word.starts_with("--")) return false;
      options->files.push_back(word);
    } else if (++i == argc || !read_number(argv[i], number)) {
      return false;
    }
  }
  return true;
}

std::vector<std::string> shared_files() {
  const fs::path shared = fs::path(__FILE__).parent_path() / "../../../shared";
  std::vector<std::string> files;
  for (const char* name :
       {"models/stories260K.gguf", "models/babyllama-Q4_0.gguf", "golden/arch/gemma4.gguf", "golden/arch/lfm2moe.gguf",
        "golden/arch/qwen35.gguf", "golden/vocab/ggml-vocab-llama-spm.gguf", "golden/vocab/ggml-vocab-gpt-2.gguf"}) {
    if (fs::exists(shared / name)) files.push_back((shared / name).string());
  }
  return files;
}

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, &options)) {
    std::fprintf(stderr, "usage: %s [--truncations N] [--flips N] [--seed N] [FILE...]\n", argv[0]);
    return 2;
  }
  std::string folder = (fs::temp_directory_path() / "hearth-fuzz-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    std::fprintf(stderr, "cannot create %s\n", folder.c_str());
    return 2;
  }
  const std::string damaged = folder + "/damaged.gguf", tiny = folder + "/tiny.gguf";
  std::printf("damaged files, one after the other: %s\n", damaged.c_str());
  std::fflush(stdout);
  if (const Status status = write_tiny_seed(tiny); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 2;
  }
  if (options.files.empty()) options.files = shared_files();
  options.files.insert(options.files.begin(), tiny);

  bool clean = true;
  for (const std::string& path : options.files) {
    Seed seed;
    if (!load_seed(path, &seed)) return 2;
    clean = Fuzzer(seed, damaged).fuzz(options) && clean;
    std::fflush(stdout);
  }
  fs::remove_all(folder);
  return clean ? 0 : 1;
}

}  // namespace
}  // namespace hearth::fuzz

int main(int argc, char** argv) { return hearth::fuzz::main(argc, argv); }
