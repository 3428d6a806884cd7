#include "memory/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace hearth {
namespace {

void* address(std::span<const uint8_t> pages) { return const_cast<uint8_t*>(pages.data()); }

}  // namespace

size_t page_bytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::span<const uint8_t> whole_pages(std::span<const uint8_t> range) {
  const auto begin = reinterpret_cast<uintptr_t>(range.data()), end = begin + range.size(), page = page_bytes();
  const uintptr_t first = begin / page * page, behind = (end + page - 1) / page * page;
  return {range.data() - (begin - first), static_cast<size_t>(behind - first)};
}

void touch_pages(std::span<const uint8_t> pages) {
  for (size_t i = 0; i < pages.size(); i += page_bytes()) *static_cast<const volatile uint8_t*>(&pages[i]);
}

uint64_t resident_bytes(std::span<const uint8_t> pages) {
  std::vector<unsigned char> present(pages.size() / page_bytes());
  if (mincore(address(pages), pages.size(), present.data()) != 0) return 0;
  const auto n = std::ranges::count_if(present, [](unsigned char page) { return (page & 1) != 0; });
  return static_cast<uint64_t>(n) * page_bytes();
}

void request_pages(std::span<const uint8_t> pages) { madvise(address(pages), pages.size(), MADV_WILLNEED); }

void request_missing(std::span<const uint8_t> pages) {
  if (resident_bytes(pages) < pages.size()) request_pages(pages);
}

}  // namespace hearth
