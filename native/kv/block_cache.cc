#include "kv/block_cache.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "memory/huge_pages.h"

namespace hearth::kv {
namespace {

int32_t blocks_for(int32_t n_tokens) { return (n_tokens + kBlockTokens - 1) / kBlockTokens; }

}  // namespace

Status BlockCache::create(const Shape& shape, int32_t n_tokens, int32_t window_tokens, BlockCache* cache) {
  cache->type_ = shape.type;
  cache->window_ = shape.window();
  for (const LayerShape& layer : shape.layers) {
    const BlockKind kind = layer.window > 0 ? kWindow : kAllTokens;
    const size_t quants = static_cast<size_t>(kBlockTokens) * layer.head_dim;
    const size_t part_bytes = shape.bytes(kBlockTokens, layer.head_dim);
    size_t& used = cache->blocks_[kind].block_bytes;
    cache->layers_.push_back({kind, used, part_bytes, quants, static_cast<size_t>(layer.window)});
    used += 2 * part_bytes * layer.n_kv_head;
  }
  HEARTH_RETURN_IF_ERROR(cache->blocks_[kAllTokens].create(blocks_for(n_tokens), "the KV cache"));
  if (cache->window_ == 0) return {};
  return cache->blocks_[kWindow].create(blocks_for(window_tokens), "the KV cache of sliding windows");
}

Status BlockCache::Blocks::create(int32_t n_blocks, const char* purpose) {
  const size_t bytes = n_blocks * block_bytes;
  HEARTH_RETURN_IF_ERROR(Arena::create(Arena::bytes_for<uint8_t>(bytes), purpose, &arena));
  HEARTH_RETURN_IF_ERROR(arena.allocate(bytes, &base));
  advise_huge_pages(base, bytes);  // blocks are taken one after the other, so little of them stays unused
  references.assign(n_blocks, 0);
  free.resize(n_blocks);
  for (int32_t i = 0; i < n_blocks; ++i) free[i] = n_blocks - 1 - i;
  return {};
}

int32_t BlockCache::Blocks::take() {
  const int32_t block = free.back();
  free.pop_back();
  references[block] = 1;
  return block;
}

void BlockCache::Blocks::release(int32_t block) {
  if (block != kNoBlock && --references[block] == 0) free.push_back(block);
}

void BlockCache::Blocks::copy(int32_t from, int32_t to) {
  std::memcpy(base + to * block_bytes, base + from * block_bytes, block_bytes);
}

BlockCache::Need BlockCache::need(BlockKind kind, const BlockTable& table, int32_t n) const {
  const std::vector<int32_t>& blocks = table.blocks[kind];
  const auto have = static_cast<int32_t>(blocks.size());
  const int32_t tail = table.n_tokens / kBlockTokens;
  return {.grow = std::max(0, blocks_for(table.n_tokens + n) - have),
          .unshare = tail < have && blocks_[kind].references[blocks[tail]] > 1};
}

Status BlockCache::reserve(BlockTable* table, int32_t n) {
  const int kinds = window_ > 0 ? kBlockKinds : kWindow;
  for (int id = 0; id < kinds; ++id) {
    const size_t needed = need(static_cast<BlockKind>(id), *table, n).blocks(), free = blocks_[id].free.size();
    if (needed <= free) continue;
    return {Code::KV_FULL, "The KV cache has " + std::to_string(free * kBlockTokens) +
                               " tokens free, and a sequence needs " + std::to_string(needed * kBlockTokens) +
                               " more."};
  }
  for (int id = 0; id < kinds; ++id) {
    Blocks& all = blocks_[id];
    std::vector<int32_t>& blocks = table->blocks[id];
    const Need needed = need(static_cast<BlockKind>(id), *table, n);
    if (needed.unshare) {
      int32_t& tail = blocks[table->n_tokens / kBlockTokens];
      const int32_t own = all.take();
      all.copy(tail, own);
      all.release(tail);
      tail = own;
    }
    for (int32_t i = 0; i < needed.grow; ++i) blocks.push_back(all.take());
  }
  return {};
}

int32_t BlockCache::first_window_block(int32_t n_tokens) const {
  return std::max(0, n_tokens - window_ + 1) / kBlockTokens;
}

void BlockCache::release_passed(BlockTable* table) {
  std::vector<int32_t>& blocks = table->blocks[kWindow];
  const auto end = std::min<size_t>(first_window_block(table->n_tokens), blocks.size());
  for (size_t i = end; i-- > 0 && blocks[i] != kNoBlock;) {
    blocks_[kWindow].release(blocks[i]);
    blocks[i] = kNoBlock;
  }
}

bool BlockCache::has_window(const BlockTable& table, int32_t n_tokens) const {
  // Blocks are passed in order, so the first that is needed speaks for all.
  const auto first = static_cast<size_t>(first_window_block(n_tokens));
  const std::vector<int32_t>& blocks = table.blocks[kWindow];
  return window_ == 0 || n_tokens == 0 || (first < blocks.size() && blocks[first] != kNoBlock);
}

Status BlockCache::touch_free(uint64_t bytes) const {
  for (const Blocks& all : blocks_) {
    for (auto block = all.free.rbegin(); block != all.free.rend() && bytes >= all.block_bytes; ++block) {
      HEARTH_RETURN_IF_ERROR(all.arena.touch(all.at(*block), all.block_bytes));
      bytes -= all.block_bytes;
    }
  }
  return {};
}

void BlockCache::release_free() const {
  for (const Blocks& all : blocks_) {
    std::vector<int32_t> blocks = all.free;
    std::ranges::sort(blocks);
    // Neighbours together: pages that two of them share go, too.
    for (size_t i = 0; i < blocks.size();) {
      size_t end = i + 1;
      while (end < blocks.size() && blocks[end] == blocks[end - 1] + 1) ++end;
      all.arena.give_back(all.at(blocks[i]), (end - i) * all.block_bytes);
      i = end;
    }
  }
}

void BlockCache::truncate(BlockTable* table, int32_t n_tokens) {
  const auto keep = static_cast<size_t>(blocks_for(n_tokens));
  for (int id = 0; id < kBlockKinds; ++id) {
    std::vector<int32_t>& blocks = table->blocks[id];
    for (; blocks.size() > keep; blocks.pop_back()) blocks_[id].release(blocks.back());
  }
  table->n_tokens = n_tokens;
}

Status BlockCache::fork(const BlockTable& source, int32_t n_tokens, BlockTable* copy) {
  Blocks& all = blocks_[kAllTokens];
  const std::vector<int32_t>& from = source.blocks[kAllTokens];
  const int32_t full = n_tokens / kBlockTokens;
  const bool partial = n_tokens % kBlockTokens != 0;
  if (partial && all.free.empty())
    return {Code::KV_FULL, "The KV cache has no block free for a copy of a sequence's end."};
  std::vector<int32_t>& blocks = copy->blocks[kAllTokens];
  blocks.assign(from.begin(), from.begin() + full);
  for (int32_t block : blocks) ++all.references[block];
  if (partial) {
    blocks.push_back(all.take());
    all.copy(from[full], blocks.back());
  }
  copy->n_tokens = n_tokens;
  return {};
}

void BlockCache::share_window(const BlockTable& source, int32_t n_tokens, BlockTable* table) {
  if (window_ == 0) return;
  Blocks& all = blocks_[kWindow];
  const int32_t first = first_window_block(n_tokens), end = blocks_for(n_tokens);
  std::vector<int32_t> shared(end, kNoBlock);
  for (int32_t i = first; i < end; ++i) ++all.references[shared[i] = source.blocks[kWindow][i]];
  for (int32_t block : table->blocks[kWindow]) all.release(block);
  table->blocks[kWindow] = std::move(shared);
}

std::span<std::byte> BlockCache::block_bytes(BlockKind kind, int32_t block) const {
  const Blocks& of = blocks_[kind];
  return std::as_writable_bytes(std::span(of.base + block * of.block_bytes, of.block_bytes));
}

Status BlockCache::take(BlockKind kind, int32_t n, std::vector<int32_t>* blocks) {
  Blocks& from = blocks_[kind];
  if (static_cast<size_t>(n) > from.free.size()) {
    return {Code::KV_FULL, "The KV cache has " + std::to_string(from.free.size() * kBlockTokens) +
                               " tokens free, and a stored prefix needs " + std::to_string(n * kBlockTokens) + "."};
  }
  for (int32_t i = 0; i < n; ++i) blocks->push_back(from.take());
  return {};
}

}  // namespace hearth::kv
