// Threads that read from storage, and so may hang in the kernel for as long as a device does not answer. Their owner
// ends them, or leaves behind those that hang: a model has to be unloaded all the same.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth {

class LeavableThreads {
 public:
  // Runs `body` on a thread of its own, on any core that the process has. It owns all that it touches, for it may
  // outlive everybody. Throws system_error.
  void start(std::function<void()> body);
  // Waits for bodies that were told to end; after `patience` it leaves them to themselves. False where it did.
  bool end(std::chrono::milliseconds patience = std::chrono::seconds(2));

 private:
  struct Running {
    std::mutex mutex;
    std::condition_variable changed;
    int n = 0;
  };
  std::shared_ptr<Running> running_ = std::make_shared<Running>();
  std::vector<std::thread> threads_;
};

}  // namespace hearth
