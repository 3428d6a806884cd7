#include "kv/snapshot.h"

#include <algorithm>
#include <numeric>

#include "kv/shape.h"

namespace hearth::kv {
namespace {

// Gives the numbers that are used new ones in their order; `used` lists the old ones, ascending.
std::vector<int32_t> used_numbers(std::vector<int32_t> numbers) {
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

int32_t renumbered(const std::vector<int32_t>& used, int32_t number) {
  return static_cast<int32_t>(std::ranges::lower_bound(used, number) - used.begin());
}

}  // namespace

int32_t SnapshotLayout::resumable(int32_t n) const {
  if (resumes_anywhere()) return std::min(n, n_tokens);
  int32_t best = 0;
  for (const SnapshotPoint& point : points) {
    if (point.n_tokens <= n) best = point.n_tokens;
  }
  return best;
}

SnapshotLayout SnapshotLayout::first(int32_t n, std::vector<size_t>* pieces) const {
  SnapshotLayout cut;
  cut.n_tokens = resumable(n);
  cut.n_blocks = (cut.n_tokens + kBlockTokens - 1) / kBlockTokens;
  std::vector<int32_t> windows, states;
  if (resumes_anywhere()) {
    if (cut.n_tokens > 0) cut.points.push_back({.n_tokens = cut.n_tokens, .windows = {}});
  } else {
    std::ranges::copy_if(points, std::back_inserter(cut.points),
                         [&](const SnapshotPoint& point) { return point.n_tokens <= cut.n_tokens; });
  }
  for (const SnapshotPoint& point : cut.points) {
    windows.insert(windows.end(), point.windows.begin(), point.windows.end());
    if (point.state >= 0) states.push_back(point.state);
  }
  windows = used_numbers(std::move(windows));
  states = used_numbers(std::move(states));
  for (SnapshotPoint& point : cut.points) {
    for (int32_t& window : point.windows) window = renumbered(windows, window);
    if (point.state >= 0) point.state = renumbered(states, point.state);
  }
  cut.n_windows = static_cast<int32_t>(windows.size());
  cut.n_states = static_cast<int32_t>(states.size());
  pieces->resize(cut.n_blocks);
  std::iota(pieces->begin(), pieces->end(), size_t{0});
  for (int32_t window : windows) pieces->push_back(static_cast<size_t>(n_blocks) + window);
  for (int32_t state : states) pieces->push_back(static_cast<size_t>(n_blocks) + n_windows + state);
  return cut;
}

bool SnapshotLayout::is_consistent() const {
  if (n_tokens < 1 || n_blocks != (n_tokens - 1) / kBlockTokens + 1 || n_windows < 0 || n_states < 0) return false;
  if (points.empty() || points.back().n_tokens != n_tokens) return false;
  int32_t before = 0;
  for (const SnapshotPoint& point : points) {
    if (point.n_tokens <= before) return false;
    before = point.n_tokens;
    const int32_t blocks = (point.n_tokens - 1) / kBlockTokens + 1;
    if (n_windows == 0 ? !point.windows.empty()
                       : point.first_window < 0 || point.first_window >= blocks ||
                             point.windows.size() != static_cast<size_t>(blocks - point.first_window)) {
      return false;
    }
    const auto in_range = [&](int32_t window) { return window >= 0 && window < n_windows; };
    if (!std::ranges::all_of(point.windows, in_range)) return false;
    if (n_states == 0 ? point.state != -1 : point.state < 0 || point.state >= n_states) return false;
  }
  return true;
}

}  // namespace hearth::kv
