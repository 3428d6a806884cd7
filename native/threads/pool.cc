#include "threads/pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace hearth {
namespace {

// Long enough to bridge the serial parts of a layer (some microseconds), short enough not to heat an idle board.
constexpr int kSpins = 4000;
constexpr int kNice = 5;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

void lower_thread_priority() {
  const auto tid = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, tid, std::max(kNice, getpriority(PRIO_PROCESS, tid)));  // may fail: then it stays as it was
}

Pool::Pool(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

Pool::~Pool() {
  stop_.store(true);
  wake_.fetch_add(1);
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool Pool::take_piece(uint32_t* piece) {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(ticket) < n_pieces_.load(std::memory_order_relaxed)) {
    // A job that ended meanwhile has another number, and the exchange fails.
    if (ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      *piece = static_cast<uint32_t>(ticket);
      return true;
    }
  }
  return false;
}

void Pool::run_piece(uint32_t piece) {
  const size_t begin = piece * grain_;
  fn_(context_, begin, std::min(n_, begin + grain_));
  done_.fetch_add(1, std::memory_order_release);
}

void Pool::run(size_t n, size_t grain, PieceFn fn, void* context) {
  if (n == 0) return;
  grain = std::max<size_t>(1, grain);
  const size_t pieces = (n + grain - 1) / grain;
  if (workers_.empty() || pieces == 1) {
    for (size_t begin = 0; begin < n; begin += grain) fn(context, begin, std::min(n, begin + grain));
    return;
  }
  // Closed first: between the stores a late thread must find no piece under the old job's number.
  n_pieces_.store(0, std::memory_order_relaxed);
  const uint64_t job = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  fn_ = fn;
  context_ = context;
  n_ = n;
  grain_ = grain;
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(job << 32, std::memory_order_release);
  n_pieces_.store(static_cast<uint32_t>(pieces), std::memory_order_release);
  wake_.fetch_add(1);
  if (sleepers_.load() > 0) wake_.notify_all();

  for (uint32_t piece; take_piece(&piece);) run_piece(piece);
  for (int spins = 0; done_.load(std::memory_order_acquire) != pieces; ++spins) {
    // A worker that lost its core may need ours to finish its piece.
    if (spins < kSpins)
      pause_cpu();
    else
      sched_yield();
  }
}

void Pool::work() {
  lower_thread_priority();
  uint32_t seen = wake_.load();
  while (!stop_.load()) {
    for (uint32_t piece; take_piece(&piece);) run_piece(piece);
    int spins = 0;
    while (wake_.load() == seen && spins < kSpins) {
      pause_cpu();
      ++spins;
    }
    if (wake_.load() == seen) {
      sleepers_.fetch_add(1);
      wake_.wait(seen);
      sleepers_.fetch_sub(1);
    }
    seen = wake_.load();
  }
}

}  // namespace hearth
