#include "engine/matmul_kinds.h"

#include <algorithm>

#include "gguf/types.h"

namespace hearth {
namespace {

constexpr size_t kLeastShare = 64;  // the smallest kind that counts has the 64th part of all bytes

}  // namespace

std::vector<MatmulKind> matmul_kinds(const LoadedModel& model) {
  std::vector<MatmulKind> kinds;
  size_t bytes = 0;
  for (const Matrix& matrix : model.matrices()) {
    const auto found = std::ranges::find_if(
        kinds, [&](const MatmulKind& kind) { return kind.type == matrix.type && kind.length == matrix.cols; });
    MatmulKind& kind = found != kinds.end() ? *found : kinds.emplace_back(MatmulKind{matrix.type, matrix.cols, 0, {}});
    kind.bytes += matrix.rows * matrix.row_bytes;
    bytes += matrix.rows * matrix.row_bytes;
    kind.matrices.push_back(matrix);
  }
  std::erase_if(kinds, [&](const MatmulKind& kind) { return kind.bytes < bytes / kLeastShare; });
  std::ranges::sort(kinds, std::greater(), &MatmulKind::bytes);
  return kinds;
}

Status set_choice(const MatmulChoice& choice, MatmulPlan* plan) {
  HearthType type;
  if (!find_type(choice.type, &type)) {
    return {Code::OPTION_OUT_OF_RANGE, "There is no type '" + choice.type + "' of weights."};
  }
  const std::string* names[kColumnCounts] = {&choice.one, &choice.few, &choice.many};
  MatmulWays ways;
  for (size_t i = 0; i < kColumnCounts; ++i) HEARTH_RETURN_IF_ERROR(parse_matmul_way(*names[i], &ways[i]));
  plan->set(type, choice.row_length, ways);
  return {};
}

MatmulChoice choice_of(const MatmulKind& kind, const MatmulPlan& plan) {
  const auto& [one, few, many] = plan.ways(kind.type, kind.length);
  return {type_name(kind.type), kind.length, one.name(), few.name(), many.name()};
}

}  // namespace hearth
