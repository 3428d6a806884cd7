// Matrix products with the experts that a router has chosen, some of which are read from the file meanwhile.
#pragma once

#include <atomic>
#include <span>

#include "memory/expert_weights.h"
#include "model/product.h"

namespace hearth {

// A product with one part of an expert.
struct RoutedProduct {
  Product product;
  size_t expert;
  ExpertPart part;
};

// Multiplies where the experts are mapped.
void multiply_mapped(std::span<const RoutedProduct> products, const MatmulPlan& plan, Pool* pool);

// Multiplies with the experts of a layer that are wanted, first with those that are there. `products`: in the order of
// their reading. Throws PassFailed. Bit-equal, because each product is computed by itself.
void multiply_routed(std::span<const RoutedProduct> products, size_t layer, const MatmulPlan& plan, Pool* pool,
                     ExpertWeights* weights, const std::atomic<bool>& stop);

}  // namespace hearth
