#include "model/pass.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gguf/types.h"
#include "memory/residency.h"
#include "model/resident_product.h"

namespace hearth {
namespace {

// Whether any of the weights has blocks of so many elements, and so multiplies activations in blocks of that size.
bool any_has_blocks(std::span<const Linear* const> weights, uint32_t elements) {
  return std::ranges::any_of(weights,
                             [=](const Linear* w) { return type_traits(w->weight.type)->block_elements == elements; });
}

}  // namespace

Pass::Pass(const PassResources& resources, const Batch& batch, float* logits, float* hidden)
    : kernels_(*resources.kernels),
      matmuls_(*resources.matmuls),
      pool_(*resources.pool),
      scratch_(*resources.scratch),
      cache_(*resources.cache),
      states_(*resources.states),
      residency_(resources.residency),
      matrices_(resources.matrices),
      experts_(resources.experts),
      trace_(*resources.trace),
      stop_(*resources.stop),
      batch_(batch),
      logits_(logits),
      hidden_(hidden),
      context_tokens_(resources.context_tokens),
      counts_(resources.scratch->counts()) {
  scratch_.rewind(0);
  if (residency_ != nullptr) residency_->begin_pass();
}

void Pass::layer(size_t il) {
  if (stop_.load(std::memory_order_relaxed)) throw PassStopped();
  if (layer_ == -1) layer_mark_ = scratch_.position();
  layer_ = static_cast<int>(il);
  scratch_.rewind(layer_mark_);
}

void Pass::name(std::string_view name, const Tensor& tensor) const {
  if (trace_ && !counts_) trace_(name, layer_, {tensor.data, tensor.rows * tensor.cols}, tensor.cols);
}

Tensor Pass::allocate(size_t rows, size_t cols) { return {scratch_.allocate<float>(rows * cols), rows, cols}; }

void Pass::forget(const Tensor& x) { scratch_.rewind(scratch_.position() - Arena::bytes_for<float>(x.rows * x.cols)); }

Tensor Pass::embed(const Matrix& table) {
  Tensor x = allocate(batch_.tokens.size(), table.cols);
  const auto dequantize = kernels_.dequantize[table.type];
  for_rows(x.rows, x.cols, [&](size_t r) {
    dequantize(table.data + static_cast<size_t>(batch_.tokens[r]) * table.row_bytes, table.cols, x.row(r));
  });
  return x;
}

Tensor Pass::rms_norm(const Tensor& x, const RmsNorm& norm) {
  Tensor y = allocate(x.rows, x.cols);
  for_rows(x.rows, x.cols,
           [&](size_t r) { kernels_.rms_norm(x.row(r), norm.weight.data(), x.cols, norm.eps, y.row(r)); });
  return y;
}

void Pass::rms_norm_heads(Tensor& x, const RmsNorm& norm) {
  const size_t dim = norm.weight.size();
  for_rows(x.rows, x.cols, [&](size_t r) {
    for (float* head = x.row(r); head < x.row(r) + x.cols; head += dim) {
      kernels_.rms_norm(head, norm.weight.data(), dim, norm.eps, head);
    }
  });
}

void Pass::add(Tensor& x, const Tensor& y) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.add(x.row(r), y.row(r), x.cols); });
}

void Pass::add_residual(Tensor& x, const Tensor& y) {
  add(x, y);
  scratch_.rewind(layer_mark_);
}

void Pass::scale(Tensor& x, float factor) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.scale(x.row(r), factor, x.cols); });
}

void Pass::scale_by_position(Tensor& x, float scale, uint32_t step) {
  for_rows(x.rows, x.cols, [&](size_t r) {
    const double steps = batch_.positions[r] / static_cast<int32_t>(step);
    kernels_.scale(x.row(r), static_cast<float>(1.0 + scale * std::log1p(steps)), x.cols);
  });
}

void Pass::mul(Tensor& x, const Tensor& y) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.mul(x.row(r), y.row(r), x.cols); });
}

void Pass::softcap(Tensor& x, float cap) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.softcap(x.row(r), cap, x.cols); });
}

void Pass::l2_norm_heads(Tensor& x, size_t dim, float eps) {
  for_rows(x.rows, x.cols, [&](size_t r) {
    for (float* head = x.row(r); head < x.row(r) + x.cols; head += dim) kernels_.l2_norm(head, dim, eps);
  });
}

Tensor Pass::cut(const Tensor& x, size_t period, size_t at, size_t size) {
  Tensor piece = allocate(x.rows, x.cols / period * size);
  for_rows(x.rows, piece.cols, [&](size_t r) {
    float* out = piece.row(r);
    for (size_t from = at; from < x.cols; from += period, out += size) {
      std::memcpy(out, x.row(r) + from, size * sizeof *out);
    }
  });
  return piece;
}

void Pass::gelu_mul(Tensor& gate, const Tensor& up) {
  for_rows(gate.rows, gate.cols, [&](size_t r) { kernels_.gelu_mul(gate.row(r), up.row(r), gate.cols); });
}

void Pass::sigmoid_mul(Tensor& x, const Tensor& gate) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.sigmoid_mul(x.row(r), gate.row(r), x.cols); });
}

void Pass::sigmoid(Tensor& x) {
  Tensor y = allocate(x.rows, x.cols);
  for_rows(x.rows, x.cols, [&](size_t r) {
    std::fill_n(y.row(r), x.cols, 1.0f);
    kernels_.sigmoid_mul(y.row(r), x.row(r), x.cols);
  });
  x = y;
}

void Pass::silu_mul(Tensor& gate, const Tensor& up) {
  for_rows(gate.rows, gate.cols, [&](size_t r) { kernels_.silu_mul(gate.row(r), up.row(r), gate.cols); });
}

HearthColumns Pass::columns(const Tensor& x, std::span<const Linear* const> weights) {
  HearthColumns c{};
  c.n = x.cols;
  c.cols = x.rows;
  c.f32 = x.data;
  if (any_has_blocks(weights, HEARTH_BLOCK)) {
    const size_t blocks = x.cols / HEARTH_BLOCK;
    auto* q = scratch_.allocate<int8_t>(x.rows * x.cols);
    auto* d = scratch_.allocate<float>(x.rows * blocks);
    auto* sum = scratch_.allocate<int32_t>(x.rows * blocks);
    for_rows(x.rows, x.cols, [&](size_t r) {
      kernels_.quantize_q8(x.row(r), x.cols, q + r * x.cols, d + r * blocks, sum + r * blocks);
    });
    c.q = q;
    c.d = d;
    c.sum = sum;
  }
  if (any_has_blocks(weights, HEARTH_SUPER_BLOCK)) {
    const size_t blocks = x.cols / HEARTH_SUPER_BLOCK, sums = x.cols / 16;
    auto* q = scratch_.allocate<int8_t>(x.rows * x.cols);
    auto* d = scratch_.allocate<float>(x.rows * blocks);
    auto* sum = scratch_.allocate<int16_t>(x.rows * sums);
    for_rows(x.rows, x.cols, [&](size_t r) {
      kernels_.quantize_q8_super(x.row(r), x.cols, q + r * x.cols, d + r * blocks, sum + r * sums);
    });
    c.super_q = q;
    c.super_d = d;
    c.super_sum = sum;
  }
  return c;
}

void Pass::multiply(const Tensor& x, std::span<const Linear* const> weights, std::span<Tensor> results) {
  if (x.rows == 0) return;
  const size_t mark = scratch_.position();
  const HearthColumns c = columns(x, weights);
  std::vector<Product> products;
  for (size_t i = 0; i < weights.size(); ++i) products.push_back({weights[i]->weight, c, results[i]});
  run(products);
  scratch_.rewind(mark);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (const float* bias = weights[i]->bias) {
      for_rows(results[i].rows, results[i].cols,
               [&](size_t r) { kernels_.add(results[i].row(r), bias, results[i].cols); });
    }
  }
}

void Pass::run(std::span<const Product> products) {
  if (counts_) {
    for (const Product& product : products) {
      if (matrices_ != nullptr) matrices_->push_back(product.w);
    }
  } else if (residency_ != nullptr) {
    multiply_resident(products, matmuls_, &pool_, residency_, stop_);
  } else {
    hearth::multiply(products, matmuls_, &pool_);
  }
}

Rotation Pass::rotation(const Rope& rope) {
  const size_t rows = batch_.positions.size();
  Rotation rotation{allocate(rows, rope.n_pairs()), allocate(rows, rope.n_pairs()), rope.pairs()};
  constexpr size_t kCostOfSinCos = 32;
  for_rows(rows, rope.n_pairs() * kCostOfSinCos,
           [&](size_t r) { rope.rotation(batch_.positions[r], rotation.cos.row(r), rotation.sin.row(r)); });
  return rotation;
}

void Pass::rope(Tensor& x, size_t head_dim, const Rotation& rotation) {
  const auto rotate = rotation.pairs == RopePairs::halves ? kernels_.rope_halves : kernels_.rope_interleaved;
  for_rows(x.rows, x.cols, [&](size_t r) {
    for (size_t head = 0; head < x.cols; head += head_dim) {
      rotate(x.row(r) + head, rotation.cos.row(r), rotation.sin.row(r), 2 * rotation.cos.cols);
    }
  });
}

Tensor Pass::select_outputs(const Tensor& x) {
  Tensor selected = allocate(batch_.outputs.size(), x.cols);
  for (size_t i = 0; i < selected.rows && !counts_; ++i) {
    std::memcpy(selected.row(i), x.row(batch_.outputs[i]), x.cols * sizeof(float));
  }
  return selected;
}

Tensor Pass::logits(const Tensor& x, const Matrix& output) {
  layer_ = -1;
  const Linear linear{output, nullptr};
  const Linear* weights[] = {&linear};
  const size_t rows = x.rows - batch_.n_hidden;
  if (!counts_ && batch_.n_hidden > 0) {
    std::memcpy(hidden_, x.data + rows * x.cols, batch_.n_hidden * x.cols * sizeof(float));
  }
  Tensor results[] = {{logits_, rows, output.rows}};
  if (rows > 0) multiply({x.data, rows, x.cols}, weights, results);
  name("logits", results[0]);
  return results[0];
}

}  // namespace hearth
