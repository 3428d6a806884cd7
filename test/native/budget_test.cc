// The memory that there is, as /proc and control groups of both versions tell it.
#include "memory/budget.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "files.h"

namespace hearth {
namespace {

constexpr uint64_t kMegabyte = uint64_t{1} << 20;

// Files as the kernel shows them, in a folder of their own.
class FakeKernel {
 public:
  MemoryFiles files() const { return {folder_.file("proc"), folder_.file("cgroup")}; }

  FakeKernel& write(const std::string& name, const std::string& text) {
    const std::string path = folder_.file(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return *this;
  }
  FakeKernel& machine(uint64_t total_mb, uint64_t available_mb) {
    return write("proc/meminfo", "MemTotal:       " + std::to_string(total_mb * 1024) + " kB\nMemFree:  12 kB\n" +
                                     "MemAvailable:   " + std::to_string(available_mb * 1024) + " kB\n");
  }
  FakeKernel& version2(const std::string& group, const std::string& max_mb, uint64_t current_mb, uint64_t cached_mb) {
    const std::string folder = "cgroup" + group + "/";
    write(folder + "memory.max", max_mb == "max" ? "max\n" : std::to_string(std::stoull(max_mb) * kMegabyte) + "\n");
    write(folder + "memory.current", std::to_string(current_mb * kMegabyte) + "\n");
    return write(folder + "memory.stat",
                 "anon 5\ninactive_file " + std::to_string(cached_mb * kMegabyte) + "\nactive_file 0\n");
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_CASE("without limits a share of the machine's free memory is the system's") {
  FakeKernel kernel;
  kernel.machine(4096, 3500);
  const MemoryBudget budget = memory_budget(0, kernel.files());
  CHECK(budget.bytes == (3500 - 256) * kMegabyte);
  CHECK(budget.limit == "the machine's free memory");
  CHECK(budget.missing == 0);
  kernel.machine(4096, 100);
  CHECK(memory_budget(0, kernel.files()).bytes == 0);
  CHECK(memory_budget(0, kernel.files()).missing == 156 * kMegabyte);
}

TEST_CASE("each control group of version 2 up to the root limits, and its cached files do not count") {
  FakeKernel kernel;
  kernel.machine(8192, 8000).write("proc/self/cgroup", "0::/system.slice/hearth.service\n");
  kernel.version2("/system.slice/hearth.service", "max", 300, 0);
  CHECK(memory_budget(0, kernel.files()).bytes == (8000 - 512) * kMegabyte);
  kernel.version2("/system.slice/hearth.service", "3200", 700, 500);
  MemoryBudget budget = memory_budget(0, kernel.files());
  CHECK(budget.bytes == (3200 - 200 - 100) * kMegabyte);
  CHECK(budget.limit == "the control group /system.slice/hearth.service");
  kernel.version2("/system.slice", "1600", 200, 0);
  budget = memory_budget(0, kernel.files());
  CHECK(budget.bytes == (1600 - 200 - 50) * kMegabyte);
  CHECK(budget.limit == "the control group /system.slice");
  kernel.write("cgroup/system.slice/memory.high", std::to_string(1000 * kMegabyte));
  CHECK(memory_budget(0, kernel.files()).bytes == (1000 - 200 - 48) * kMegabyte);
}

TEST_CASE("a group of version 1, and one whose root alone is visible, limit too") {
  FakeKernel kernel;
  kernel.machine(8192, 8000).write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/1234\n0::/\n");
  kernel.write("cgroup/memory/memory.limit_in_bytes", std::to_string(1600 * kMegabyte));
  kernel.write("cgroup/memory/memory.usage_in_bytes", std::to_string(100 * kMegabyte));
  MemoryBudget budget = memory_budget(0, kernel.files());
  CHECK(budget.bytes == (1600 - 100 - 50) * kMegabyte);
  CHECK(budget.limit == "the control group /");
  kernel.write("cgroup/memory/docker/1234/memory.limit_in_bytes", "9223372036854771712");  // that is none
  kernel.write("cgroup/memory/docker/1234/memory.usage_in_bytes", "1");
  CHECK(memory_budget(0, kernel.files()).bytes == budget.bytes);
}

TEST_CASE("a configured size is of the whole process, whatever the machine has") {
  FakeKernel kernel;
  kernel.machine(1024, 50).write("proc/self/status", "Name:\tnode\nRssAnon:\t  204800 kB\nRssFile:\t 9 kB\n");
  const MemoryBudget budget = memory_budget(3200 * kMegabyte, kernel.files());
  CHECK(budget.bytes == (3200 - 200 - 100) * kMegabyte);
  CHECK(budget.limit == "memory.budget_bytes");
  CHECK(memory_budget(100 * kMegabyte, kernel.files()).bytes == 0);
}

TEST_CASE("the group lacks what it lacks, whatever the machine has") {
  FakeKernel kernel;
  kernel.machine(8192, 8000).write("proc/self/cgroup", "0::/a\n");
  kernel.version2("/a", "1600", 1580, 0);
  const MemoryBudget budget = memory_budget(0, kernel.files());
  CHECK(budget.bytes == 0);
  CHECK(budget.missing == 30 * kMegabyte);
  CHECK(budget.limit == "the control group /a");
}

TEST_CASE("programs that wait for memory are told by the machine, the group, or nobody") {
  FakeKernel kernel;
  CHECK_FALSE(stalled_percent(kernel.files()).has_value());
  kernel.write("proc/pressure/memory", "some avg10=1.25 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.50 total=1\n");
  CHECK(stalled_percent(kernel.files()) == 1.25);
  kernel.write("proc/self/cgroup", "1:cpu:/x\n0::/a/b\n");
  kernel.write("cgroup/a/b/memory.pressure", "some avg10=33.10 avg60=0.00 avg300=0.00 total=1\n");
  CHECK(stalled_percent(kernel.files()) == 33.10);
}

TEST_CASE("files that are missing or say nothing set no limit") {
  FakeKernel kernel;
  CHECK(memory_budget(0, kernel.files()).bytes == UINT64_MAX);
  kernel.write("proc/meminfo", "MemAvailable: lots\n").write("proc/self/cgroup", "no colon\n:\n0::\n");
  CHECK(memory_budget(0, kernel.files()).bytes == UINT64_MAX);
  CHECK(memory_budget(0).bytes > 0);  // of this machine
}

}  // namespace
}  // namespace hearth
