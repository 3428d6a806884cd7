// Arithmetic on numbers that come from files: each function says whether its result is right.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace hearth {

template <std::unsigned_integral T>
[[nodiscard]] inline bool checked_add(T a, T b, T* sum) {
  return !__builtin_add_overflow(a, b, sum);
}

template <std::unsigned_integral T>
[[nodiscard]] inline bool checked_mul(T a, T b, T* product) {
  return !__builtin_mul_overflow(a, b, product);
}

// The smallest multiple of `alignment`, a power of two, that is no less than `value`.
template <std::unsigned_integral T>
[[nodiscard]] inline bool checked_align_up(T value, T alignment, T* aligned) {
  if (!std::has_single_bit(alignment)) return false;
  if (!checked_add(value, static_cast<T>(alignment - 1), aligned)) return false;
  *aligned &= ~(alignment - 1);
  return true;
}

}  // namespace hearth
