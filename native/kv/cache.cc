#include "kv/cache.h"

#include <cstring>
#include <string>

namespace hearth::kv {
namespace {

int32_t blocks_for(int32_t n_tokens) { return (n_tokens + kBlockTokens - 1) / kBlockTokens; }

}  // namespace

Status Cache::create(const Shape& shape, int32_t n_tokens, Cache* cache) {
  cache->shape_ = shape;
  cache->head_elements_ = size_t{2} * kBlockTokens * shape.head_dim;
  cache->layer_elements_ = cache->head_elements_ * shape.n_kv_head;
  cache->block_elements_ = cache->layer_elements_ * shape.n_layer;
  const int32_t n_blocks = blocks_for(n_tokens);
  const size_t elements = n_blocks * cache->block_elements_;
  HEARTH_RETURN_IF_ERROR(Arena::create(Arena::bytes_for<uint16_t>(elements), "the KV cache", &cache->arena_));
  HEARTH_RETURN_IF_ERROR(cache->arena_.allocate(elements, &cache->base_));
  cache->references_.assign(n_blocks, 0);
  cache->free_.resize(n_blocks);
  for (int32_t i = 0; i < n_blocks; ++i) cache->free_[i] = n_blocks - 1 - i;
  return {};
}

int32_t Cache::take_block() {
  const int32_t block = free_.back();
  free_.pop_back();
  references_[block] = 1;
  return block;
}

void Cache::release_block(int32_t block) {
  if (--references_[block] == 0) free_.push_back(block);
}

void Cache::copy_block(int32_t from, int32_t to) {
  std::memcpy(keys(to, 0, 0), keys(from, 0, 0), block_elements_ * sizeof(uint16_t));
}

Status Cache::reserve(BlockTable* table, int32_t n) {
  const auto have = static_cast<int32_t>(table->blocks.size());
  const int32_t grow = blocks_for(table->n_tokens + n) - have;
  const int32_t tail = table->n_tokens / kBlockTokens;  // the block that the next token goes to
  const bool unshare = tail < have && references_[table->blocks[tail]] > 1;
  const auto needed = static_cast<size_t>(grow > 0 ? grow : 0) + (unshare ? 1 : 0);
  if (needed > free_.size()) {
    return {Code::KV_FULL, "The KV cache has " + std::to_string(free_tokens()) + " tokens free, and a sequence needs " +
                               std::to_string(needed * kBlockTokens) + " more."};
  }
  if (unshare) {
    const int32_t own = take_block();
    copy_block(table->blocks[tail], own);
    release_block(table->blocks[tail]);
    table->blocks[tail] = own;
  }
  for (int32_t i = 0; i < grow; ++i) table->blocks.push_back(take_block());
  return {};
}

void Cache::truncate(BlockTable* table, int32_t n_tokens) {
  const auto keep = static_cast<size_t>(blocks_for(n_tokens));
  while (table->blocks.size() > keep) {
    release_block(table->blocks.back());
    table->blocks.pop_back();
  }
  table->n_tokens = n_tokens;
}

Status Cache::fork(const BlockTable& source, int32_t n_tokens, BlockTable* copy) {
  const int32_t full = n_tokens / kBlockTokens;
  const bool partial = n_tokens % kBlockTokens != 0;
  if (partial && free_.empty())
    return {Code::KV_FULL, "The KV cache has no block free for a copy of a sequence's end."};
  copy->blocks.assign(source.blocks.begin(), source.blocks.begin() + full);
  for (int32_t block : copy->blocks) ++references_[block];
  if (partial) {
    copy->blocks.push_back(take_block());
    copy_block(source.blocks[full], copy->blocks.back());
  }
  copy->n_tokens = n_tokens;
  return {};
}

}  // namespace hearth::kv
