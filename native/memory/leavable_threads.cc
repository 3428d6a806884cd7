#include "memory/leavable_threads.h"

#include <utility>

namespace hearth {

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
