#include "memory/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>

namespace hearth {
namespace {

// All that the handler touches is static and lock-free: it runs in any thread, at any instruction.
struct Slot {
  std::atomic<uintptr_t> begin{0};  // 0 while the slot is free or changes
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> faulted{false};
  std::atomic<uintptr_t> fault{0};
  std::atomic<uint32_t> generation{0};
};

std::array<Slot, SigbusGuard::kMaxRanges> slots;
std::atomic<int> running_handlers{0};
struct sigaction previous_action;
std::mutex registration;  // of slots and of the handler, never taken by the handler

static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<uint32_t>::is_always_lock_free);

Slot* find_slot(uintptr_t address) {
  for (Slot& slot : slots) {
    const uintptr_t begin = slot.begin.load();
    if (begin != 0 && address >= begin && address < slot.end.load()) return &slot;
  }
  return nullptr;
}

// Puts zeros in the place of the whole range: after one page that could not be read, nothing computed from it counts,
// and a fault for each page of a large file would take seconds. The system call itself, because libc's mmap need not be
// safe in a signal handler; untouched zeros take no memory.
bool map_zeros_over(const Slot& slot) {
  const uintptr_t begin = slot.begin.load();
  return syscall(SYS_mmap, begin, slot.end.load() - begin, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         -1;
}

// A fault that is not ours, or a signal sent by a process: what would have happened without this file.
void pass_on(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler == SIG_DFL || (previous_action.sa_handler == SIG_IGN && info->si_code > 0)) {
    // The signal is blocked in its own handler, so it strikes again, by default deadly, at the return from here.
    struct sigaction deadly = {};
    deadly.sa_handler = SIG_DFL;
    sigaction(signal, &deadly, nullptr);
    raise(signal);
  } else if (previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
  }
}

void handle_sigbus(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  bool handled = false;
  running_handlers.fetch_add(1);
  if (info->si_code > 0) {  // from the kernel; a sender's signal carries no address
    if (Slot* slot = find_slot(reinterpret_cast<uintptr_t>(info->si_addr)); slot != nullptr) {
      slot->fault.store(reinterpret_cast<uintptr_t>(info->si_addr));
      slot->faulted.store(true);
      slot->generation.fetch_add(1);
      handled = map_zeros_over(*slot);
      // Once more: another thread may have mapped the file anew between the two, and these zeros are in its place now.
      slot->faulted.store(true);
      slot->generation.fetch_add(1);
    }
  }
  running_handlers.fetch_sub(1);
  if (!handled) pass_on(signal, info, context);
  errno = saved_errno;
}

// With `registration` held.
Status install_handler() {
  static bool installed = false;
  if (installed) return {};
  struct sigaction action = {};
  action.sa_sigaction = handle_sigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &previous_action) != 0)
    return {Code::INTERNAL, "The SIGBUS handler cannot be installed."};
  installed = true;
  return {};
}

}  // namespace

SigbusGuard& SigbusGuard::operator=(SigbusGuard&& other) noexcept {
  if (this != &other) {
    reset();
    slot_ = other.slot_;
    other.slot_ = -1;
  }
  return *this;
}

Status SigbusGuard::watch(const void* address, size_t bytes, SigbusGuard* guard) {
  guard->reset();
  const std::lock_guard lock(registration);
  HEARTH_RETURN_IF_ERROR(install_handler());
  const auto begin = reinterpret_cast<uintptr_t>(address);
  for (int i = 0; i < kMaxRanges; ++i) {
    Slot& slot = slots[i];
    if (slot.end.load() != 0) continue;
    slot.faulted.store(false);
    slot.end.store(begin + bytes);
    slot.begin.store(begin);  // last: from now on the handler sees the slot
    guard->slot_ = i;
    return {};
  }
  return {Code::OUT_OF_MEMORY, "More than " + std::to_string(kMaxRanges) + " files are mapped at once."};
}

void SigbusGuard::reset() {
  if (slot_ < 0) return;
  const std::lock_guard lock(registration);
  Slot& slot = slots[slot_];
  slot.begin.store(0);
  // A handler that found the slot before may still be at work on the range; it takes microseconds.
  while (running_handlers.load() != 0) std::this_thread::yield();
  slot.end.store(0);
  slot_ = -1;
}

bool SigbusGuard::faulted() const { return slot_ >= 0 && slots[slot_].faulted.load(); }

const void* SigbusGuard::fault() const {
  return slot_ < 0 ? nullptr : reinterpret_cast<const void*>(slots[slot_].fault.load());
}

uint32_t SigbusGuard::generation() const { return slot_ < 0 ? 0 : slots[slot_].generation.load(); }

void SigbusGuard::set_faulted(bool faulted) {
  if (slot_ >= 0) slots[slot_].faulted.store(faulted);
}

void SigbusGuard::grow_generation() {
  if (slot_ >= 0) slots[slot_].generation.fetch_add(1);
}

}  // namespace hearth
