#include "binding/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace hearth::binding {
namespace {

Status failed(const std::string& why) { return {Code::FILE_WRITE_FAILED, "Cannot notify systemd: " + why + "."}; }

}  // namespace

Status send_notification(const std::string& socket_path, const std::string& message) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() < 2 || socket_path.size() >= sizeof address.sun_path ||
      (socket_path[0] != '/' && socket_path[0] != '@')) {
    return failed("NOTIFY_SOCKET is neither an absolute path nor an abstract socket");
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (socket_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());

  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(std::strerror(errno));
  const ssize_t sent = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                              reinterpret_cast<const sockaddr*>(&address), length);
  const int error = errno;
  close(fd);
  return sent < 0 ? failed(std::strerror(error)) : Status();
}

}  // namespace hearth::binding
