#include "memory/read_speed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/text.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kAlignment = 4096;  // what O_DIRECT asks of addresses and sizes on all common devices
// The part of the time before anything counts: a card wakes up, queues fill, and a limit of the kernel's lets a first
// burst pass.
constexpr int kWarmUpPart = 4;

// Bytes over time, from the first read that ended after the warm-up to the last one.
class Meter {
 public:
  explicit Meter(Clock::duration warm_up) : warm_up_(warm_up) {}

  // Returns the time since the first read was started.
  Clock::duration add(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    last_ = Clock::now();
    all_ += bytes;
    if (last_ - started_ < warm_up_) return last_ - started_;
    if (began_)
      counted_ += bytes;
    else
      began_ = last_;
    return last_ - started_;
  }
  double bytes_per_second() const {
    const bool is_short = counted_ == 0;  // all of the file was read before anything counted
    const std::chrono::duration<double> seconds = last_ - (is_short ? started_ : *began_);
    return static_cast<double>(is_short ? all_ : counted_) / std::max(seconds.count(), 1e-6);
  }

 private:
  const Clock::time_point started_ = Clock::now();
  const Clock::duration warm_up_;
  std::mutex mutex_;
  Clock::time_point last_ = started_;
  std::optional<Clock::time_point> began_;
  uint64_t all_ = 0, counted_ = 0;
};

struct OpenFile {
  int fd = -1;
  std::atomic<bool> direct = false;
  ~OpenFile() {
    if (fd >= 0) close(fd);
  }
};

Status failed(Code code, const std::string& path, int error) {
  const char* what = code == Code::FILE_OPEN_FAILED ? " cannot be opened: " : " could not be read: ";
  return {code, "The file " + quoted_path(path) + what + std::generic_category().message(error) + "."};
}

Status open_file(const std::string& path, OpenFile* file, uint64_t* bytes) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  file->fd = ::open(path.c_str(), kFlags | O_DIRECT);
  file->direct = file->fd >= 0;
  if (file->fd < 0 && errno == EINVAL) file->fd = ::open(path.c_str(), kFlags);
  struct stat found = {};
  if (file->fd < 0 || fstat(file->fd, &found) != 0) return failed(Code::FILE_OPEN_FAILED, path, errno);
  if (!S_ISREG(found.st_mode)) {
    return {Code::FILE_OPEN_FAILED, "The file " + quoted_path(path) + " is not a regular file."};
  }
  *bytes = static_cast<uint64_t>(found.st_size);
  return {};
}

// The order in which `n` pieces are read: neighbours are far apart, so that a short measurement sees all of the file.
size_t scattered(size_t i, size_t n) {
  constexpr size_t kGroups = 16;
  const size_t a_group = (n + kGroups - 1) / kGroups;
  const size_t piece = i % kGroups * a_group + i / kGroups;
  return piece;
}

}  // namespace

Status measure_read_speed(const std::string& path, const ReadSpeedOptions& options, double* bytes_per_second) {
  OpenFile file;
  uint64_t bytes = 0;
  HEARTH_RETURN_IF_ERROR(open_file(path, &file, &bytes));
  const size_t a_read = std::max(kAlignment, options.read_bytes / kAlignment * kAlignment);
  const size_t pieces = static_cast<size_t>((bytes + a_read - 1) / a_read);
  const size_t rounds = (pieces + 15) / 16 * 16;  // scattered() leaves some out where groups are not full
  std::atomic<size_t> next{0};
  std::atomic<int> error{0};
  Meter meter(options.duration / kWarmUpPart);

  const auto work = [&] {
    const std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(kAlignment, a_read), std::free);
    if (buffer == nullptr) return error.store(ENOMEM);
    bool retried = false;
    for (size_t i = next++; i < rounds && error == 0; i = next++) {
      const size_t piece = scattered(i, pieces);
      if (piece >= pieces) continue;
      const auto offset = static_cast<off_t>(piece * a_read);
      if (!file.direct) posix_fadvise(file.fd, offset, static_cast<off_t>(a_read), POSIX_FADV_DONTNEED);
      ssize_t got = pread(file.fd, buffer.get(), a_read, offset);
      if (got < 0 && errno == EINVAL && !retried) {
        // The device wants of direct reads what nobody could know.
        retried = true;
        if (fcntl(file.fd, F_SETFL, 0) == 0) {
          file.direct = false;
          posix_fadvise(file.fd, offset, static_cast<off_t>(a_read), POSIX_FADV_DONTNEED);
          got = pread(file.fd, buffer.get(), a_read, offset);
        }
      }
      if (got < 0) return error.store(errno);
      if (meter.add(static_cast<uint64_t>(got)) > options.duration) return;
    }
  };
  {
    std::vector<std::jthread> readers;
    try {
      for (int i = 1; i < options.readers; ++i) readers.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads: those that are there measure what they read.
    }
    work();
  }
  if (error != 0) return failed(Code::FILE_READ_FAILED, path, error);
  *bytes_per_second = meter.bytes_per_second();
  return {};
}

}  // namespace hearth
