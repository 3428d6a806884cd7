#include "threads/pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "threads/topology.h"

namespace hearth {
namespace {

// Long enough to bridge the serial parts of a layer (some microseconds), short enough not to heat an idle board.
constexpr int kSpins = 4000;
constexpr int kNice = 5;
// A thread that works takes about as long for a piece as the others did. One that takes longer has lost its core, and
// gets it back only after the other process's time slice of some milliseconds.
constexpr int kPatiencePieces = 3;
constexpr std::chrono::microseconds kLeastPatience{50};
// Some seconds of decoding after which a core that was contended may be free again.
constexpr int kJobsToForget = 20000;

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

void keep_to_place(int place, cpu_set_t* home) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : placement(cores(), place)) CPU_SET(cpu, &set);
  if (CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
  if (home != nullptr && sched_getaffinity(0, sizeof *home, home) != 0) CPU_ZERO(home);
}

Pool::Pool(int threads) : used_workers_(threads - 1) {
  for (int i = 1; i < threads; ++i) {
    Worker& worker = workers_.emplace_back();
    worker.index = i - 1;
    worker.thread = std::thread([this, &worker] { work(&worker); });
  }
}

Pool::~Pool() {
  stop_.store(true);
  use(threads());
  wake_.fetch_add(1);
  wake_.notify_all();
  for (Worker& worker : workers_) worker.thread.join();
}

void Pool::use(int threads) {
  const int workers = std::clamp(threads, 1, this->threads()) - 1;
  if (used_workers_.exchange(workers) != workers) used_workers_.notify_all();
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
  done_.fetch_add(1);
  if (waiting_.load()) done_.notify_one();
}

void Pool::run(size_t n, size_t grain, PieceFn fn, void* context) {
  if (n == 0) return;
  grain = std::max<size_t>(1, grain);
  const size_t pieces = (n + grain - 1) / grain;
  if (used_workers_.load() == 0 || pieces == 1) {
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

  const auto began = Clock::now();
  int own_pieces = 0;
  for (uint32_t piece; take_piece(&piece); ++own_pieces) run_piece(piece);
  const auto piece_time = (Clock::now() - began) / std::max(1, own_pieces);
  wait_for(static_cast<uint32_t>(pieces), std::max<Clock::duration>(kLeastPatience, kPatiencePieces * piece_time));
}

void Pool::wait_for(uint32_t pieces, Clock::duration patience) {
  constexpr int kSpinsBetweenLooks = 64;  // at the clock
  const auto end = Clock::now() + patience;
  do {
    for (int spins = 0; spins < kSpinsBetweenLooks; ++spins) {
      if (done_.load(std::memory_order_acquire) == pieces) {
        if (jobs_since_fetch_ > 0 && ++jobs_since_fetch_ > kJobsToForget) let_go();
        return;
      }
      pause_cpu();
    }
  } while (Clock::now() < end);
  fetch_stragglers(pieces);
}

// Moves the workers that may hold a piece here, sleeps so that they have this core, and then sends them to the others:
// there they wait for their time without holding anything up.
void Pool::fetch_stragglers(uint32_t pieces) {
  cpu_set_t here;
  const int cpu = sched_getcpu();
  CPU_ZERO(&here);
  if (cpu >= 0) CPU_SET(cpu, &here);
  for (Worker& worker : workers_) {
    if (cpu < 0 || !worker.busy.load() || CPU_COUNT(&worker.home) < 2) continue;
    sched_setaffinity(worker.id.load(), sizeof here, &here);
    worker.kept_away = true;
    ++fetches_;
    jobs_since_fetch_ = 1;
  }
  waiting_.store(true);
  for (uint32_t done; (done = done_.load()) != pieces;) done_.wait(done);
  waiting_.store(false);
  for (Worker& worker : workers_) {
    if (!worker.kept_away || cpu < 0) continue;
    cpu_set_t elsewhere = worker.home;
    CPU_CLR(cpu, &elsewhere);
    sched_setaffinity(worker.id.load(), sizeof elsewhere, &elsewhere);
  }
}

void Pool::let_go() {
  jobs_since_fetch_ = 0;
  for (Worker& worker : workers_) {
    if (worker.kept_away) sched_setaffinity(worker.id.load(), sizeof worker.home, &worker.home);
    worker.kept_away = false;
  }
}

void Pool::work(Worker* self) {
  lower_thread_priority();
  keep_to_place(self->index + 1, &self->home);
  self->id.store(static_cast<pid_t>(syscall(SYS_gettid)));
  uint32_t seen = wake_.load();
  while (!stop_.load()) {
    const int used = used_workers_.load();
    if (self->index >= used) {
      used_workers_.wait(used);
      continue;
    }
    self->busy.store(true);
    for (uint32_t piece; take_piece(&piece);) run_piece(piece);
    self->busy.store(false);
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
