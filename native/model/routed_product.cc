#include "model/routed_product.h"

#include <utility>
#include <vector>

#include "model/resident_product.h"

namespace hearth {
namespace {

Product at(const RoutedProduct& routed, const uint8_t* data) {
  Product product = routed.product;
  product.w.data = data;
  return product;
}

}  // namespace

void multiply_mapped(std::span<const RoutedProduct> products, const MatmulPlan& plan, Pool* pool) {
  std::vector<Product> all;
  for (const RoutedProduct& routed : products) all.push_back(routed.product);
  multiply(all, plan, pool);
}

void multiply_routed(std::span<const RoutedProduct> products, size_t layer, const MatmulPlan& plan, Pool* pool,
                     ExpertWeights* weights, const std::atomic<bool>& stop) {
  std::vector<Product> parts;
  std::vector<const RoutedProduct*> held, missing;
  const auto run = [&] {
    if (!parts.empty()) multiply(parts, plan, pool);
    for (const RoutedProduct* routed : held) weights->release(layer, routed->expert, routed->part);
    parts.clear();
    held.clear();
  };
  for (const RoutedProduct& routed : products) {
    if (const uint8_t* data = weights->ready(layer, routed.expert, routed.part); data != nullptr) {
      parts.push_back(at(routed, data));
      held.push_back(&routed);
    } else {
      missing.push_back(&routed);
    }
  }
  run();
  for (size_t i = 0; i < missing.size(); run()) {
    const uint8_t* data = nullptr;
    Status status = weights->take(layer, missing[i]->expert, missing[i]->part, stop, &data);
    if (!status.ok()) throw PassFailed{std::move(status)};
    while (data != nullptr) {
      parts.push_back(at(*missing[i], data));
      held.push_back(missing[i]);
      const bool goes_on = ++i < missing.size() && held.size() < weights->most_held();
      data = goes_on ? weights->ready(layer, missing[i]->expert, missing[i]->part) : nullptr;
    }
  }
}

}  // namespace hearth
