// Memory for the activations of one pass: handed out in order, taken back in the opposite order, all at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>

#include "include/status.h"
#include "memory/arena.h"

namespace hearth {

class Scratch {
 public:
  // One without memory counts what a pass would take: allocate() gives null.
  Scratch() = default;

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
    void* memory = counts() ? nullptr : base_ + used_;
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    return static_cast<T*>(memory);
  }

  // Takes its memory now and not in the first large step. OUT_OF_MEMORY.
  Status touch() const { return arena_.touch(base_, capacity_); }

  bool counts() const { return base_ == nullptr; }
  size_t position() const { return used_; }
  void rewind(size_t position) { used_ = position; }
  size_t peak() const { return peak_; }

 private:
  Arena arena_;
  unsigned char* base_ = nullptr;
  size_t capacity_ = SIZE_MAX;
  size_t used_ = 0;
  size_t peak_ = 0;
};

}  // namespace hearth
