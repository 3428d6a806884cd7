// Memory for the activations of one pass: handed out in order, taken back in the opposite order, all at once.
#pragma once

#include <cstddef>
#include <new>

#include "include/status.h"
#include "memory/arena.h"

namespace hearth {

class Scratch {
 public:
  static Status create(size_t bytes, Scratch* scratch) {
    HEARTH_RETURN_IF_ERROR(Arena::create(bytes, "the activations", &scratch->arena_));
    scratch->capacity_ = bytes;
    return scratch->arena_.allocate(bytes, &scratch->base_);
  }

  // n elements, aligned for vectors, not cleared. Throws bad_alloc when the pass is larger than what create() was told,
  // which the engine turns into OUT_OF_MEMORY.
  template <typename T>
  T* allocate(size_t n) {
    const size_t bytes = Arena::bytes_for<T>(n);
    if (bytes > capacity_ - used_) throw std::bad_alloc();
    void* memory = base_ + used_;
    used_ += bytes;
    return static_cast<T*>(memory);
  }

  size_t position() const { return used_; }
  void rewind(size_t position) { used_ = position; }

 private:
  Arena arena_;
  unsigned char* base_ = nullptr;
  size_t capacity_ = 0;
  size_t used_ = 0;
};

}  // namespace hearth
