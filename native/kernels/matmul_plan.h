// Which kernels multiply which matrices, and how they read them: a way for each type, length of rows and number of
// columns. Every way gives the same bits, so a plan is chosen by its speed alone, and may change between two steps.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "include/status.h"
#include "kernels/kernels.h"

namespace hearth {

struct MatmulWay {
  const HearthKernels* kernels = nullptr;
  HearthReading reading = {};

  // "avx2:streams:256": a kernel set, an order of reading, and the bytes that are fetched ahead.
  std::string name() const;
};

// Reads such a name. A part that it leaves out, down to "", is the best set that this CPU runs, and that set's own
// first way of reading in the order that is named. ISA_UNKNOWN, ISA_UNSUPPORTED, OPTION_OUT_OF_RANGE.
Status parse_matmul_way(std::string_view name, MatmulWay* way);

// The ways among which a measurement chooses, of all sets that this CPU runs, the usual one first. What `forced` names,
// all of them keep to.
Status possible_matmul_ways(std::string_view forced, std::vector<MatmulWay>* ways);

// How many columns are multiplied at once: a token of one answer, those of some answers, a piece of a prompt.
enum class ColumnCount { one, few, many };
inline constexpr size_t kColumnCounts = 3;
inline constexpr size_t kManyColumns = 8;

inline ColumnCount column_count(size_t columns) {
  if (columns == 1) return ColumnCount::one;
  return columns < kManyColumns ? ColumnCount::few : ColumnCount::many;
}

using MatmulWays = std::array<MatmulWay, kColumnCounts>;  // by ColumnCount

class MatmulPlan {
 public:
  explicit MatmulPlan(const MatmulWay& usual) { usual_.fill(usual); }

  // For rows of `length` weights of `type`; the usual way remains for all others.
  void set(HearthType type, size_t length, const MatmulWays& ways);
  const MatmulWays& ways(HearthType type, size_t length) const;
  const MatmulWay& way(HearthType type, size_t length, size_t columns) const {
    return ways(type, length)[static_cast<size_t>(column_count(columns))];
  }

 private:
  struct Entry {
    HearthType type;
    size_t length;
    MatmulWays ways;
  };

  MatmulWays usual_;
  std::vector<Entry> entries_;  // a model has a handful
};

}  // namespace hearth
