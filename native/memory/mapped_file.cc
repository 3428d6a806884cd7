#include "memory/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "base/text.h"
#include "memory/device_name.h"

namespace hearth {
namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

size_t align_down(size_t n, size_t alignment) { return n / alignment * alignment; }
size_t align_up(size_t n, size_t alignment) { return align_down(n + alignment - 1, alignment); }

void* map_shared(void* address, size_t bytes, int fd, int flags) {
  return mmap(address, bytes, PROT_READ, MAP_SHARED | flags, fd, 0);
}

// A fork need not copy gigabytes of page tables, a core dump need not hold the weights. Read-ahead stays the kernel's
// default: decoding reads each tensor from front to back, and MADV_SEQUENTIAL would drop pages that the next token
// needs. Advice only: a kernel that lacks it loses nothing else.
void advise_mapping(void* address, size_t bytes) {
  madvise(address, bytes, MADV_DONTFORK);
  madvise(address, bytes, MADV_DONTDUMP);
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

Status MappedFile::open(const std::string& path, std::unique_ptr<MappedFile>* result) {
  std::unique_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  // Reads past the page cache are for peek() and streamed weights; a mapping is the page cache's all the same.
  HEARTH_RETURN_IF_ERROR(file->file_.open(path));
  const struct stat& opened = file->file_.opened();
  file->device_ = device_name(opened.st_dev);
  const auto n_bytes = static_cast<uint64_t>(opened.st_size);
  if (n_bytes > std::numeric_limits<size_t>::max())
    return {Code::FILE_OPEN_FAILED, "The file " + quoted_path(path) + " is larger than the address space."};
  if (n_bytes == 0) {
    *result = std::move(file);
    return {};
  }

  // Shared, so that pages are the page cache's own and are never charged to the process.
  void* address = map_shared(nullptr, n_bytes, file->file_.fd(), 0);
  if (address == MAP_FAILED)
    return {Code::OUT_OF_MEMORY, "The file " + quoted_path(path) + " cannot be mapped: " + error_text(errno) + "."};
  file->bytes_ = {static_cast<const uint8_t*>(address), static_cast<size_t>(n_bytes)};
  HEARTH_RETURN_IF_ERROR(SigbusGuard::watch(address, n_bytes, &file->guard_));
  advise_mapping(address, n_bytes);
  *result = std::move(file);
  return {};
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (!bytes_.empty()) munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

Status MappedFile::read_past_cache(size_t offset, size_t n, std::span<uint8_t> buffer, const uint8_t** data) const {
  const size_t begin = align_down(offset, kDirectAlignment), wanted = offset + n - begin;
  const size_t most = align_up(wanted, kDirectAlignment);
  const auto failed = [&](const std::string& why) {
    failed_at_ = begin;
    read_failed_ = true;
    return read_failure(why);
  };
  const ssize_t got = file_.read(buffer.first(most), wanted, begin);
  if (got < 0) return failed(error_text(errno));
  if (static_cast<size_t>(got) < wanted) return failed("it ends before byte " + std::to_string(offset + n));
  if (!file_.is_direct()) drop_cached(begin, most);
  *data = buffer.data() + (offset - begin);
  return {};
}

void MappedFile::drop_cached(size_t offset, size_t n) const {
  // Whole pages only, as the kernel takes the second call too: a page at an edge may be a neighbour's.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = align_up(offset, page), end = align_down(std::min(offset + n, bytes_.size()), page);
  if (begin < end) madvise(const_cast<uint8_t*>(bytes_.data()) + begin, end - begin, MADV_DONTNEED);
  posix_fadvise(file_.fd(), static_cast<off_t>(offset), static_cast<off_t>(n), POSIX_FADV_DONTNEED);
}

Status MappedFile::peek(size_t offset, std::span<uint8_t> out) const {
  if (file_.is_direct()) {
    const size_t n = direct_bytes(out.size());
    const std::unique_ptr<void, decltype(&free)> buffer(aligned_alloc(kDirectAlignment, n), free);
    const uint8_t* data = nullptr;
    if (buffer != nullptr &&
        read_past_cache(offset, out.size(), {static_cast<uint8_t*>(buffer.get()), n}, &data).ok()) {
      std::copy_n(data, out.size(), out.data());
      return {};
    }
  }
  // Whatever a device wants of direct reads, this way is always open.
  std::copy_n(bytes_.data() + offset, out.size(), out.data());
  if (guard_.faulted()) return read_failure("a part of it gives errors");
  return {};
}

Status MappedFile::health() const {
  // A file that was cut short cannot be read either: that is the true cause.
  HEARTH_RETURN_IF_ERROR(unchanged());
  if (guard_.faulted()) return read_failure("a part of it gave errors while it was in use");
  return {};
}

Status MappedFile::unchanged() const {
  struct stat now = {};
  if (fstat(file_.fd(), &now) != 0)
    return {Code::FILE_READ_FAILED, "The file " + name() + " cannot be examined: " + error_text(errno) + "."};
  if (now.st_size != file_.opened().st_size) {
    return {Code::FILE_CHANGED, "The file " + name() + " had " + std::to_string(file_.opened().st_size) +
                                    " bytes when it was opened and has " + std::to_string(now.st_size) + " now."};
  }
  if (!same_time(now.st_mtim, file_.opened().st_mtim))
    return {Code::FILE_CHANGED, "The file " + name() + " was written to while it was in use."};
  return {};
}

Status MappedFile::restore() const {
  if (!guard_.faulted()) return {};
  HEARTH_RETURN_IF_ERROR(unchanged());
  void* const address = const_cast<uint8_t*>(bytes_.data());
  const bool mapped =
      guard_.end_fault([&] { return map_shared(address, bytes_.size(), file_.fd(), MAP_FIXED) != MAP_FAILED; });
  if (!mapped) return {Code::OUT_OF_MEMORY, "The file " + name() + " cannot be mapped: " + error_text(errno) + "."};
  advise_mapping(address, bytes_.size());
  return {};
}

Status MappedFile::probe() const {
  HEARTH_RETURN_IF_ERROR(unchanged());
  if (bytes_.empty()) return {};
  size_t at = failed_at_;
  if (guard_.faulted()) at = static_cast<size_t>(static_cast<const uint8_t*>(guard_.fault()) - bytes_.data());
  const std::unique_ptr<void, decltype(&free)> buffer(aligned_alloc(kDirectAlignment, direct_bytes(1)), free);
  if (buffer == nullptr) return {Code::OUT_OF_MEMORY, "There is no memory to read from " + name() + "."};
  const uint8_t* data = nullptr;
  HEARTH_RETURN_IF_ERROR(read_past_cache(std::min(at, bytes_.size() - 1), 1,
                                         {static_cast<uint8_t*>(buffer.get()), direct_bytes(1)}, &data));
  read_failed_ = false;
  return {};
}

std::string MappedFile::name() const { return quoted_path(path_) + (device_.empty() ? "" : " on " + device_); }

Status MappedFile::read_failure(const std::string& why) const {
  return {Code::FILE_READ_FAILED, "The file " + name() + " could not be read: " + why + "."};
}

}  // namespace hearth
