// Prefixes to files and back through the engine's public header: the same logits, nothing of a damaged file, whatever
// fails, and the order in which things reach the disk.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "files.h"
#include "include/engine.h"
#include "tiny_model.h"

using namespace hearth;
using hearth::test::kTinyContext;
using hearth::test::kTinyVocab;
using hearth::test::TemporaryFolder;
using hearth::test::TinyModel;

namespace {

// A Watch in scope makes this thread's file operations fail at the n-th, or writes them down.
struct Watch {
  explicit Watch(int fail_at = 0) : fails_at(fail_at) { active = this; }
  ~Watch() { active = nullptr; }
  bool fails(const char* call) {
    calls.emplace_back(call);
    return static_cast<int>(calls.size()) == fails_at;
  }
  static thread_local Watch* active;
  std::vector<std::string> calls;
  const int fails_at;
};
thread_local Watch* Watch::active = nullptr;

bool is_told_to_fail(const char* call) {
  if (Watch::active == nullptr || !Watch::active->fails(call)) return false;
  errno = EIO;
  return true;
}

bool is_folder(int fd) {
  struct stat found = {};
  return fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}

}  // namespace

// In the place of the C library's, for the whole test program.
extern "C" ssize_t write(int fd, const void* bytes, size_t n) {
  return is_told_to_fail("write") ? -1 : syscall(SYS_write, fd, bytes, n);
}
extern "C" ssize_t pread(int fd, void* bytes, size_t n, off_t offset) {
  return is_told_to_fail("pread") ? -1 : syscall(SYS_pread64, fd, bytes, n, offset);
}
extern "C" int fsync(int fd) {
  return is_told_to_fail(is_folder(fd) ? "fsync folder" : "fsync") ? -1 : static_cast<int>(syscall(SYS_fsync, fd));
}
extern "C" int rename(const char* from, const char* to) {
  return is_told_to_fail("rename") ? -1 : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace {

const std::string kKey = "model and build";

SamplerOptions greedy() {
  SamplerOptions options;
  options.temperature = 0;
  options.repetition_penalty = 1.2f;  // looks back at the tokens, which a restored sequence has to know
  return options;
}

std::unique_ptr<Engine> open(const TinyModel& file, uint64_t prefix_bytes = 0) {
  std::shared_ptr<const Model> model;
  REQUIRE(Model::load(file.path(), {}, &model).ok());
  EngineOptions options;
  options.threads = 1;
  options.max_sequences = 2;
  options.context_tokens = kTinyContext;
  options.kv_tokens = 256;
  options.max_batch_tokens = 128;
  options.prefix_bytes = prefix_bytes;
  std::unique_ptr<Engine> engine;
  REQUIRE(Engine::create(model, options, &engine).ok());
  return engine;
}

std::vector<int32_t> prompt(int32_t n) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < n; ++i) tokens.push_back(i * 37 % kTinyVocab);
  return tokens;
}

StepResult step(Engine& engine, int32_t id, std::span<const int32_t> tokens) {
  StepPlan plan;
  plan.chunks.push_back({.sequence = id, .tokens = tokens, .sample = true, .logits = ChunkLogits::ALL});
  StepResult result;
  REQUIRE(engine.step_and_wait(std::move(plan), &result).ok());
  return result;
}

int32_t read_prompt(Engine& engine, std::span<const int32_t> tokens) {
  int32_t id = -1;
  REQUIRE(engine.open_sequence(greedy(), &id).ok());
  step(engine, id, tokens);
  return id;
}

Status save(Engine& engine, int32_t id, int32_t n_tokens, const std::string& path, SnapshotInfo* info) {
  std::unique_ptr<PrefixSnapshot> snapshot;
  HEARTH_RETURN_IF_ERROR(engine.snapshot(id, n_tokens, &snapshot));
  return snapshot->save(path, kKey, info);
}

std::vector<char> content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::string& path, std::span<const char> bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Code restore_code(Engine& engine, const std::string& path, const std::string& key = kKey) {
  int32_t id = -1;
  const Code code = engine.restore_snapshot(path, key, kTinyContext, greedy(), &id).code();
  if (code == Code::OK) REQUIRE(engine.close_sequence(id).ok());
  return code;
}

const std::vector<int32_t> kTokens = prompt(75);

}  // namespace

TEST_CASE("a restored prefix goes on as the sequence that was saved, in another engine too") {
  const TinyModel model;
  const TemporaryFolder folder;
  const std::string path = folder.file("prefix");
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  SnapshotInfo saved, described;
  REQUIRE(save(*engine, source, 70, path, &saved).ok());
  REQUIRE(describe_snapshot_file(path, kKey, &described).ok());
  CHECK(described.tokens == std::vector(kTokens.begin(), kTokens.begin() + 70));
  CHECK(described.resumable.empty());
  CHECK(described.file_bytes == content(path).size());
  CHECK(saved.file_bytes == described.file_bytes);
  CHECK(folder.n_files() == 1);

  const auto other = open(model);
  std::string identity, same;
  REQUIRE(engine->identify(&identity).ok());
  REQUIRE(other->identify(&same).ok());
  CHECK(identity.size() == 32);
  CHECK(identity == same);
  for (const int32_t n : {70, 64, 33, 1}) {
    CAPTURE(n);
    int32_t id = -1, length = 0;
    REQUIRE(other->restore_snapshot(path, kKey, n, greedy(), &id).ok());
    REQUIRE(other->sequence_length(id, &length).ok());
    CHECK(length == n);
    REQUIRE(engine->truncate_sequence(source, n).ok());
    const std::span<const int32_t> rest = std::span(kTokens).subspan(n);
    const StepResult expected = step(*engine, source, rest), got = step(*other, id, rest);
    CHECK(got.chunks[0].logits == expected.chunks[0].logits);
    CHECK(got.chunks[0].tokens == expected.chunks[0].tokens);
    REQUIRE(other->close_sequence(id).ok());
    CHECK(other->free_kv_tokens() == 256);
  }
}

TEST_CASE("a snapshot stays as it was while steps run and its sequence goes") {
  const TinyModel model;
  const TemporaryFolder folder;
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  std::unique_ptr<PrefixSnapshot> snapshot;
  REQUIRE(engine->snapshot(source, 70, &snapshot).ok());
  REQUIRE(engine->truncate_sequence(source, 40).ok());
  step(*engine, source, prompt(50));  // into blocks that were shared
  REQUIRE(engine->close_sequence(source).ok());
  std::atomic<bool> over{false};
  SnapshotInfo info;
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) REQUIRE(snapshot->save(folder.file("prefix"), kKey, &info).ok());
    snapshot.reset();  // while steps run
    int32_t id = -1;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(engine->restore_snapshot(folder.file("prefix"), kKey, 70, greedy(), &id).ok());
      if (i < 19) {
        while (engine->close_sequence(id).code() == Code::ENGINE_BUSY) std::this_thread::yield();
      }
    }
    over = true;
  });
  const int32_t busy = read_prompt(*engine, prompt(10));
  while (!over) {
    StepPlan plan;
    const std::vector<int32_t> one = {1};
    plan.chunks.push_back({.sequence = busy, .tokens = one, .sample = true});
    StepResult result;
    const Status status = engine->step_and_wait(std::move(plan), &result);
    CHECK((status.ok() || status.code() == Code::CONTEXT_OVERFLOW));
  }
  writer.join();
  // The last one that was restored.
  int32_t id = -1;
  REQUIRE(engine->close_sequence(busy).ok());
  const int32_t again = read_prompt(*engine, std::span(kTokens).first(70));
  const StepResult expected = step(*engine, again, std::span(kTokens).subspan(70));
  REQUIRE(engine->close_sequence(again).ok());
  REQUIRE(engine->restore_snapshot(folder.file("prefix"), kKey, 70, greedy(), &id).ok());
  CHECK(step(*engine, id, std::span(kTokens).subspan(70)).chunks[0].logits == expected.chunks[0].logits);
}

TEST_CASE("no damaged byte of a stored prefix is ever used") {
  const TinyModel model;
  const TemporaryFolder folder;
  const std::string path = folder.file("prefix"), damaged = folder.file("damaged");
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  SnapshotInfo info;
  REQUIRE(save(*engine, source, 75, path, &info).ok());
  REQUIRE(engine->close_sequence(source).ok());
  const std::vector<char> whole = content(path);
  // 3 blocks of 2 layers, 2 heads, keys and values of 32 x 8 in f16, each at a page's boundary.
  constexpr size_t kPage = 4096, kBlock = 2 * 2 * 2 * 32 * 8 * 2;
  REQUIRE(whole.size() == kPage + 3 * kBlock);

  for (size_t length :
       {size_t{0}, size_t{7}, size_t{143}, size_t{144}, size_t{500}, kPage, kPage + 1, whole.size() - 1}) {
    CAPTURE(length);
    put(damaged, std::span(whole).first(length));
    CHECK(restore_code(*engine, damaged) == Code::PREFIX_FILE_INVALID);
  }
  std::vector<char> longer = whole;
  longer.push_back(0);
  put(damaged, longer);
  CHECK(restore_code(*engine, damaged) == Code::PREFIX_FILE_INVALID);

  const size_t header_bytes = 144 + 75 * 4 + 16 + 3 * 8;
  for (size_t at = 0; at < whole.size(); at += at < header_bytes ? 1 : 509) {
    if (at >= header_bytes && at < kPage) continue;  // padding, which nothing reads
    CAPTURE(at);
    std::vector<char> flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    put(damaged, flipped);
    CHECK(restore_code(*engine, damaged) == Code::PREFIX_FILE_INVALID);
    CHECK(engine->free_kv_tokens() == 256);
  }
  CHECK(restore_code(*engine, path, "another model") == Code::PREFIX_FILE_INVALID);
  CHECK(restore_code(*engine, folder.file("none")) == Code::FILE_OPEN_FAILED);
  CHECK(restore_code(*engine, path) == Code::OK);
}

TEST_CASE("models that differ in their weights alone have other identities") {
  const TinyModel model, other(2);
  std::string identity, another;
  REQUIRE(open(model)->identify(&identity).ok());
  REQUIRE(open(other)->identify(&another).ok());
  CHECK(identity != another);
}

TEST_CASE("a file gets its name when all of it is on the disk, and the name follows") {
  const TinyModel model;
  const TemporaryFolder folder;
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  Watch watch;
  SnapshotInfo info;
  REQUIRE(save(*engine, source, 75, folder.file("prefix"), &info).ok());
  // A power cut between any two of these leaves the old file, or the whole new one.
  const std::vector<std::string> end(watch.calls.end() - 3, watch.calls.end());
  CHECK(end == std::vector<std::string>{"fsync", "rename", "fsync folder"});
  CHECK(std::count(watch.calls.begin(), watch.calls.end() - 3, "write") == static_cast<long>(watch.calls.size()) - 3);
}

TEST_CASE("whatever write fails, nothing is left of the file and the one before it stays") {
  const TinyModel model;
  const TemporaryFolder folder;
  const std::string path = folder.file("prefix");
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  SnapshotInfo info;
  REQUIRE(save(*engine, source, 40, path, &info).ok());
  int failed = 0;
  for (int nth = 1;; ++nth) {
    CAPTURE(nth);
    Status status;
    bool reached = false;
    std::string last;
    {
      Watch watch(nth);
      status = save(*engine, source, 75, path, &info);
      reached = static_cast<int>(watch.calls.size()) >= nth;
      last = watch.calls.back();
    }
    if (!reached) break;
    if (last == "fsync folder") continue;  // not every file system can: the file itself is whole
    ++failed;
    CHECK(status.code() == Code::FILE_WRITE_FAILED);
    CHECK(folder.n_files() == 1);
    REQUIRE(describe_snapshot_file(path, kKey, &info).ok());
    CHECK(info.tokens.size() == 40);
  }
  CHECK(failed >= 3);  // write, flush and rename
  REQUIRE(describe_snapshot_file(path, kKey, &info).ok());
  CHECK(info.tokens.size() == 75);
}

TEST_CASE("whatever read fails, the engine is as it was") {
  const TinyModel model;
  const TemporaryFolder folder;
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  SnapshotInfo info;
  REQUIRE(save(*engine, source, 75, folder.file("prefix"), &info).ok());
  const int32_t free = engine->free_kv_tokens();
  for (int nth = 1;; ++nth) {
    CAPTURE(nth);
    Watch watch(nth);
    const Code code = restore_code(*engine, folder.file("prefix"));
    if (static_cast<int>(watch.calls.size()) < nth) break;
    CHECK(code == Code::FILE_READ_FAILED);
    CHECK(engine->free_kv_tokens() == free);
  }
}

TEST_CASE("a prefix that finds no room is refused, and takes none") {
  const TinyModel model;
  const TemporaryFolder folder;
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, prompt(128));
  SnapshotInfo info;
  REQUIRE(save(*engine, source, 128, folder.file("prefix"), &info).ok());
  read_prompt(*engine, prompt(1));
  CHECK(restore_code(*engine, folder.file("prefix")) == Code::KV_FULL);
  CHECK(engine->free_kv_tokens() == 96);
  REQUIRE(engine->close_sequence(source).ok());
  read_prompt(*engine, prompt(1));
  CHECK(restore_code(*engine, folder.file("prefix")) == Code::OPTION_OUT_OF_RANGE);  // two sequences are all
  CHECK(engine->free_kv_tokens() == 192);
}

TEST_CASE("memory for prefixes becomes sequences and tokens, of which only some may run together") {
  const TinyModel model;
  constexpr uint64_t kTokenBytes = 2 * 2 * 2 * 8 * 2;
  const auto engine = open(model, 320 * kTokenBytes);
  CHECK(engine->options().prefix_sequences == 16);
  CHECK(engine->options().kv_tokens == 256 + 320);
  std::vector<int32_t> ids;
  for (int i = 0; i < 18; ++i) ids.push_back(read_prompt(*engine, prompt(30)));
  int32_t id = -1;
  CHECK_FALSE(engine->open_sequence(greedy(), &id).ok());
  StepPlan plan;
  const std::vector<int32_t> one = {1};
  for (int i = 0; i < 3; ++i) plan.chunks.push_back({.sequence = ids[i], .tokens = one});
  StepResult result;
  CHECK(engine->step_and_wait(std::move(plan), &result).code() == Code::PLAN_INVALID);
  CHECK(open(model, 5 * kTokenBytes)->options().prefix_sequences == 0);
}

TEST_CASE("transfers end when they are told to") {
  const TinyModel model;
  const TemporaryFolder folder;
  const auto engine = open(model);
  const int32_t source = read_prompt(*engine, kTokens);
  SnapshotInfo info;
  REQUIRE(save(*engine, source, 75, folder.file("prefix"), &info).ok());
  engine->stop_transfers();
  CHECK(save(*engine, source, 75, folder.file("other"), &info).code() == Code::ENGINE_CLOSED);
  CHECK(restore_code(*engine, folder.file("prefix")) == Code::ENGINE_CLOSED);
  CHECK(folder.n_files() == 1);
}
