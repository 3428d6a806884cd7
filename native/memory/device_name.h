// The name of the device that a file is on, for people who have to find it.
#pragma once

#include <sys/types.h>

#include <string>

namespace hearth {

// "mmcblk0p2", or what is mounted where no block device is ("tmpfs", "nas:/models"); empty where the system does not
// say. `device`: stat's st_dev. The folders are those of the system; tests have their own.
std::string device_name(dev_t device, const std::string& proc = "/proc", const std::string& sys = "/sys");

}  // namespace hearth
