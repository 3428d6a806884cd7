// The kinds of a model's matrices, by what decides how they are best multiplied: their type and the length of their
// rows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/loaded_model.h"
#include "include/engine.h"
#include "kernels/matmul_plan.h"
#include "model/tensor.h"

namespace hearth {

struct MatmulKind {
  HearthType type;
  size_t length;  // weights of a row
  size_t bytes;   // of all matrices
  std::vector<Matrix> matrices;
};

// The kinds that hold a share of the model's weights worth measuring, the largest first.
std::vector<MatmulKind> matmul_kinds(const LoadedModel& model);

// Sets the ways that `choice` names. ISA_UNKNOWN, ISA_UNSUPPORTED, OPTION_OUT_OF_RANGE.
Status set_choice(const MatmulChoice& choice, MatmulPlan* plan);
MatmulChoice choice_of(const MatmulKind& kind, const MatmulPlan& plan);

}  // namespace hearth
