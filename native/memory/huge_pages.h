// Advice on the size of pages.
#pragma once

#include <cstddef>

namespace hearth {

// That memory is read from end to end again and again: it may come in huge pages, where the kernel has them for it, so
// that a pass looks up hundreds of pages and not hundreds of thousands. Advice only.
void advise_huge_pages(const void* begin, size_t bytes);

}  // namespace hearth
