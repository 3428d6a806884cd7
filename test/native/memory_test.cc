// Mapped files that change or vanish under the map, the SIGBUS handler, and arenas.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "memory/arena.h"
#include "memory/huge_pages.h"
#include "memory/mapped_file.h"

namespace hearth {
namespace {

const auto kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));

// A file of `size` bytes of 0x5A, written an hour ago, so that any write now shows in its time. Gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(size_t size, const char* folder = std::getenv("TMPDIR")) {
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/hearth-memory-test-XXXXXX";
    fd_ = mkstemp(path_.data());
    REQUIRE(fd_ >= 0);
    const std::vector<char> bytes(size, 0x5A);
    REQUIRE(write(fd_, bytes.data(), size) == static_cast<ssize_t>(size));
    const timespec times[2] = {{time(nullptr) - 3600, 0}, {time(nullptr) - 3600, 0}};
    REQUIRE(futimens(fd_, times) == 0);
  }
  ~TemporaryFile() {
    close(fd_);
    unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }

 private:
  std::string path_;
  int fd_ = -1;
};

std::unique_ptr<MappedFile> open_mapped(const std::string& path) {
  std::unique_ptr<MappedFile> file;
  const Status status = MappedFile::open(path, &file);
  CAPTURE(status.message());
  REQUIRE(status.ok());
  return file;
}

// Reads one byte of each page, through a volatile so that no read is left out.
size_t sum_pages(std::span<const uint8_t> bytes) {
  size_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += kPage) sum += *static_cast<const volatile uint8_t*>(&bytes[i]);
  return sum;
}

TEST_CASE("a file is mapped whole and healthy until it changes") {
  const TemporaryFile temporary(3 * kPage + 7);
  const auto file = open_mapped(temporary.path());
  CHECK(file->bytes().size() == 3 * kPage + 7);
  CHECK(sum_pages(file->bytes()) == 4 * 0x5A);
  CHECK(file->health().ok());
  CHECK(file->path() == temporary.path());
}

TEST_CASE("what cannot be mapped gives FILE_OPEN_FAILED with the path") {
  std::unique_ptr<MappedFile> file;
  const Status missing = MappedFile::open("/nonexistent/model.gguf", &file);
  CHECK(missing.code() == Code::FILE_OPEN_FAILED);
  CHECK(missing.message().find("/nonexistent/model.gguf") != std::string::npos);
  CHECK(MappedFile::open("/", &file).code() == Code::FILE_OPEN_FAILED);
  CHECK(MappedFile::open("/dev/zero", &file).code() == Code::FILE_OPEN_FAILED);

  const TemporaryFile temporary(0);
  const std::string fifo = temporary.path() + ".fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(MappedFile::open(fifo, &file).code() == Code::FILE_OPEN_FAILED);  // and does not wait for a writer
  unlink(fifo.c_str());
  CHECK(file == nullptr);
}

TEST_CASE("an empty file is mapped as no bytes") {
  const TemporaryFile temporary(0);
  const auto file = open_mapped(temporary.path());
  CHECK(file->bytes().empty());
  CHECK(file->health().ok());
}

TEST_CASE("peeking gives what is mapped, from any place on") {
  for (const char* folder : {"/tmp", "/dev/shm"}) {  // the second one is memory, and has nothing to pass by
    CAPTURE(folder);
    const TemporaryFile temporary(40 * kPage + 7, folder);
    std::vector<uint8_t> counting(40 * kPage + 7);
    for (size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<uint8_t>(i * 7 + i / 251);
    REQUIRE(pwrite(temporary.fd(), counting.data(), counting.size(), 0) == static_cast<ssize_t>(counting.size()));
    const auto file = open_mapped(temporary.path());
    for (const auto& [offset, n] : {std::pair<size_t, size_t>{0, 1},
                                    {5, 4096},
                                    {kPage - 1, 2},
                                    {3 * kPage + 11, 9000},
                                    {40 * kPage, 7},
                                    {0, counting.size()}}) {
      std::vector<uint8_t> out(n);
      REQUIRE(file->peek(offset, out).ok());
      CHECK(std::equal(out.begin(), out.end(), counting.begin() + static_cast<ptrdiff_t>(offset)));
    }
    REQUIRE(ftruncate(temporary.fd(), static_cast<off_t>(kPage)) == 0);
    std::vector<uint8_t> out(16);
    CHECK(file->peek(8 * kPage, out).code() == Code::FILE_READ_FAILED);
  }
}

TEST_CASE("memory that may come in huge pages reads as before") {
  const TemporaryFile temporary(64 * kPage);
  const auto file = open_mapped(temporary.path());
  advise_huge_pages(file->bytes().data() + kPage + 5, 9 * kPage);
  advise_huge_pages(file->bytes().data(), 0);
  CHECK(sum_pages(file->bytes()) == 64 * 0x5A);
  CHECK(file->health().ok());
}

TEST_CASE("a file truncated to nothing reads as zeros and is reported, and the process lives") {
  const TemporaryFile temporary(64 * kPage);
  const auto file = open_mapped(temporary.path());
  REQUIRE(ftruncate(temporary.fd(), 0) == 0);
  CHECK(file->health().code() == Code::FILE_CHANGED);  // before anyone touches a page
  CHECK(sum_pages(file->bytes()) == 0);
  const Status status = file->health();
  CHECK(status.code() == Code::FILE_CHANGED);
  CHECK(status.message().find(temporary.path()) != std::string::npos);
}

TEST_CASE("a file truncated to half a page raises no signal there, and is reported all the same") {
  const TemporaryFile temporary(kPage);
  const auto file = open_mapped(temporary.path());
  REQUIRE(ftruncate(temporary.fd(), static_cast<off_t>(kPage / 2)) == 0);
  CHECK(file->bytes()[0] == 0x5A);
  CHECK(file->bytes()[kPage - 1] == 0);
  const Status status = file->health();
  CHECK(status.code() == Code::FILE_CHANGED);
  CHECK(status.message().find(std::to_string(kPage / 2)) != std::string::npos);
}

TEST_CASE("a file overwritten in place, or grown, is reported") {
  const TemporaryFile temporary(2 * kPage);
  const auto overwritten = open_mapped(temporary.path());
  REQUIRE(pwrite(temporary.fd(), "x", 1, 0) == 1);
  CHECK(overwritten->health().code() == Code::FILE_CHANGED);

  const auto grown = open_mapped(temporary.path());
  CHECK(grown->health().ok());
  REQUIRE(ftruncate(temporary.fd(), static_cast<off_t>(3 * kPage)) == 0);
  CHECK(grown->health().code() == Code::FILE_CHANGED);
}

TEST_CASE("a file replaced by rename leaves the mapped one alone") {
  const TemporaryFile old_file(kPage), new_file(2 * kPage);
  const auto file = open_mapped(old_file.path());
  REQUIRE(rename(new_file.path().c_str(), old_file.path().c_str()) == 0);
  CHECK(file->health().ok());
  CHECK(sum_pages(file->bytes()) == 0x5A);
}

TEST_CASE("many threads may fault at once while other files come and go") {
  constexpr size_t kPages = 256;
  const TemporaryFile torn(kPages * kPage), whole(kPage);
  const auto file = open_mapped(torn.path());
  REQUIRE(ftruncate(torn.fd(), 0) == 0);

  std::atomic<bool> stop{false};
  std::thread mapper([&] {
    while (!stop) {
      std::unique_ptr<MappedFile> other;
      if (!MappedFile::open(whole.path(), &other).ok() || sum_pages(other->bytes()) != 0x5A) std::abort();
    }
  });
  std::atomic<size_t> sum{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back([&] { sum += sum_pages(file->bytes()); });
  for (std::thread& reader : readers) reader.join();
  stop = true;
  mapper.join();
  CHECK(sum == 0);
  CHECK(file->health().code() == Code::FILE_CHANGED);
  CHECK(open_mapped(whole.path())->health().ok());  // only the torn file is ill
}

TEST_CASE("the registry of mapped files has a limit, a clear error, and gives slots back") {
  const TemporaryFile temporary(kPage);
  std::vector<std::unique_ptr<MappedFile>> files;
  Status status;
  while (status.ok() && files.size() <= SigbusGuard::kMaxRanges) {
    std::unique_ptr<MappedFile> file;
    status = MappedFile::open(temporary.path(), &file);
    if (status.ok()) files.push_back(std::move(file));
  }
  CHECK(status.code() == Code::OUT_OF_MEMORY);
  CHECK(status.message().find(std::to_string(SigbusGuard::kMaxRanges) + " files") != std::string::npos);
  files.pop_back();
  CHECK(open_mapped(temporary.path())->health().ok());
}

// Whether a child process, without core dumps, lives through `body`.
template <typename Body>
bool child_survives(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    body();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;  // a sanitizer's handler exits with another status
}

TEST_CASE("a SIGBUS that is not ours goes where it went before: to death") {
  const TemporaryFile watched(kPage), other(kPage);
  CHECK(child_survives([&] { open_mapped(watched.path()); }));
  CHECK_FALSE(child_survives([&] {
    const auto file = open_mapped(watched.path());  // so that the handler is there
    const void* unwatched = mmap(nullptr, kPage, PROT_READ, MAP_SHARED, other.fd(), 0);
    if (ftruncate(other.fd(), 0) == 0) *static_cast<const volatile uint8_t*>(unwatched);
  }));
  CHECK_FALSE(child_survives([&] {
    const auto file = open_mapped(watched.path());
    raise(SIGBUS);
  }));
}

TEST_CASE("an arena hands out aligned zeros up to its size") {
  Arena arena;
  const size_t bytes = Arena::bytes_for<float>(3) + Arena::bytes_for<uint64_t>(1000);
  REQUIRE(Arena::create(bytes, "the test", &arena).ok());
  float* floats = nullptr;
  uint64_t* numbers = nullptr;
  REQUIRE(arena.allocate(3, &floats).ok());
  REQUIRE(arena.allocate(1000, &numbers).ok());
  CHECK(reinterpret_cast<uintptr_t>(floats) % Arena::kAlignment == 0);
  CHECK(reinterpret_cast<uintptr_t>(numbers) % Arena::kAlignment == 0);
  CHECK(reinterpret_cast<uintptr_t>(numbers) >= reinterpret_cast<uintptr_t>(floats + 3));
  CHECK(std::accumulate(numbers, numbers + 1000, uint64_t{0}) == 0);
  CHECK(arena.used() == bytes);
  CHECK(arena.capacity() % kPage == 0);

  uint8_t* rest = nullptr;
  CHECK(arena.allocate(arena.capacity() - arena.used(), &rest).ok());
  const Status full = arena.allocate(1, &rest);
  CHECK(full.code() == Code::OUT_OF_MEMORY);
  CHECK(full.message().find("the test") != std::string::npos);

  const Arena moved = std::move(arena);
  CHECK(moved.capacity() > 0);
  CHECK(arena.capacity() == 0);
}

TEST_CASE("sizes beyond the address space are a status, not an exception") {
  Arena arena;
  CHECK(Arena::create(SIZE_MAX, "the test", &arena).code() == Code::OUT_OF_MEMORY);
  CHECK(Arena::create(SIZE_MAX / 4, "the test", &arena).code() == Code::OUT_OF_MEMORY);
  CHECK(Arena::bytes_for<double>(SIZE_MAX / 2) == SIZE_MAX);
  REQUIRE(Arena::create(kPage, "the test", &arena).ok());
  double* numbers = nullptr;
  CHECK(arena.allocate(SIZE_MAX / 2, &numbers).code() == Code::OUT_OF_MEMORY);
  CHECK(arena.allocate(SIZE_MAX, &numbers).code() == Code::OUT_OF_MEMORY);
  CHECK(numbers == nullptr);
}

}  // namespace
}  // namespace hearth
