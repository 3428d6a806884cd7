// Attention over the KV cache, tile by tile of query rows.
#include <cmath>
#include <cstring>

#include "model/pass.h"

namespace hearth {
namespace {

constexpr size_t kAttendRows =
    kMaxHeadGroup;  // query rows (heads of a group x tokens) that share one reading of the KV blocks

}  // namespace

void Pass::store_kv(const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  const size_t dim = shape.head_dim;
  for (const BatchSequence& s : batch_.sequences) {
    for_rows(s.n_rows, k.cols + v.cols, [&](size_t r) {
      const size_t position = s.start + r;
      const int32_t block = cache_.block_at(*s.table, layer_, position);
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

void Pass::attend_item(const AttentionItem& item, size_t kv_layer, const Tensor& q, const Tensor& out,
                       const AttentionShape& shape) {
  const BatchSequence& s = *item.sequence;
  const size_t group = shape.n_head / shape.n_kv_head, window = cache_.window(kv_layer);
  const auto first_visible = [window](size_t position) {
    return window != 0 && position >= window ? position - window + 1 : 0;
  };
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
  size_t block_start = first_visible(s.start + item.begin) / kv::kBlockTokens * kv::kBlockTokens;
  for (; block_start <= last; block_start += kv::kBlockTokens) {
    const auto in_block = [block_start](size_t position) {
      return position < block_start ? 0 : std::min<size_t>(kv::kBlockTokens, position - block_start);
    };
    for (size_t i = 0; i < n; ++i) {
      const size_t position = s.start + item.begin + i / group;
      rows[i].first = in_block(first_visible(position));
      rows[i].visible = in_block(position + 1);
    }
    const int32_t block = cache_.block_at(*s.table, kv_layer, block_start);
    kernels_.attend_f16(rows.data(), n, cache_.keys(block, kv_layer, item.kv_head),
                        cache_.values(block, kv_layer, item.kv_head), shape.head_dim, {shape.scale, shape.softcap});
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t d = 0; d < shape.head_dim; ++d) rows[i].acc[d] /= rows[i].sum;
  }
}

Tensor Pass::attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  if (!counts_) store_kv(k, v, shape);
  return attention_over(layer_, q, shape);
}

Tensor Pass::attention_over(size_t kv_layer, const Tensor& q, const AttentionShape& shape) {
  Tensor out = allocate(q.rows, q.cols);
  if (counts_) return out;
  const size_t tile = kAttendRows / (shape.n_head / shape.n_kv_head);
  std::vector<AttentionItem> items;
  for (const BatchSequence& s : batch_.sequences) {
    for (size_t begin = 0; begin < static_cast<size_t>(s.n_rows); begin += tile) {
      const size_t end = std::min<size_t>(begin + tile, s.n_rows);
      for (size_t head = 0; head < shape.n_kv_head; ++head) items.push_back({&s, head, begin, end});
    }
  }
  pool_.parallel_for(items.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) attend_item(items[i], kv_layer, q, out, shape);
  });
  return out;
}

}  // namespace hearth
