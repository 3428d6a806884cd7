#include "memory/leavable_threads.h"

#include <sched.h>
#include <unistd.h>

#include <utility>

namespace hearth {
namespace {

// A thread that waits for storage may be started by one that computes, and so keeps to a core of its own: it may run
// wherever the process began to.
void go_anywhere() {
  cpu_set_t cpus;
  if (sched_getaffinity(getpid(), sizeof cpus, &cpus) == 0) sched_setaffinity(0, sizeof cpus, &cpus);
}

}  // namespace

void LeavableThreads::start(std::function<void()> body) {
  {
    const std::lock_guard lock(running_->mutex);
    ++running_->n;
  }
  const auto ended = [running = running_] {
    const std::lock_guard lock(running->mutex);
    --running->n;
    running->changed.notify_all();
  };
  try {
    threads_.emplace_back([body = std::move(body), ended]() mutable {
      go_anywhere();
      body();
      body = nullptr;  // what it owns goes before anybody is told
      ended();
    });
  } catch (...) {
    ended();
    throw;
  }
}

bool LeavableThreads::end(std::chrono::milliseconds patience) {
  std::unique_lock lock(running_->mutex);
  const bool all_ended = running_->changed.wait_for(lock, patience, [this] { return running_->n == 0; });
  lock.unlock();
  for (std::thread& thread : threads_) all_ended ? thread.join() : thread.detach();
  threads_.clear();
  return all_ended;
}

}  // namespace hearth
