// A pass that computes nothing: how much memory the activations of a step take, and which matrices it multiplies with.
#pragma once

#include <cstddef>
#include <vector>

#include "include/engine.h"
#include "kernels/matmul_plan.h"
#include "model/architecture.h"
#include "model/pass.h"
#include "model/tensor.h"

namespace hearth {

struct CountedPass {
  size_t scratch_bytes = 0;
  // In the order of their use: matrices that every token uses, and the experts of each layer, of which a router
  // chooses.
  std::vector<Matrix> matrices;
  std::vector<Experts> experts;
};

// Counts the largest step that completed `options` allow. Reads no weights.
CountedPass count_pass(const Architecture& architecture, const EngineOptions& options, const MatmulWay& way);

}  // namespace hearth
