// Brings pages of mapped files into memory in the order of their use, and keeps them there: locked where the process
// may, else looked after and read again when the kernel took them. A thread of its own does so. When others run short
// of memory it lets go of the locks, so that the kernel can take pages instead of ending a process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "memory/leavable_threads.h"
#include "memory/mapped_file.h"

namespace hearth {

struct KeepOptions {
  // Pages that are locked at most, of the first ranges: the kernel has to be able to take the others at once when a
  // program wants memory, or it would end one.
  uint64_t lock_bytes = UINT64_MAX;
  // Bytes that the system can still give, pages of files that nobody locked among them; empty: nobody runs short.
  std::function<uint64_t()> spare = {};
};

class KeptPages {
 public:
  // `ranges` in the order of use, of the mappings of `files`.
  static std::shared_ptr<KeptPages> create(std::vector<std::shared_ptr<const MappedFile>> files,
                                           std::vector<std::span<const uint8_t>> ranges, const KeepOptions& options);
  // Unlocks the pages and ends the thread, unless that hangs at a page: then it lives until the storage answers, and
  // unlocks what it hung at.
  void close();
  KeptPages(const KeptPages&) = delete;
  KeptPages& operator=(const KeptPages&) = delete;

  // Waits until range `index` was read once, and has it read again, in large reads, where the kernel took pages of it.
  // False once `stop` is set.
  bool wait(size_t index, const std::atomic<bool>& stop);

  uint64_t locked_bytes() const { return locked_bytes_; }
  // In memory when the thread looked last.
  uint64_t resident_bytes() const { return resident_bytes_; }

 private:
  KeptPages(std::vector<std::shared_ptr<const MappedFile>> files, std::vector<std::span<const uint8_t>> ranges,
            const KeepOptions& options)
      : files_(std::move(files)), ranges_(std::move(ranges)), options_(options), may_lock_(options.lock_bytes > 0) {}
  void keep();
  void bring_in(std::span<const uint8_t> range);
  void let_go();
  void lock_again();
  void look_after(bool read_again);
  bool is_short() const { return options_.spare && options_.spare() == 0; }
  bool stops_within_glance();

  const std::vector<std::shared_ptr<const MappedFile>> files_;
  const std::vector<std::span<const uint8_t>> ranges_;  // whole pages
  const KeepOptions options_;
  uint64_t bytes_ = 0;  // of all ranges
  bool may_lock_;       // the thread's, as the next one
  bool is_let_go_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;               // with mutex_
  bool is_left_ = false;            // with mutex_: the thread hung when it was to end
  std::atomic<size_t> brought_{0};  // ranges
  std::atomic<size_t> locked_{0};   // ranges: the first ones
  std::atomic<uint64_t> locked_bytes_{0}, resident_bytes_{0};
  LeavableThreads thread_;
};

}  // namespace hearth
