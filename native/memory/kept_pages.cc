#include "memory/kept_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace hearth {
namespace {

// How often a waiting pass looks whether it should stop.
constexpr std::chrono::milliseconds kGlance{20};
// How often the thread looks whether others run short of memory, and every how many times at its own pages.
constexpr std::chrono::milliseconds kWatch{500};
constexpr int kWatchesAnInspection = 4;
// Beside what is kept, before it is locked again: else it would be let go of at once.
constexpr uint64_t kRelockMargin = uint64_t{64} << 20;

size_t page_bytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// The pages that a range touches.
std::span<const uint8_t> whole_pages(std::span<const uint8_t> range) {
  const auto begin = reinterpret_cast<uintptr_t>(range.data()), end = begin + range.size(), page = page_bytes();
  const uintptr_t first = begin / page * page, behind = (end + page - 1) / page * page;
  return {range.data() - (begin - first), static_cast<size_t>(behind - first)};
}

void* address(std::span<const uint8_t> range) { return const_cast<uint8_t*>(range.data()); }

// Reads a byte of each page. A page that cannot be read is for memory/sigbus.h to deal with.
void touch(std::span<const uint8_t> range) {
  for (size_t i = 0; i < range.size(); i += page_bytes()) *static_cast<const volatile uint8_t*>(&range[i]);
}

// Bytes of a range that are in memory. To a process that could not write to the file the kernel calls all of it so.
uint64_t resident(std::span<const uint8_t> range) {
  std::vector<unsigned char> pages(range.size() / page_bytes());
  if (mincore(address(range), range.size(), pages.data()) != 0) return 0;
  const auto n = std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; });
  return static_cast<uint64_t>(n) * page_bytes();
}

// A fault would read a single page. Does not wait for what it asks for.
void read_missing(std::span<const uint8_t> range) {
  if (resident(range) < range.size()) madvise(address(range), range.size(), MADV_WILLNEED);
}

}  // namespace

std::unique_ptr<KeptPages> KeptPages::create(std::vector<std::span<const uint8_t>> ranges, const KeepOptions& options) {
  for (auto& range : ranges) range = whole_pages(range);
  std::unique_ptr<KeptPages> kept(new KeptPages(std::move(ranges), options));
  for (const auto& range : kept->ranges_) kept->bytes_ += range.size();
  KeptPages* self = kept.get();
  self->thread_ = std::thread([self] { self->keep(); });
  return kept;
}

KeptPages::~KeptPages() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (locked_bytes_ > 0) let_go();
}

bool KeptPages::wait(size_t index, const std::atomic<bool>& stop) {
  if (brought_ > index) {
    if (locked_bytes_ < bytes_) read_missing(ranges_[index]);
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
  madvise(address(range), range.size(), MADV_WILLNEED);
  if (may_lock_ && mlock(range.data(), range.size()) == 0) {
    locked_bytes_ += range.size();
    return;
  }
  may_lock_ = false;  // the first one that fails is at the process's limit, or at a page that cannot be read
  touch(range);
}

void KeptPages::let_go() {
  for (const auto& range : ranges_) munlock(range.data(), range.size());
  locked_bytes_ = 0;
  is_let_go_ = true;
}

void KeptPages::lock_again() {
  is_let_go_ = false;
  for (const auto& range : ranges_) bring_in(range);
}

bool KeptPages::stops_within_glance() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kWatch, [this] { return stop_; });
}

void KeptPages::look_after(bool read_again) {
  uint64_t sum = 0;
  for (const auto& range : ranges_) {
    const uint64_t bytes = resident(range);
    sum += bytes;
    if (read_again && bytes < range.size()) madvise(address(range), range.size(), MADV_WILLNEED);
  }
  resident_bytes_ = sum;
}

}  // namespace hearth
