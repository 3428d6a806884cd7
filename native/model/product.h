// Matrix products as one job of the pool: the threads meet once and not after each matrix.
#pragma once

#include <span>

#include "kernels/matmul_plan.h"
#include "model/tensor.h"
#include "threads/pool.h"

namespace hearth {

// y = w * x
struct Product {
  Matrix w;
  HearthColumns x;
  Tensor y;
};

// Each product in the plan's way.
void multiply(std::span<const Product> products, const MatmulPlan& plan, Pool* pool);

}  // namespace hearth
