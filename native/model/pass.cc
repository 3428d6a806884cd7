#include "model/pass.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gguf/types.h"

namespace hearth {
namespace {

// A piece of work should take some 10 to 50 microseconds: long against the pool's hand-over, short against the time
// that a thread can be away from its core.
constexpr size_t kPieceBytes = 48 * 1024;  // of weights, read from memory
constexpr size_t kRowTile = 16;            // kernels work on whole tiles of rows
constexpr size_t kSerialElements = 16 * 1024;
constexpr size_t kAttendRows =
    kMaxHeadGroup;  // query rows (heads of a group x tokens) that share one reading of the KV blocks

// Whether any of the weights has blocks of so many elements, and so multiplies activations in blocks of that size.
bool any_has_blocks(std::span<const Linear* const> weights, uint32_t elements) {
  return std::ranges::any_of(weights,
                             [=](const Linear* w) { return type_traits(w->weight.type)->block_elements == elements; });
}

size_t piece_rows(const Matrix& w) {
  const size_t rows = kPieceBytes / std::max<size_t>(1, w.row_bytes);
  return std::max(kRowTile, rows / kRowTile * kRowTile);
}

}  // namespace

Pass::Pass(const PassResources& resources, const Batch& batch, float* logits, float* hidden)
    : kernels_(*resources.kernels),
      pool_(*resources.pool),
      scratch_(*resources.scratch),
      cache_(*resources.cache),
      trace_(*resources.trace),
      batch_(batch),
      logits_(logits),
      hidden_(hidden),
      context_tokens_(resources.context_tokens),
      counts_(resources.scratch->counts()) {
  scratch_.rewind(0);
}

void Pass::layer(size_t il) {
  if (layer_ == -1) layer_mark_ = scratch_.position();
  layer_ = static_cast<int>(il);
  scratch_.rewind(layer_mark_);
}

void Pass::name(std::string_view name, const Tensor& tensor) const {
  if (trace_ && !counts_) trace_(name, layer_, {tensor.data, tensor.rows * tensor.cols}, tensor.cols);
}

Tensor Pass::allocate(size_t rows, size_t cols) { return {scratch_.allocate<float>(rows * cols), rows, cols}; }

template <class Body>
void Pass::for_rows(size_t rows, size_t cost, Body&& body) {
  if (counts_) return;
  if (rows * cost < kSerialElements) {
    for (size_t r = 0; r < rows; ++r) body(r);
    return;
  }
  const size_t grain = std::max<size_t>(1, kSerialElements / 2 / std::max<size_t>(1, cost));
  pool_.parallel_for(rows, grain, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) body(r);
  });
}

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

void Pass::scale(Tensor& x, float factor) {
  for_rows(x.rows, x.cols, [&](size_t r) { kernels_.scale(x.row(r), factor, x.cols); });
}

void Pass::scale_by_position(Tensor& x, float scale, uint32_t step) {
  for_rows(x.rows, x.cols, [&](size_t r) {
    const double steps = batch_.positions[r] / static_cast<int32_t>(step);
    kernels_.scale(x.row(r), static_cast<float>(1.0 + scale * std::log1p(steps)), x.cols);
  });
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
  const HearthColumns c = columns(x, weights);
  if (counts_) return;

  // The pieces of all matrices in one line, so that the threads meet once and not after each matrix.
  size_t pieces = 0;
  for (const Linear* w : weights) pieces += (w->weight.rows + piece_rows(w->weight) - 1) / piece_rows(w->weight);
  const auto run_piece = [&](size_t piece) {
    for (size_t i = 0; i < weights.size(); ++i) {
      const Matrix& w = weights[i]->weight;
      const size_t step = piece_rows(w);
      const size_t own = (w.rows + step - 1) / step;
      if (piece >= own) {
        piece -= own;
        continue;
      }
      const size_t row = piece * step;
      kernels_.matmul[w.type](w.data + row * w.row_bytes, w.row_bytes, std::min(step, w.rows - row), &c,
                              results[i].data + row, results[i].cols);
      return;
    }
  };
  pool_.parallel_for(pieces, 1, [&](size_t begin, size_t end) {
    for (size_t piece = begin; piece < end; ++piece) run_piece(piece);
  });
  for (size_t i = 0; i < weights.size(); ++i) {
    if (const float* bias = weights[i]->bias) {
      for_rows(results[i].rows, results[i].cols,
               [&](size_t r) { kernels_.add(results[i].row(r), bias, results[i].cols); });
    }
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

void Pass::store_kv(const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  const size_t dim = shape.head_dim;
  for (const BatchSequence& s : batch_.sequences) {
    for_rows(s.n_rows, k.cols + v.cols, [&](size_t r) {
      const size_t position = s.start + r;
      const int32_t block = s.table->blocks[position / kv::kBlockTokens];
      const size_t slot = position % kv::kBlockTokens;
      for (size_t head = 0; head < shape.n_kv_head; ++head) {
        kernels_.f32_to_f16(k.row(s.first_row + r) + head * dim, dim, cache_.keys(block, layer_, head) + slot * dim);
        kernels_.f32_to_f16(v.row(s.first_row + r) + head * dim, dim, cache_.values(block, layer_, head) + slot * dim);
      }
    });
  }
}

// One tile of a sequence's query tokens, for the heads that share one KV head.
struct Pass::AttentionItem {
  const BatchSequence* sequence;
  size_t kv_head;
  size_t begin, end;  // rows of the sequence
};

void Pass::attend_item(const AttentionItem& item, const Tensor& q, const Tensor& out, const AttentionShape& shape) {
  const BatchSequence& s = *item.sequence;
  const size_t group = shape.n_head / shape.n_kv_head;
  std::array<HearthAttendRow, kAttendRows> rows;
  size_t n = 0;
  for (size_t r = item.begin; r < item.end; ++r) {
    for (size_t h = item.kv_head * group; h < (item.kv_head + 1) * group; ++h) {
      float* acc = out.row(s.first_row + r) + h * shape.head_dim;
      std::memset(acc, 0, shape.head_dim * sizeof(float));
      rows[n++] = {q.row(s.first_row + r) + h * shape.head_dim, acc, -INFINITY, 0.0f, 0, 0};
    }
  }
  const size_t last = s.start + item.end - 1;  // the last position that any row of the tile sees
  for (size_t first = 0; first <= last; first += kv::kBlockTokens) {
    for (size_t i = 0; i < n; ++i) {
      const size_t position = s.start + item.begin + i / group;
      rows[i].visible = position < first ? 0 : std::min<size_t>(kv::kBlockTokens, position - first + 1);
    }
    const int32_t block = s.table->blocks[first / kv::kBlockTokens];
    kernels_.attend_f16(rows.data(), n, cache_.keys(block, layer_, item.kv_head),
                        cache_.values(block, layer_, item.kv_head), shape.head_dim, {shape.scale, shape.softcap});
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t d = 0; d < shape.head_dim; ++d) rows[i].acc[d] /= rows[i].sum;
  }
}

Tensor Pass::attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  Tensor out = allocate(q.rows, q.cols);
  if (counts_) return out;
  store_kv(k, v, shape);
  const size_t tile = kAttendRows / (shape.n_head / shape.n_kv_head);
  std::vector<AttentionItem> items;
  for (const BatchSequence& s : batch_.sequences) {
    for (size_t begin = 0; begin < static_cast<size_t>(s.n_rows); begin += tile) {
      const size_t end = std::min<size_t>(begin + tile, s.n_rows);
      for (size_t head = 0; head < shape.n_kv_head; ++head) items.push_back({&s, head, begin, end});
    }
  }
  pool_.parallel_for(items.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) attend_item(items[i], q, out, shape);
  });
  return out;
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
