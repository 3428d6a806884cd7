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

constexpr int kPieceBits = 24;
constexpr size_t kMostPieces = (size_t{1} << kPieceBits) - 1;
constexpr uint64_t make_range(uint16_t job, uint32_t first, uint32_t end) {
  return uint64_t{job} << 2 * kPieceBits | uint64_t{end} << kPieceBits | first;
}
constexpr uint32_t first_of(uint64_t range) { return static_cast<uint32_t>(range & kMostPieces); }
constexpr uint32_t end_of(uint64_t range) { return static_cast<uint32_t>(range >> kPieceBits & kMostPieces); }
constexpr uint16_t job_of(uint64_t range) { return static_cast<uint16_t>(range >> 2 * kPieceBits); }
constexpr uint32_t size_of(uint64_t range) { return end_of(range) - first_of(range); }

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

Pool::Pool(int threads) : shares_(threads), used_workers_(threads - 1) {
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
  if (used_workers_.exchange(workers) == workers) return;
  for (Share& share : shares_) share.range.store(0);  // so that no share is ever of more than one job ago
  used_workers_.notify_all();
}

void Pool::run_piece(uint32_t piece) {
  const size_t begin = piece * grain_;
  fn_(context_, begin, std::min(n_, begin + grain_));
  done_.fetch_add(1);
  if (waiting_.load()) done_.notify_one();
}

// A piece is taken by changing the word that held it, and all pieces are over before the next job is written: so
// whoever succeeds, however late, has a piece of the job that runs.
int Pool::run_share(size_t thread) {
  std::atomic<uint64_t>& own = shares_[thread].range;
  int pieces = 0;
  for (uint64_t range = own.load(std::memory_order_acquire); size_of(range) > 0;) {
    if (!own.compare_exchange_weak(range, range + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    run_piece(first_of(range));
    ++pieces;
    range = own.load(std::memory_order_acquire);
  }
  return pieces;
}

// Runs half of the pieces of the thread that has most. False when nobody has any.
bool Pool::steal(size_t thread, int* pieces) {
  uint64_t own = shares_[thread].range.load(std::memory_order_acquire);
  if (size_of(own) > 0) return true;  // of the next job already
  std::atomic<uint64_t>* victim = nullptr;
  uint64_t range = 0;
  for (Share& share : shares_) {
    const uint64_t other = share.range.load(std::memory_order_acquire);
    if (size_of(other) <= size_of(range)) continue;
    victim = &share.range;
    range = other;
  }
  if (victim == nullptr) return false;
  const uint16_t job = job_of(range);
  const uint32_t end = end_of(range), middle = end - (size_of(range) + 1) / 2;
  if (!victim->compare_exchange_strong(range, make_range(job, first_of(range), middle), std::memory_order_acq_rel)) {
    return true;  // somebody was faster
  }
  // To where others can steal from it again, unless run() has yet to write this thread's share of the job: it would
  // write over them.
  const bool shared = job_of(own) == job && shares_[thread].range.compare_exchange_strong(
                                                own, make_range(job, middle, end), std::memory_order_acq_rel);
  for (uint32_t piece = middle; !shared && piece < end; ++piece, ++*pieces) run_piece(piece);
  return true;
}

int Pool::run_pieces(size_t thread) {
  int pieces = 0;
  do {
    pieces += run_share(thread);
  } while (steal(thread, &pieces));
  return pieces;
}

void Pool::run(size_t n, size_t grain, PieceFn fn, void* context) {
  if (n == 0) return;
  grain = std::max({size_t{1}, grain, n / kMostPieces + 1});
  const size_t pieces = (n + grain - 1) / grain;
  if (used_workers_.load() == 0 || pieces == 1) {
    for (size_t begin = 0; begin < n; begin += grain) fn(context, begin, std::min(n, begin + grain));
    return;
  }
  fn_ = fn;
  context_ = context;
  n_ = n;
  grain_ = grain;
  done_.store(0, std::memory_order_relaxed);
  const size_t threads = static_cast<size_t>(used_workers_.load()) + 1;
  if (++job_ == 0) ++job_;  // no job: see use()
  for (size_t i = 0; i < threads; ++i) {
    const auto begin = static_cast<uint32_t>(pieces * i / threads),
               end = static_cast<uint32_t>(pieces * (i + 1) / threads);
    shares_[i].range.store(make_range(job_, begin, end), std::memory_order_release);
  }
  wake_.fetch_add(1);
  if (sleepers_.load() > 0) wake_.notify_all();

  const auto began = Clock::now();
  const int own_pieces = run_pieces(0);
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
    run_pieces(static_cast<size_t>(self->index) + 1);
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
