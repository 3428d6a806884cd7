#include "model/resident_product.h"

#include <utility>
#include <vector>

namespace hearth {
namespace {

void check(Status status) {
  if (!status.ok()) throw PassFailed{std::move(status)};
}

// The product with some rows of its matrix, which stand at `data`.
Product rows_of(const Product& product, const uint8_t* data, size_t first, size_t n) {
  Product part = product;
  part.w.data = data;
  part.w.rows = n;
  part.y.data += first;  // y.cols stays: columns of results are as far apart as before
  return part;
}

}  // namespace

void multiply_resident(std::span<const Product> products, const MatmulPlan& plan, Pool* pool, Residency* residency,
                       const std::atomic<bool>& stop) {
  struct Streamed {
    const Product* product;
    size_t tile;
  };
  std::vector<Product> parts;
  std::vector<Streamed> streamed;
  for (const Product& product : products) {
    const auto [begin, end] = residency->find(product.w.data, product.w.rows);
    if (begin == end) parts.push_back(product);
    for (size_t i = begin; i < end; ++i) {
      const Tile& tile = residency->tiles().all()[i];
      if (!tile.kept) {
        streamed.push_back({&product, i});
        continue;
      }
      check(residency->wait_kept(i, stop));
      // Neighbours are one piece of work.
      const bool joins = i > begin && residency->tiles().all()[i - 1].kept;
      if (joins)
        parts.back().w.rows += tile.rows;
      else
        parts.push_back(rows_of(product, tile.data, tile.first_row, tile.rows));
    }
  }
  if (!parts.empty()) multiply(parts, plan, pool);

  for (size_t i = 0; i < streamed.size(); residency->release()) {
    parts.clear();
    const uint8_t* data = nullptr;
    check(residency->take(streamed[i].tile, stop, &data));
    while (data != nullptr) {
      const Tile& tile = residency->tiles().all()[streamed[i].tile];
      parts.push_back(rows_of(*streamed[i].product, data, tile.first_row, tile.rows));
      data = ++i < streamed.size() ? residency->take_ready(streamed[i].tile) : nullptr;
    }
    multiply(parts, plan, pool);
  }
}

}  // namespace hearth
