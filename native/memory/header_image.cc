#include "memory/header_image.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace hearth {
namespace {

// Above any model that a board runs, and half of what kernels with addresses of 39 bits leave to a process.
constexpr uint64_t kMostFileBytes = uint64_t{1} << 38;

}  // namespace

Status HeaderImage::create(std::span<const uint8_t> beginning, uint64_t file_bytes,
                           std::unique_ptr<HeaderImage>* image) {
  if (file_bytes > kMostFileBytes) {
    return {Code::GGUF_LIMIT_EXCEEDED, "The file has " + std::to_string(file_bytes) + " bytes; the limit is " +
                                           std::to_string(kMostFileBytes) + "."};
  }
  const auto n = static_cast<size_t>(std::max<uint64_t>(1, file_bytes));
  // Read-only, so that the kernel counts none of it as memory that it would have to give.
  void* address = mmap(nullptr, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const Status full = {Code::OUT_OF_MEMORY, "There is no room for the header of a model file."};
  if (address == MAP_FAILED) return full;
  image->reset(new HeaderImage({static_cast<const uint8_t*>(address), n}));
  const size_t copied = std::min(n, beginning.size());
  if (mprotect(address, copied, PROT_READ | PROT_WRITE) != 0) return full;
  std::memcpy(address, beginning.data(), copied);
  mprotect(address, copied, PROT_READ);
  return {};
}

HeaderImage::~HeaderImage() { munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size()); }

}  // namespace hearth
