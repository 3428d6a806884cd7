// A lock on an open file that the kernel gives back when its process ends, however it ends.
#pragma once

#include "include/status.h"

namespace hearth::binding {

// Takes the exclusive lock of `fd` (flock(2)) without waiting; `locked` is false while another open file of any process
// has it. It is held until the file is closed. FILE_WRITE_FAILED with the system's reason.
Status try_lock(int fd, bool* locked);

}  // namespace hearth::binding
