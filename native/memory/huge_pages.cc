#include "memory/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace hearth {

void advise_huge_pages(const void* begin, size_t bytes) {
  // Huge pages of kernels whose pages are larger are tens of megabytes, which is much to read or to clear at once, and
  // those kernels need them less.
  constexpr uintptr_t kPage = 4096;
  if (bytes == 0 || sysconf(_SC_PAGESIZE) != static_cast<long>(kPage)) return;
  const auto address = reinterpret_cast<uintptr_t>(begin), first = address / kPage * kPage;
  madvise(reinterpret_cast<void*>(first), address + bytes - first, MADV_HUGEPAGE);
}

}  // namespace hearth
