// The KV cache: keys and values of all sequences in blocks of a fixed number of tokens, which sequences with the same
// prefix share. Knows nothing of attention, only where each token's key and value lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "include/status.h"
#include "memory/arena.h"

namespace hearth::kv {

inline constexpr int32_t kBlockTokens = 32;

struct Shape {
  int32_t n_layer;
  int32_t n_kv_head;
  int32_t head_dim;  // of keys and of values
};

// The blocks of one sequence, in the order of its tokens. Plain data: the cache counts the references.
struct BlockTable {
  std::vector<int32_t> blocks;
  int32_t n_tokens = 0;
};

// A block holds, for each layer and KV head, keys and then values [kBlockTokens, head_dim] as f16. All
// layers of a block lie together, so that a freed block gives whole pages back and a prefix can be written out in one
// go.
class Cache {
 public:
  // Reserves address space for n_tokens (rounded up to blocks); memory is used as blocks are first written.
  static Status create(const Shape& shape, int32_t n_tokens, Cache* cache);

  int32_t free_tokens() const { return static_cast<int32_t>(free_.size()) * kBlockTokens; }

  // Makes room for n more tokens at the end of `table` and unshares the block they start in. KV_FULL changes nothing.
  // The caller writes keys and values of every layer and counts the tokens in table->n_tokens itself.
  Status reserve(BlockTable* table, int32_t n);
  // Drops all tokens but the first n_tokens, and blocks reserved beyond them.
  void truncate(BlockTable* table, int32_t n_tokens);
  // `copy` shares the full blocks of source's first n_tokens tokens; a partly filled last block is copied. KV_FULL when
  // there is no block for that copy.
  Status fork(const BlockTable& source, int32_t n_tokens, BlockTable* copy);

  uint16_t* keys(int32_t block, int32_t layer, int32_t head) const {
    return base_ + static_cast<size_t>(block) * block_elements_ + layer * layer_elements_ + head * head_elements_;
  }
  uint16_t* values(int32_t block, int32_t layer, int32_t head) const {
    return keys(block, layer, head) + static_cast<size_t>(kBlockTokens) * shape_.head_dim;
  }

  static uint64_t bytes_per_token(const Shape& shape) {
    return uint64_t{2} * sizeof(uint16_t) * shape.n_layer * shape.n_kv_head * shape.head_dim;
  }

 private:
  int32_t take_block();
  void release_block(int32_t block);
  void copy_block(int32_t from, int32_t to);

  Shape shape_{};
  Arena arena_;
  uint16_t* base_ = nullptr;
  size_t head_elements_ = 0, layer_elements_ = 0, block_elements_ = 0;
  std::vector<int32_t> references_;  // [n_blocks]
  std::vector<int32_t> free_;  // used from the back, so that the block freed last (still in the caches) is used first
};

}  // namespace hearth::kv
