// Turns SIGBUS in a registered memory range into zeros and a flag. A mapped file that was cut short, or whose card
// fails, raises SIGBUS in whatever thread touches it; without this the process would die. Threads that read mapped
// files must not block SIGBUS: the kernel kills a process whose faulting thread blocks it.
#pragma once

#include <cstddef>
#include <cstdint>

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
  // The address that could not be read, once faulted().
  const void* fault() const;
  // Grows with each fault and each end_fault(): who read the range between two equal values read the file.
  uint32_t generation() const;
  // The caller has put the file back in the place of the zeros by `map`. Any thread, but one at a time.
  template <class Map>
  bool end_fault(Map&& map) {
    // First the flag: a fault that comes as soon as the file is mapped sets it again. Who reads zeros meanwhile learns
    // it from the generation.
    set_faulted(false);
    const bool mapped = map();
    if (!mapped) set_faulted(true);
    grow_generation();
    return mapped;
  }

  static constexpr int kMaxRanges = 256;

 private:
  void set_faulted(bool faulted);
  void grow_generation();

  int slot_ = -1;
};

}  // namespace hearth
