#include "memory/kept_pages.h"

#include <sys/mman.h>

#include <chrono>

#include "memory/pages.h"

namespace hearth {
namespace {

// How often a waiting pass looks whether it should stop.
constexpr std::chrono::milliseconds kGlance{20};
// How often the thread looks whether others run short of memory, and every how many times at its own pages.
constexpr std::chrono::milliseconds kWatch{250};
constexpr int kWatchesAnInspection = 8;
// Beside what is kept, before it is locked again: else it would be let go of at once.
constexpr uint64_t kRelockMargin = uint64_t{64} << 20;

}  // namespace

std::shared_ptr<KeptPages> KeptPages::create(std::vector<std::shared_ptr<const MappedFile>> files,
                                             std::vector<std::span<const uint8_t>> ranges, const KeepOptions& options) {
  for (auto& range : ranges) range = whole_pages(range);
  std::shared_ptr<KeptPages> kept(new KeptPages(std::move(files), std::move(ranges), options));
  for (const auto& range : kept->ranges_) kept->bytes_ += range.size();
  kept->thread_.start([kept] { kept->keep(); });
  return kept;
}

void KeptPages::close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (!thread_.end()) {
    const std::lock_guard lock(mutex_);
    is_left_ = true;
  }
  if (locked_bytes_ > 0) let_go();
}

bool KeptPages::wait(size_t index, const std::atomic<bool>& stop) {
  if (brought_ > index) {
    if (index >= locked_) request_missing(ranges_[index]);
    return true;
  }
  std::unique_lock lock(mutex_);
  while (brought_ <= index) {
    if (stop.load(std::memory_order_relaxed)) return false;
    changed_.wait_for(lock, kGlance);
  }
  return true;
}

void KeptPages::keep() {
  for (const auto& range : ranges_) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    bring_in(range);
    resident_bytes_ += range.size();
    {
      const std::lock_guard lock(mutex_);
      ++brought_;
    }
    changed_.notify_all();
  }
  for (int watches = 1; !stops_within_glance(); ++watches) {
    const bool has_locks = locked_bytes_ > 0 || is_let_go_;
    if (!has_locks && watches % kWatchesAnInspection != 0) continue;
    const bool is_short = this->is_short();
    if (is_short && locked_bytes_ > 0)
      let_go();
    else if (is_let_go_ && options_.spare() > bytes_ + kRelockMargin)
      lock_again();
    if (watches % kWatchesAnInspection == 0) look_after(!is_short);
  }
}

void KeptPages::bring_in(std::span<const uint8_t> range) {
  // Asked for at once, in large reads; the mapping itself is told to read no page that nobody touches.
  request_pages(range);
  may_lock_ = may_lock_ && locked_bytes_ + range.size() <= options_.lock_bytes;
  if (may_lock_ && mlock(range.data(), range.size()) == 0) {
    const std::lock_guard lock(mutex_);
    if (is_left_) {
      munlock(range.data(), range.size());  // nobody else would
      return;
    }
    locked_bytes_ += range.size();
    ++locked_;
    return;
  }
  may_lock_ = false;  // the first one that fails is at the process's limit, or at a page that cannot be read
  touch_pages(range);
}

void KeptPages::let_go() {
  for (const auto& range : ranges_) munlock(range.data(), range.size());
  locked_ = 0;
  locked_bytes_ = 0;
  is_let_go_ = true;
}

void KeptPages::lock_again() {
  is_let_go_ = false;
  may_lock_ = true;
  for (const auto& range : ranges_) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    if (is_short()) return let_go();
    bring_in(range);
  }
}

bool KeptPages::stops_within_glance() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kWatch, [this] { return stop_; });
}

void KeptPages::look_after(bool read_again) {
  uint64_t sum = 0;
  for (const auto& range : ranges_) {
    const uint64_t bytes = hearth::resident_bytes(range);
    sum += bytes;
    if (read_again && bytes < range.size()) request_pages(range);
  }
  resident_bytes_ = sum;
}

}  // namespace hearth
