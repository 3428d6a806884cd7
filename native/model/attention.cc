// Attention over the KV cache. A sequence's positions are cut into ranges, for all queries at the same places. A query
// goes over each range by itself, and what it gathered there is merged in order: so threads can share a long context,
// and the result does not tell whether they did.
#include <atomic>
#include <cmath>
#include <cstring>

#include "model/pass.h"

namespace hearth {
namespace {

constexpr size_t kAttendRows =
    kMaxHeadGroup;  // query rows (heads of a group x tokens) that share one reading of the KV blocks
constexpr size_t kRangeTokens = 256;
static_assert(kRangeTokens % kv::kBlockTokens == 0);
// Ranges are pieces of work of their own only in steps of few tokens, since each then needs memory for what it gathers,
// and only where there are fewer other pieces than this for each thread.
constexpr size_t kSplitTokens = 8;
constexpr size_t kPiecesPerThread = 4;

HearthQ8Rows q8_rows(const kv::HeadRows& rows) { return {rows.q(), rows.d()}; }

}  // namespace

void Pass::store_head(const float* x, size_t dim, const kv::HeadRows& rows, size_t slot) {
  if (cache_.type() == kv::Type::f16) {
    kernels_.f32_to_f16(x, dim, rows.f16() + slot * dim);
    return;
  }
  for (size_t i = 0; i < dim; i += kv::kQ8Dims) {
    const size_t at = slot * dim + i;
    int32_t unused_sum;
    kernels_.quantize_q8(x + i, kv::kQ8Dims, rows.q() + at, rows.d() + at / kv::kQ8Dims, &unused_sum);
  }
}

void Pass::store_kv(const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  const size_t dim = shape.head_dim;
  for (const BatchSequence& s : batch_.sequences) {
    for_rows(s.n_rows, k.cols + v.cols, [&](size_t r) {
      const size_t position = s.start + r;
      const int32_t block = cache_.block_at(*s.table, layer_, position);
      const size_t slot = position % kv::kBlockTokens;
      for (size_t head = 0; head < shape.n_kv_head; ++head) {
        store_head(k.row(s.first_row + r) + head * dim, dim, cache_.keys(block, layer_, head), slot);
        store_head(v.row(s.first_row + r) + head * dim, dim, cache_.values(block, layer_, head), slot);
      }
    });
  }
}

// One call of attention_over().
struct Pass::AttentionCall {
  size_t kv_layer;
  const Tensor& q;
  const AttentionShape& shape;
  size_t window;

  size_t group() const { return shape.n_head / shape.n_kv_head; }
  size_t first_visible(size_t position) const { return window != 0 && position >= window ? position - window + 1 : 0; }
};

// One tile of a sequence's query tokens, for the heads that share one KV head.
struct Pass::AttentionItem {
  const BatchSequence* sequence;
  size_t kv_head;
  size_t begin, end;                // rows of the sequence
  size_t first_range, range_count;  // of kRangeTokens positions, that any of the rows sees
};

// The item's queries before they have seen a token. What they gather goes to the places that they have in `acc`, which
// is shaped like q. Returns how many they are.
size_t Pass::start_rows(const AttentionCall& call, const AttentionItem& item, const Tensor& acc,
                        HearthAttendRow* rows) {
  const size_t dim = call.shape.head_dim, group = call.group();
  size_t n = 0;
  for (size_t r = item.begin; r < item.end; ++r) {
    const size_t row = item.sequence->first_row + r;
    for (size_t h = item.kv_head * group; h < (item.kv_head + 1) * group; ++h) {
      std::memset(acc.row(row) + h * dim, 0, dim * sizeof(float));
      rows[n++] = {call.q.row(row) + h * dim, acc.row(row) + h * dim, -INFINITY, 0.0f, 0, 0};
    }
  }
  return n;
}

void Pass::attend_range(const AttentionCall& call, const AttentionItem& item, size_t range, HearthAttendRow* rows) {
  const BatchSequence& s = *item.sequence;
  const AttentionShape& shape = call.shape;
  const HearthScores scores{shape.scale, shape.softcap};
  const size_t group = call.group(), first = s.start + item.begin, tokens = item.end - item.begin;
  const size_t n = tokens * group;
  const size_t end = std::min<size_t>((range + 1) * kRangeTokens, s.start + item.end);
  size_t block_start = std::max(range * kRangeTokens, call.first_visible(first));
  block_start -= block_start % kv::kBlockTokens;
  for (; block_start < end; block_start += kv::kBlockTokens) {
    const auto in_block = [block_start](size_t position) {
      return position < block_start ? 0 : std::min<size_t>(kv::kBlockTokens, position - block_start);
    };
    HearthAttendRow* row = rows;
    for (size_t position = first; position < first + tokens; ++position) {
      const size_t first_in_block = in_block(call.first_visible(position)), visible = in_block(position + 1);
      for (const HearthAttendRow* end_of_group = row + group; row < end_of_group; ++row) {
        row->first = first_in_block;
        row->visible = visible;
      }
    }
    const int32_t block = cache_.block_at(*s.table, call.kv_layer, block_start);
    const kv::HeadRows k = cache_.keys(block, call.kv_layer, item.kv_head);
    const kv::HeadRows v = cache_.values(block, call.kv_layer, item.kv_head);
    const size_t next_start = block_start + kv::kBlockTokens;
    const uint8_t* next = nullptr;
    if (next_start < s.start + item.end) {  // maybe the next range's
      next = cache_.keys(cache_.block_at(*s.table, call.kv_layer, next_start), call.kv_layer, item.kv_head).bytes;
    }
    if (cache_.type() == kv::Type::f16) {
      kernels_.attend_f16(rows, n, k.f16(), v.f16(), next, shape.head_dim, scores);
    } else {
      kernels_.attend_q8(rows, n, q8_rows(k), q8_rows(v), next, shape.head_dim, scores);
    }
  }
}

void Pass::merge_rows(const AttentionCall& call, const HearthAttendRow* parts, size_t n, HearthAttendRow* rows) {
  for (size_t i = 0; i < n; ++i) kernels_.merge_attended(&rows[i], &parts[i], call.shape.head_dim);
}

void Pass::finish_rows(const AttentionCall& call, const HearthAttendRow* rows, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t d = 0; d < call.shape.head_dim; ++d) rows[i].acc[d] /= rows[i].sum;
  }
}

// One range after the other. `spare` is shaped like q.
void Pass::attend_item(const AttentionCall& call, const AttentionItem& item, const Tensor& spare, const Tensor& out) {
  std::array<HearthAttendRow, kAttendRows> rows, part;
  const size_t n = start_rows(call, item, out, rows.data());
  attend_range(call, item, item.first_range, rows.data());
  for (size_t i = 1; i < item.range_count; ++i) {
    start_rows(call, item, spare, part.data());
    attend_range(call, item, item.first_range + i, part.data());
    merge_rows(call, part.data(), n, rows.data());
  }
  finish_rows(call, rows.data(), n);
}

// The ranges of all items at once; whoever is last with an item merges its ranges.
void Pass::attend_split(const AttentionCall& call, std::span<const AttentionItem> items, const Tensor& spare,
                        const Tensor& out) {
  struct Piece {
    size_t item, range;  // the range counts from the item's first
  };
  std::vector<Piece> pieces;
  std::vector<std::array<HearthAttendRow, kAttendRows>> parts;
  std::vector<size_t> first_part;
  std::vector<std::atomic<size_t>> left(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    first_part.push_back(pieces.size());
    left[i] = items[i].range_count;
    for (size_t range = 0; range < items[i].range_count; ++range) pieces.push_back({i, range});
  }
  parts.resize(pieces.size());
  pool_.parallel_for(pieces.size(), 1, [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) {
      const AttentionItem& item = items[pieces[p].item];
      const Tensor acc{spare.row(pieces[p].range * call.q.rows), call.q.rows, call.q.cols};
      start_rows(call, item, acc, parts[p].data());
      attend_range(call, item, item.first_range + pieces[p].range, parts[p].data());
      if (--left[pieces[p].item] > 0) continue;
      std::array<HearthAttendRow, kAttendRows> rows;
      const size_t n = start_rows(call, item, out, rows.data());
      for (size_t i = 0; i < item.range_count; ++i) {
        merge_rows(call, parts[first_part[pieces[p].item] + i].data(), n, rows.data());
      }
      finish_rows(call, rows.data(), n);
    }
  });
}

Tensor Pass::attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape) {
  if (!counts_) store_kv(k, v, shape);
  return attention_over(layer_, q, shape);
}

Tensor Pass::attention_over(size_t kv_layer, const Tensor& q, const AttentionShape& shape) {
  Tensor out = allocate(q.rows, q.cols);
  if (counts_) {
    const size_t most_ranges = (context_tokens_ + kRangeTokens - 1) / kRangeTokens;
    if (most_ranges > 1) allocate(std::max(q.rows, std::min(q.rows, kSplitTokens) * most_ranges), q.cols);
    return out;
  }
  const AttentionCall call{kv_layer, q, shape, cache_.window(kv_layer)};
  const size_t tile = kAttendRows / call.group();
  std::vector<AttentionItem> items;
  size_t most_ranges = 0;
  for (const BatchSequence& s : batch_.sequences) {
    for (size_t begin = 0; begin < static_cast<size_t>(s.n_rows); begin += tile) {
      const size_t end = std::min<size_t>(begin + tile, s.n_rows);
      const size_t first_range = call.first_visible(s.start + begin) / kRangeTokens;
      const size_t range_count = (s.start + end - 1) / kRangeTokens + 1 - first_range;
      most_ranges = std::max(most_ranges, range_count);
      for (size_t head = 0; head < shape.n_kv_head; ++head) {
        items.push_back({&s, head, begin, end, first_range, range_count});
      }
    }
  }
  const bool few_items = items.size() < kPiecesPerThread * pool_.threads();
  if (most_ranges > 1 && q.rows <= kSplitTokens && few_items) {
    attend_split(call, items, allocate(most_ranges * q.rows, q.cols), out);
    return out;
  }
  const Tensor spare = most_ranges > 1 ? allocate(q.rows, q.cols) : Tensor();
  pool_.parallel_for(items.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) attend_item(call, items[i], spare, out);
  });
  return out;
}

}  // namespace hearth
