#include "binding/file_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <cstring>

namespace hearth::binding {

Status try_lock(int fd, bool* locked) {
  int result;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  *locked = result == 0;
  if (result == 0 || errno == EWOULDBLOCK) return {};
  return {Code::FILE_WRITE_FAILED, std::string("The file cannot be locked: ") + std::strerror(errno) + "."};
}

}  // namespace hearth::binding
