// Storage that fails and works again: a mapping is restored, a block tells whether it can be read, and threads that
// hang are left behind. Real devices that fail are in test/appliance.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "files.h"
#include "memory/device_name.h"
#include "memory/leavable_threads.h"
#include "memory/mapped_file.h"

namespace hearth {
namespace {

constexpr size_t kSize = 300'000;

// A file of bytes that depend on their place, written an hour ago.
class OldFile {
 public:
  OldFile() {
    std::ofstream(path()) << std::string(kSize, ' ');
    fill(0);
  }
  std::string path() const { return folder_.file("old"); }
  static uint8_t at(size_t i) { return static_cast<uint8_t>(i * 13 + i / 253); }

  void fill(size_t from) const {
    const int fd = open(path().c_str(), O_WRONLY | O_CLOEXEC);
    std::vector<uint8_t> bytes(kSize - from);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = at(from + i);
    REQUIRE(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(from)) == static_cast<ssize_t>(bytes.size()));
    set_time(fd);
    close(fd);
  }
  void cut(size_t size) const { REQUIRE(truncate(path().c_str(), static_cast<off_t>(size)) == 0); }

 private:
  // A device that fails leaves the time of change as it was.
  void set_time(int fd) const {
    const timespec times[2] = {time_, time_};
    REQUIRE(futimens(fd, times) == 0);
  }
  test::TemporaryFolder folder_;
  const timespec time_ = {time(nullptr) - 3600, 0};
};

std::unique_ptr<MappedFile> map(const OldFile& old) {
  std::unique_ptr<MappedFile> file;
  REQUIRE(MappedFile::open(old.path(), &file).ok());
  return file;
}

TEST_CASE("a mapping that faulted is the file again once that can be read, and who read zeros can tell") {
  const OldFile old;
  const auto file = map(old);
  const uint32_t before = file->generation();
  CHECK(file->bytes()[kSize - 1] == OldFile::at(kSize - 1));
  CHECK(file->restore().ok());
  CHECK(file->generation() == before);

  old.cut(1000);
  CHECK(file->bytes()[kSize - 1] == 0);
  const uint32_t faulted = file->generation();
  CHECK(faulted != before);
  CHECK(file->failed());
  CHECK(file->restore().code() == Code::FILE_CHANGED);
  CHECK(file->probe().code() == Code::FILE_CHANGED);
  CHECK(file->health().code() == Code::FILE_CHANGED);

  old.fill(0);
  CHECK(file->health().code() == Code::FILE_READ_FAILED);  // it is mapped no more
  CHECK(file->probe().ok());
  CHECK(file->bytes()[kSize - 1] == 0);
  CHECK(file->restore().ok());
  CHECK(file->generation() != faulted);
  CHECK(file->health().ok());
  CHECK_FALSE(file->failed());
  for (size_t i = 0; i < kSize; ++i) REQUIRE(file->bytes()[i] == OldFile::at(i));

  // And it is watched as before.
  old.cut(1000);
  CHECK(file->bytes()[kSize - 1] == 0);
  CHECK(file->health().code() == Code::FILE_CHANGED);
}

TEST_CASE("a read that failed is remembered with the names of file and device until the place can be read") {
  const OldFile old;
  const auto file = map(old);
  CHECK_FALSE(file->device().empty());
  std::vector<uint8_t> memory(2 * MappedFile::kDirectAlignment + MappedFile::direct_bytes(100));
  auto* aligned = memory.data() + MappedFile::kDirectAlignment -
                  reinterpret_cast<uintptr_t>(memory.data()) % MappedFile::kDirectAlignment;
  const std::span<uint8_t> buffer(aligned, MappedFile::direct_bytes(100));
  const uint8_t* data = nullptr;
  REQUIRE(file->read_past_cache(200'000, 100, buffer, &data).ok());
  CHECK(data[0] == OldFile::at(200'000));
  CHECK_FALSE(file->failed());
  old.cut(150'000);
  const Status status = file->read_past_cache(200'000, 100, buffer, &data);
  CHECK(status.code() == Code::FILE_READ_FAILED);
  CHECK(status.message().find(file->device()) != std::string::npos);
  CHECK(status.message().find(old.path()) != std::string::npos);
  CHECK(file->failed());
  CHECK(file->probe().code() == Code::FILE_CHANGED);
  old.fill(0);
  CHECK(file->failed());
  CHECK(file->probe().ok());
  CHECK_FALSE(file->failed());
}

TEST_CASE("a device is named by the system's name for it, or by what is mounted") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("sys/dev/block"));
  std::filesystem::create_directories(folder.file("proc/self"));
  std::filesystem::create_symlink("../../devices/mmc0/block/mmcblk0/mmcblk0p2", folder.file("sys/dev/block/179:2"));
  std::ofstream(folder.file("proc/self/mountinfo")) << "22 1 179:2 / / rw,noatime - ext4 /dev/root rw\n"
                                                    << "31 22 0:45 / /mnt rw shared:7 - nfs4 nas:/models rw\n"
                                                    << "32 22 0:46 / /tmp rw - tmpfs none rw\n";
  const auto name = [&](unsigned major, unsigned minor) {
    return device_name(makedev(major, minor), folder.file("proc"), folder.file("sys"));
  };
  CHECK(name(179, 2) == "mmcblk0p2");
  CHECK(name(0, 45) == "nas:/models");
  CHECK(name(0, 46) == "tmpfs");
  CHECK(name(8, 1) == "");
}

TEST_CASE("threads that end are waited for, and one that hangs is left behind with what it owns") {
  std::atomic<int> ended{0};
  LeavableThreads threads;
  for (int i = 0; i < 3; ++i) threads.start([&ended] { ++ended; });
  CHECK(threads.end());
  CHECK(ended == 3);

  const auto owned = std::make_shared<std::atomic<bool>>(false);
  const std::weak_ptr<std::atomic<bool>> seen = owned;
  auto go_on = std::make_shared<std::atomic<bool>>(false);
  {
    LeavableThreads hanging;
    hanging.start([owned, go_on]() {
      while (!*go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    CHECK_FALSE(hanging.end(std::chrono::milliseconds(20)));
  }
  CHECK(seen.use_count() == 2);
  *go_on = true;
  for (int i = 0; i < 1000 && seen.use_count() > 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(seen.use_count() == 1);
}

TEST_CASE("a thread that reads may run anywhere, also when one that keeps to a core has started it") {
  cpu_set_t all, seen;
  REQUIRE(sched_getaffinity(getpid(), sizeof all, &all) == 0);
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    LeavableThreads threads;
    threads.start([&seen] { sched_getaffinity(0, sizeof seen, &seen); });
    CHECK(threads.end());
  }).join();
  CHECK(CPU_EQUAL(&all, &seen));
}

}  // namespace
}  // namespace hearth
