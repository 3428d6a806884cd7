// Matrix products with weights of which a part is read from the file meanwhile.
#pragma once

#include <atomic>
#include <span>

#include "include/status.h"
#include "memory/residency.h"
#include "model/product.h"

namespace hearth {

// Thrown by operations whose weights could not be read, or were waited for when the pass was stopped.
struct PassFailed {
  Status status;
};

// Multiplies as multiply() does: first with the rows that are in memory, then with the others as they come. Bit-equal,
// because a row's result does not depend on the rows beside it.
void multiply_resident(std::span<const Product> products, const MatmulPlan& plan, Pool* pool, Residency* residency,
                       const std::atomic<bool>& stop);

}  // namespace hearth
