#include "memory/arena.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "base/checked.h"

namespace hearth {
namespace {

Status out_of_memory(const std::string& purpose, size_t bytes, const std::string& why) {
  return {Code::OUT_OF_MEMORY,
          "There is no memory for " + purpose + ", " + std::to_string(bytes) + " bytes: " + why + "."};
}

}  // namespace

Arena::~Arena() { release(); }

Arena::Arena(Arena&& other) noexcept { *this = std::move(other); }

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this == &other) return *this;
  release();
  purpose_ = std::move(other.purpose_);
  base_ = std::exchange(other.base_, nullptr);
  capacity_ = std::exchange(other.capacity_, 0);
  used_ = std::exchange(other.used_, 0);
  return *this;
}

Status Arena::create(size_t bytes, std::string purpose, Arena* arena) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  Arena made;
  made.purpose_ = std::move(purpose);
  size_t rounded = 0;
  if (!checked_align_up(bytes, page, &rounded))
    return out_of_memory(made.purpose_, bytes, "more than the address space");
  if (rounded != 0) {
    void* address = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) return out_of_memory(made.purpose_, bytes, std::generic_category().message(errno));
    // A child process needs none of it, and copying its page tables would stall the parent. Advice only.
    madvise(address, rounded, MADV_DONTFORK);
    made.base_ = static_cast<unsigned char*>(address);
    made.capacity_ = rounded;
  }
  *arena = std::move(made);
  return {};
}

Status Arena::allocate_bytes(size_t bytes, void** memory) {
  if (bytes > capacity_ - used_) {
    return out_of_memory(purpose_, bytes,
                         std::to_string(capacity_ - used_) + " of " + std::to_string(capacity_) + " are left");
  }
  *memory = base_ + used_;
  used_ += bytes;
  return {};
}

Status Arena::touch(const void* begin, size_t bytes) const {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(begin) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(begin) + bytes;
  if (bytes == 0) return {};
#ifdef MADV_POPULATE_WRITE
  if (madvise(reinterpret_cast<void*>(start), end - start, MADV_POPULATE_WRITE) == 0) return {};
  if (errno == ENOMEM) return out_of_memory(purpose_, bytes, std::generic_category().message(errno));
#endif
  for (uintptr_t at = start; at < end; at += page) {
    auto* byte = reinterpret_cast<volatile unsigned char*>(at);
    *byte = *byte;
  }
  return {};
}

void Arena::give_back(const void* begin, size_t bytes) const {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t start = (first + page - 1) / page * page, end = (first + bytes) / page * page;
  if (start < end) madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);
}

void Arena::release() {
  if (base_ != nullptr) munmap(base_, capacity_);
  base_ = nullptr;
}

}  // namespace hearth
