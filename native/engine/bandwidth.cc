// How fast this machine reads memory: the limit that decode is compared with.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>

#include "include/engine.h"
#include "memory/budget.h"
#include "threads/pool.h"

namespace hearth {
namespace {

// Several times any board's last-level cache, as far as a quarter of the free memory is that much.
constexpr size_t kMostBufferBytes = size_t{256} << 20, kLeastBufferBytes = size_t{16} << 20;
constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr int kRepeats = 5;

uint64_t load(const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Reads a piece as `streams` interleaved streams, `ahead` bytes prefetched: no pattern is the best on every machine.
template <size_t streams, size_t ahead>
uint64_t read_piece(const uint8_t* piece) {
  constexpr size_t kStreamBytes = kPieceBytes / streams;
  constexpr size_t kLine = 64;
  uint64_t sums[8] = {};
  for (size_t at = 0; at < kStreamBytes; at += kLine) {
    for (size_t s = 0; s < streams; ++s) {
      const uint8_t* line = piece + s * kStreamBytes + at;
      if (ahead > 0) __builtin_prefetch(line + ahead);
      for (size_t i = 0; i < 8; ++i) sums[i] ^= load(line + 8 * i);
    }
  }
  uint64_t sum = 0;
  for (uint64_t s : sums) sum ^= s;
  return sum;
}

using ReadPiece = uint64_t (*)(const uint8_t* piece);
constexpr ReadPiece kPatterns[] = {read_piece<1, 0>, read_piece<1, 1024>, read_piece<4, 0>, read_piece<4, 512>,
                                   read_piece<8, 256>};

}  // namespace

double measure_read_bandwidth(int threads) {
  Pool pool(std::max(1, threads));
  const size_t n =
      std::clamp<uint64_t>(memory_budget(0).bytes / 4, kLeastBufferBytes, kMostBufferBytes) / kPieceBytes * kPieceBytes;
  const std::unique_ptr<uint8_t[]> buffer(new (std::nothrow) uint8_t[n]);
  if (!buffer) return 0;
  // Written, not only allocated: untouched pages are all the same page of zeros.
  pool.parallel_for(n, kPieceBytes, [&](size_t begin, size_t end) {
    std::memset(buffer.get() + begin, static_cast<int>(begin / kPieceBytes % 251), end - begin);
  });
  std::array<std::array<double, kRepeats>, std::size(kPatterns)> speeds;
  std::atomic<uint64_t> sink{0};  // keeps the reads alive
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    for (size_t i = 0; i < speeds.size(); ++i) {
      const auto began = std::chrono::steady_clock::now();
      pool.parallel_for(n, kPieceBytes, [&](size_t begin, size_t) { sink ^= kPatterns[i](buffer.get() + begin); });
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
      speeds[i][repeat] = static_cast<double>(n) / seconds.count();
    }
  }
  double best = 0;
  for (auto& of_pattern : speeds) {
    std::ranges::sort(of_pattern);
    best = std::max(best, of_pattern[kRepeats / 2]);
  }
  return best;
}

}  // namespace hearth
