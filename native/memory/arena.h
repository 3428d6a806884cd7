// One anonymous mapping of fixed size, handed out piece by piece and freed as a whole: KV blocks, activations.
// Knows nothing of what is stored in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "include/status.h"

namespace hearth {

class Arena {
 public:
  static constexpr size_t kAlignment = 64;  // a cache line, and the widest vector

  Arena() = default;
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  // Reserves `bytes` (rounded up to pages) of zeros; pages take memory when they are first touched.
  // `purpose` is for the message of OUT_OF_MEMORY: "the KV cache".
  static Status create(size_t bytes, std::string purpose, Arena* arena);

  // Bytes that an allocation of `n` T takes, for sizing an arena; SIZE_MAX when that overflows.
  template <typename T>
  static constexpr size_t bytes_for(size_t n) {
    if (n > (SIZE_MAX - kAlignment) / sizeof(T)) return SIZE_MAX;
    return (n * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
  }

  // `n` T of zeros, aligned to kAlignment, the arena's. OUT_OF_MEMORY when the arena is full.
  template <typename T>
  Status allocate(size_t n, T** pieces) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> && alignof(T) <= kAlignment);
    void* memory = nullptr;
    HEARTH_RETURN_IF_ERROR(allocate_bytes(bytes_for<T>(n), &memory));
    *pieces = static_cast<T*>(memory);
    return {};
  }

  // Takes memory for the pages of [begin, begin + bytes), which is the arena's, now and not when they are first
  // written; what stands there stays. OUT_OF_MEMORY where the system has none.
  Status touch(const void* begin, size_t bytes) const;
  // Gives back the memory of the whole pages in it; they read as zeros.
  void give_back(const void* begin, size_t bytes) const;

  size_t capacity() const { return capacity_; }
  size_t used() const { return used_; }

 private:
  Status allocate_bytes(size_t bytes, void** memory);  // bytes: a multiple of kAlignment, or SIZE_MAX
  void release();

  std::string purpose_;
  unsigned char* base_ = nullptr;
  size_t capacity_ = 0;
  size_t used_ = 0;
};

}  // namespace hearth
