// Kernel tests share buffers that end at a guard page, random data, and the kernel sets that this CPU runs.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gguf/types.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace hearth {

// `size` elements directly before an unreadable page: a kernel that touches one byte behind them dies.
template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t size) : size_(size) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = size * sizeof(T);
    mapped_bytes_ = (bytes + page - 1) / page * page + page;
    mapped_ =
        static_cast<char*>(mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    char* guard = mapped_ + mapped_bytes_ - page;
    if (mprotect(guard, page, PROT_NONE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(guard - bytes);
  }
  ~GuardedBuffer() { munmap(mapped_, mapped_bytes_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }

 private:
  char* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  T* data_ = nullptr;
  size_t size_ = 0;
};

// Equal bits, except that any NaN equals any other: IEEE 754 leaves their payloads open.
inline bool same_bits(const float* a, const float* b, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const bool both_nan = a[i] != a[i] && b[i] != b[i];
    if (!both_nan && std::memcmp(a + i, b + i, sizeof *a) != 0) return false;
  }
  return true;
}

inline const HearthKernels& ref_kernels() {
  const HearthKernels* kernels = nullptr;
  if (!select_kernels("ref", &kernels).ok()) throw std::bad_alloc();
  return *kernels;
}

// Every set but `ref` that this CPU runs. HEARTH_TESTED_SET names the only one to test: an emulated board takes its
// time, and an older set computes there as on the older board.
inline std::vector<const HearthKernels*> vector_kernels() {
  if (const char* name = std::getenv("HEARTH_TESTED_SET")) {
    const HearthKernels* kernels = nullptr;
    if (!select_kernels(name, &kernels).ok()) throw std::runtime_error("HEARTH_TESTED_SET: this CPU has no such set");
    return {kernels};
  }
  std::vector<const HearthKernels*> sets;
  for (const std::string& name : kernel_names()) {
    const HearthKernels* kernels = nullptr;
    if (name != "ref" && select_kernels(name, &kernels).ok()) sets.push_back(kernels);
  }
  return sets;
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t bits() { return static_cast<uint32_t>(engine_()); }
  float uniform(float low, float high) { return std::uniform_real_distribution<float>(low, high)(engine_); }
  float normal() { return std::normal_distribution<float>()(engine_); }
  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }

 private:
  std::mt19937 engine_;
};

struct TypeLayout {
  HearthType type;
  const char* name;
  size_t block, bytes;         // elements and bytes of a block
  std::vector<size_t> halves;  // where a block has f16 numbers; the rest is quants and integer scales
};

inline const std::vector<TypeLayout>& type_layouts() {
  static const std::vector<TypeLayout> layouts = [] {
    const std::vector<std::pair<HearthType, std::vector<size_t>>> halves = {
        {HEARTH_TYPE_F32, {}},      {HEARTH_TYPE_F16, {}},      {HEARTH_TYPE_BF16, {}},       {HEARTH_TYPE_Q4_0, {0}},
        {HEARTH_TYPE_Q4_1, {0, 2}}, {HEARTH_TYPE_Q5_0, {0}},    {HEARTH_TYPE_Q5_1, {0, 2}},   {HEARTH_TYPE_Q8_0, {0}},
        {HEARTH_TYPE_IQ4_NL, {0}},  {HEARTH_TYPE_MXFP4, {}},    {HEARTH_TYPE_Q2_K, {80, 82}}, {HEARTH_TYPE_Q3_K, {108}},
        {HEARTH_TYPE_Q4_K, {0, 2}}, {HEARTH_TYPE_Q5_K, {0, 2}}, {HEARTH_TYPE_Q6_K, {208}},    {HEARTH_TYPE_IQ4_XS, {0}},
        {HEARTH_TYPE_IQ3_S, {0}},   {HEARTH_TYPE_IQ3_XXS, {0}}, {HEARTH_TYPE_IQ2_XXS, {0}},   {HEARTH_TYPE_IQ2_XS, {0}},
        {HEARTH_TYPE_IQ2_S, {0}},   {HEARTH_TYPE_IQ1_S, {0}},   {HEARTH_TYPE_IQ1_M, {}},      {HEARTH_TYPE_TQ1_0, {52}},
        {HEARTH_TYPE_TQ2_0, {64}},
    };
    std::vector<TypeLayout> all;
    for (const auto& [type, offsets] : halves) {
      const TypeTraits& traits = *type_traits(type);
      all.push_back({type, traits.name, traits.block_elements, traits.block_bytes, offsets});
    }
    return all;
  }();
  return layouts;
}

// A finite f16 of ordinary size, sometimes zero or subnormal.
inline uint16_t random_f16(Random& random) {
  const int kind = random.between(0, 19);
  const uint16_t sign = static_cast<uint16_t>(random.bits() & 0x8000);
  if (kind == 0) return sign;
  if (kind == 1) return static_cast<uint16_t>(sign | (random.bits() & 0x3ff));
  return static_cast<uint16_t>(sign | random.between(8, 17) << 10 | (random.bits() & 0x3ff));
}

// Fills one row of n weights of the given type; `quants` of -1 means random bytes, else every byte of the quants.
inline void fill_row(const TypeLayout& layout, size_t n, int quants, Random& random, uint8_t* row) {
  for (size_t i = 0; i < n / layout.block; ++i, row += layout.bytes) {
    if (layout.type == HEARTH_TYPE_F32) {
      const float x = random.normal();
      std::memcpy(row, &x, sizeof x);
    } else if (layout.type == HEARTH_TYPE_F16) {
      const uint16_t x = random_f16(random);
      std::memcpy(row, &x, sizeof x);
    } else if (layout.type == HEARTH_TYPE_BF16) {
      const float x = random.normal();
      std::memcpy(row, reinterpret_cast<const char*>(&x) + 2, 2);
    } else {
      for (size_t j = 0; j < layout.bytes; ++j) {
        row[j] = static_cast<uint8_t>(quants < 0 ? random.bits() : static_cast<uint32_t>(quants));
      }
      for (const size_t offset : layout.halves) {
        const uint16_t d = random_f16(random);
        std::memcpy(row + offset, &d, sizeof d);
      }
      if (layout.type == HEARTH_TYPE_MXFP4) row[0] = static_cast<uint8_t>(random.between(100, 150));
      if (layout.type == HEARTH_TYPE_IQ1_M) row[layout.bytes - 1] &= 0xbf;  // no infinite d
    }
  }
}

}  // namespace hearth
