#include "memory/read_speed.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <vector>

#include "base/text.h"
#include "memory/direct_file.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

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

// The order in which `n` pieces are read: neighbours are far apart, so that a short measurement sees all of the file.
size_t scattered(size_t i, size_t n) {
  constexpr size_t kGroups = 16;
  const size_t a_group = (n + kGroups - 1) / kGroups;
  const size_t piece = i % kGroups * a_group + i / kGroups;
  return piece;
}

}  // namespace

Status measure_read_speed(const std::string& path, const ReadSpeedOptions& options, double* bytes_per_second) {
  DirectFile file;
  HEARTH_RETURN_IF_ERROR(file.open(path));
  const auto bytes = static_cast<uint64_t>(file.opened().st_size);
  constexpr size_t kAlignment = DirectFile::kAlignment;
  const size_t a_read = std::max(kAlignment, options.read_bytes / kAlignment * kAlignment);
  const size_t pieces = static_cast<size_t>((bytes + a_read - 1) / a_read);
  const size_t rounds = (pieces + 15) / 16 * 16;  // scattered() leaves some out where groups are not full
  std::atomic<size_t> next{0};
  std::atomic<int> error{0};
  Meter meter(options.duration / kWarmUpPart);

  const auto work = [&] {
    const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(kAlignment, a_read), std::free);
    if (memory == nullptr) return error.store(ENOMEM);
    const std::span<uint8_t> buffer(static_cast<uint8_t*>(memory.get()), a_read);
    for (size_t i = next++; i < rounds && error == 0; i = next++) {
      const size_t piece = scattered(i, pieces);
      if (piece >= pieces) continue;
      const uint64_t offset = uint64_t{piece} * a_read;
      if (!file.is_direct())
        posix_fadvise(file.fd(), static_cast<off_t>(offset), static_cast<off_t>(a_read), POSIX_FADV_DONTNEED);
      const ssize_t got = file.read(buffer, 1, offset);
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
  if (error != 0) {
    return {Code::FILE_READ_FAILED,
            "The file " + quoted_path(path) + " could not be read: " + std::generic_category().message(error) + "."};
  }
  *bytes_per_second = meter.bytes_per_second();
  return {};
}

}  // namespace hearth
