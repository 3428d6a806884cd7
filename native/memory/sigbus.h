// Turns SIGBUS in a registered memory range into zeros and a flag. A mapped file that was cut short, or whose card
// fails, raises SIGBUS in whatever thread touches it; without this the process would die. Threads that read mapped
// files must not block SIGBUS: the kernel kills a process whose faulting thread blocks it.
#pragma once

#include <cstddef>

#include "include/status.h"

namespace hearth {

// The registration of one range. Movable; ends with the object.
class SigbusGuard {
 public:
  SigbusGuard() = default;
  ~SigbusGuard() { reset(); }
  SigbusGuard(SigbusGuard&& other) noexcept : slot_(other.slot_) { other.slot_ = -1; }
  SigbusGuard& operator=(SigbusGuard&& other) noexcept;

  // Watches [address, address + bytes), whole pages of one read-only mapping. OUT_OF_MEMORY when kMaxRanges are watched
  // already. Any thread.
  static Status watch(const void* address, size_t bytes, SigbusGuard* guard);

  // Stops watching; afterwards no handler touches the range any more, so it may be unmapped.
  void reset();

  // Whether a page of the range could not be read; since then the whole range reads as zeros.
  bool faulted() const;

  static constexpr int kMaxRanges = 256;

 private:
  int slot_ = -1;
};

}  // namespace hearth
