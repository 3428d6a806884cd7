// One datagram to systemd's notify socket (sd_notify(3)): what the systemd-notify program cannot send.
#pragma once

#include <string>

#include "include/status.h"

namespace hearth::binding {

// `socket_path` as in NOTIFY_SOCKET: absolute, or starting with '@' for an abstract socket. Never waits.
// FILE_WRITE_FAILED with the system's reason.
Status send_notification(const std::string& socket_path, const std::string& message);

}  // namespace hearth::binding
