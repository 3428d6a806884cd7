// Pages of mapped files: which ones a range touches, whether they are in memory, and how they come there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth {

size_t page_bytes();

// The pages that a range touches.
std::span<const uint8_t> whole_pages(std::span<const uint8_t> range);

// The functions below take whole pages.

// Reads a byte of each page. A page that cannot be read is for memory/sigbus.h to deal with.
void touch_pages(std::span<const uint8_t> pages);
// Bytes that are in memory. To a process that could not write to the file the kernel calls all of it so.
uint64_t resident_bytes(std::span<const uint8_t> pages);
// Asks for all of them at once, in large reads, where one touch would read a page. Does not wait.
void request_pages(std::span<const uint8_t> pages);
// Asks for them where some are missing.
void request_missing(std::span<const uint8_t> pages);

}  // namespace hearth
