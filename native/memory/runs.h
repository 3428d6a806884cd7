// Neighbours among numbered things that lie one behind the other, so that one call of the system serves all of them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hearth {

struct Run {
  size_t first = 0, count = 0;
};

// The runs of `numbers`, which ascend; none goes beyond a multiple of `group`, where other things lie in between.
inline std::vector<Run> runs_of(std::span<const size_t> numbers, size_t group) {
  std::vector<Run> runs;
  for (const size_t n : numbers) {
    const bool goes_on = !runs.empty() && n == runs.back().first + runs.back().count && n % group != 0;
    if (goes_on)
      ++runs.back().count;
    else
      runs.push_back({n, 1});
  }
  return runs;
}

}  // namespace hearth
