// A pool of compute threads with its own barrier: one job at a time, cut into small pieces. Each thread starts with an
// equal run of neighbouring pieces, so that it reads memory in order; one that is done takes half of what another has
// left (work stealing, Blumofe and Leiserson 1999). So a thread that lost its core to another process holds up one
// piece; and that piece is fetched: the thread is moved to the core of the one that waits for it. Knows nothing of what
// it computes.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <type_traits>
#include <vector>

namespace hearth {

class Pool {
 public:
  // Starts `threads - 1` workers; the thread that calls parallel_for is the other one, number 0. Where cores differ,
  // each worker keeps to the cores of its place (topology.h), and the caller should: see keep_to_place().
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // How many threads take pieces of the jobs from now on, 1..threads(); the others sleep. Not while a job runs.
  void use(int threads);
  // How often a thread that had lost its core was fetched.
  uint64_t fetches() const { return fetches_; }

  // Calls body(begin, end) for consecutive pieces of 0..n-1, `grain` long, on all threads, and returns when all are
  // done. Which thread runs which piece is left to chance, so a piece's result must not depend on it. Only one thread
  // may call this at a time, and a body must not.
  template <class Body>
  void parallel_for(size_t n, size_t grain, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run(
        n, grain, [](void* context, size_t begin, size_t end) { (*static_cast<Plain*>(context))(begin, end); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using PieceFn = void (*)(void* context, size_t begin, size_t end);
  using Clock = std::chrono::steady_clock;

  struct Worker {
    std::thread thread;
    std::atomic<pid_t> id{0};
    int index = 0;
    cpu_set_t home{};                           // where it may run
    alignas(64) std::atomic<bool> busy{false};  // may hold a piece
    bool kept_away = false;                     // from the core of the thread that waits; only run() looks
  };

  // Pieces that a thread has yet to run: from the low bits up the first of them, their end, and the job that they are
  // of. One word, so that the owner takes from its front and others from its back without a lock.
  struct alignas(64) Share {
    std::atomic<uint64_t> range{0};
  };

  void run(size_t n, size_t grain, PieceFn fn, void* context);
  void work(Worker* self);
  int run_pieces(size_t thread);
  int run_share(size_t thread);
  bool steal(size_t thread, int* pieces);
  void run_piece(uint32_t piece);
  void wait_for(uint32_t pieces, Clock::duration patience);
  void fetch_stragglers(uint32_t pieces);
  void let_go();

  // The job. Written only while no piece is open; a thread reads it only after it took a piece.
  PieceFn fn_ = nullptr;
  void* context_ = nullptr;
  size_t n_ = 0;
  size_t grain_ = 1;
  uint16_t job_ = 0;  // a number that the job before had not

  std::vector<Share> shares_;  // [threads]
  alignas(64) std::atomic<uint32_t> done_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};  // grows with each job; sleepers wait on it
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> waiting_{false};  // the caller sleeps until done_ is complete
  std::deque<Worker> workers_;        // a worker does not move
  std::atomic<int> used_workers_{0};  // the first of them
  uint64_t fetches_ = 0;
  int jobs_since_fetch_ = 0;
};

// Moves the calling thread to the cores for the `place`-th thread of a pool, and tells in `home` (may be null) where it
// may run then. Leaves it as it is where all cores are alike.
void keep_to_place(int place, cpu_set_t* home);

// Makes the calling thread yield to the rest of the system, above all to the event loop: a client that is accepted late
// is worse than a token that comes late.
void lower_thread_priority();

}  // namespace hearth
