// The thread pool: every piece runs once, whatever the number of threads, and jobs may follow each other at once.
#include "threads/pool.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "threads/topology.h"

using hearth::Pool;

TEST_CASE("every element is visited exactly once") {
  for (int threads : {1, 2, 3, 8}) {
    Pool pool(threads);
    CHECK(pool.threads() == threads);
    for (size_t n : {0, 1, 2, 7, 64, 1000}) {
      for (size_t grain : {0, 1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> visits(n);
        pool.parallel_for(n, grain, [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i) ++visits[i];
        });
        for (size_t i = 0; i < n; ++i) REQUIRE(visits[i] == 1);
      }
    }
  }
}

TEST_CASE("many short jobs follow each other") {
  Pool pool(4);
  size_t total = 0;
  for (int job = 0; job < 20000; ++job) {
    std::atomic<size_t> sum{0};
    pool.parallel_for(8, 1, [&](size_t begin, size_t) { sum += begin; });
    total += sum;
  }
  CHECK(total == 20000u * 28u);
}

TEST_CASE("what is stolen while the next job begins is not lost") {
  // More threads than cores: some lose theirs between two words of a job that begins. A lost piece would hang the test.
  Pool pool(6);
  std::vector<int> visits(64);
  for (int job = 0; job < 100000; ++job) {
    if (job % 1000 == 0) pool.use(2 + job / 1000 % 5);
    pool.parallel_for(visits.size(), 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) ++visits[i];
    });
  }
  for (int n : visits) CHECK(n == 100000);
}

TEST_CASE("workers that went to sleep wake for the next job") {
  Pool pool(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> done{0};
    pool.parallel_for(100, 1, [&](size_t, size_t) { ++done; });
    CHECK(done == 100);
  }
}

TEST_CASE("a slow piece does not keep the others from being taken") {
  Pool pool(2);
  std::atomic<int> quick{0};
  pool.parallel_for(50, 1, [&](size_t begin, size_t) {
    if (begin == 0) {
      while (quick < 49) std::this_thread::yield();  // ends only if the other thread takes all the rest
    } else {
      ++quick;
    }
  });
  CHECK(quick == 49);
}

TEST_CASE("a thread that keeps the others waiting is fetched, and may run everywhere but there afterwards") {
  cpu_set_t all;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  if (CPU_COUNT(&all) < 2) {
    MESSAGE("skipped: this process may use one CPU only");
    return;
  }
  Pool pool(2);
  const auto caller = std::this_thread::get_id();
  // The caller's first piece waits until the other thread has one, which then takes its time: as if it had lost its
  // core.
  for (int job = 0; job < 20; ++job) {
    std::atomic<bool> other_has_one{false};
    std::atomic<int> visits{0};
    pool.parallel_for(8, 1, [&](size_t, size_t) {
      ++visits;
      if (std::this_thread::get_id() != caller) {
        other_has_one = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      } else {
        while (!other_has_one) std::this_thread::yield();
      }
    });
    CHECK(visits == 8);
  }
  CHECK(pool.fetches() > 0);
  cpu_set_t others;
  std::atomic<bool> looked{false};
  pool.parallel_for(2, 1, [&](size_t, size_t) {
    if (std::this_thread::get_id() != caller) {
      CHECK(sched_getaffinity(0, sizeof others, &others) == 0);
      looked = true;
    }
    while (!looked) std::this_thread::yield();
  });
  CHECK(CPU_COUNT(&others) == CPU_COUNT(&all) - 1);
}

TEST_CASE("threads that are not used sleep, and come back") {
  Pool pool(3);
  for (int used : {3, 1, 2, 3, 2, 1, 3}) {
    pool.use(used);
    for (int job = 0; job < 20; ++job) {
      std::atomic<int> done{0};
      std::mutex mutex;
      std::set<std::thread::id> seen;
      pool.parallel_for(64, 1, [&](size_t, size_t) {
        ++done;
        std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
      });
      REQUIRE(done == 64);
      // With more than one, a thread that was between two looks at the number may still take a piece.
      if (used == 1) REQUIRE(seen.size() == 1);
    }
  }
}

TEST_CASE("at least one core is usable") {
  CHECK(hearth::usable_cores() >= 1);
  CHECK(hearth::cores().size() >= static_cast<size_t>(hearth::usable_cores()));
}

TEST_CASE("big cores are taken before little ones, and alike ones are left to the kernel") {
  using hearth::placement;
  const std::vector<hearth::Core> alike = {{0, 1024}, {1, 1024}};
  CHECK(placement(alike, 0).empty());
  const std::vector<hearth::Core> mixed = {{4, 1024}, {5, 1024}, {0, 400}, {1, 400}};  // as an RK3588 has them
  CHECK(placement(mixed, 0) == std::vector<int>{4, 5});
  CHECK(placement(mixed, 1) == std::vector<int>{4, 5});
  CHECK(placement(mixed, 2) == std::vector<int>{0, 1});
  CHECK(placement(mixed, 9) == std::vector<int>{0, 1});
}

TEST_CASE("cores are read from sysfs: capacities order them, hardware threads of one core count once") {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("hearth-sysfs-" + std::to_string(getpid()));
  const auto write = [&](int cpu, const char* file, int number) {
    const fs::path path = root / ("cpu" + std::to_string(cpu)) / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << number;
  };
  std::vector<hearth::Core> plain = hearth::cores(root.string());  // a kernel that tells nothing
  for (const hearth::Core& core : plain) {
    write(core.cpu, "topology/thread_siblings_list", plain.front().cpu);
    write(core.cpu, "cpu_capacity", 100 + core.cpu);
  }
  CHECK(hearth::cores(root.string()).size() == 1);
  for (const hearth::Core& core : plain) write(core.cpu, "topology/thread_siblings_list", core.cpu);
  const std::vector<hearth::Core> sorted = hearth::cores(root.string());
  CHECK(sorted.size() == plain.size());
  CHECK(sorted.front().cpu == plain.back().cpu);  // the highest number was given the highest capacity
  fs::remove_all(root);
}
