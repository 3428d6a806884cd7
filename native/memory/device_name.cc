#include "memory/device_name.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace hearth {
namespace {

// The target of a symbolic link; empty where there is none.
std::string link_target(const std::string& path) {
  std::array<char, 4096> target;
  const ssize_t n = readlink(path.c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<size_t>(n)) : std::string();
}

// The source of the mount with these numbers: behind " - TYPE " in a line that has them in third place.
std::string mounted_from(const std::string& numbers, const std::string& mounts) {
  std::ifstream file(mounts);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string id, parent, device;
    words >> id >> parent >> device;
    const size_t end = line.find(" - ");
    if (device != numbers || end == line.npos) continue;
    std::istringstream behind(line.substr(end + 3));
    std::string type, source;
    behind >> type >> source;
    return source.empty() || source == "none" ? type : source;
  }
  return {};
}

}  // namespace

std::string device_name(dev_t device, const std::string& proc, const std::string& sys) {
  const std::string numbers = std::to_string(major(device)) + ":" + std::to_string(minor(device));
  const std::string target = link_target(sys + "/dev/block/" + numbers);
  if (!target.empty()) return target.substr(target.rfind('/') + 1);
  return mounted_from(numbers, proc + "/self/mountinfo");
}

}  // namespace hearth
