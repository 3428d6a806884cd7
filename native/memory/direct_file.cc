#include "memory/direct_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "base/text.h"

namespace hearth {

DirectFile::~DirectFile() {
  if (fd_ >= 0) close(fd_);
}

Status DirectFile::open(const std::string& path) {
  const auto failed = [&](const std::string& problem) -> Status {
    return {Code::FILE_OPEN_FAILED, "The file " + quoted_path(path) + " " + problem + "."};
  };
  const auto error_text = [] { return std::generic_category().message(errno); };
  // O_NONBLOCK: opening a FIFO must not hang. Some file systems know no O_DIRECT.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  fd_ = ::open(path.c_str(), kFlags | O_DIRECT);
  direct_ = fd_ >= 0;
  if (fd_ < 0 && errno == EINVAL) fd_ = ::open(path.c_str(), kFlags);
  if (fd_ < 0) return failed("cannot be opened: " + error_text());
  if (fstat(fd_, &opened_) != 0) return failed("cannot be examined: " + error_text());
  if (!S_ISREG(opened_.st_mode)) return failed("is not a regular file");
  return {};
}

ssize_t DirectFile::read(std::span<uint8_t> buffer, size_t least, uint64_t offset) const {
  bool retried = false;
  size_t got = 0;
  while (got < least) {
    const ssize_t more = pread(fd_, buffer.data() + got, buffer.size() - got, static_cast<off_t>(offset + got));
    if (more > 0) {
      got += static_cast<size_t>(more);
    } else if (more == 0) {
      break;
    } else if (errno == EINVAL && !std::exchange(retried, true)) {
      // The device wants of direct reads what nobody could know: from now on there are none.
      direct_ = false;
      if (fcntl(fd_, F_SETFL, 0) != 0) return -1;
      got = 0;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<ssize_t>(got);
}

}  // namespace hearth
