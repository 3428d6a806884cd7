// The KV cache: keys and values of all sequences in blocks of a fixed number of tokens, which sequences with the same
// prefix share. Layers with a sliding window have blocks of their own, which are given back once the window has passed
// them. Knows nothing of attention, only where each token's key and value lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "include/status.h"
#include "kv/shape.h"
#include "memory/arena.h"

namespace hearth::kv {

// Which layers' keys and values a block holds.
enum BlockKind { kAllTokens, kWindow, kBlockKinds };

inline constexpr int32_t kNoBlock = -1;

// The blocks of one sequence, in the order of its tokens; kNoBlock where a window has passed. Plain data: the cache
// counts the references.
struct BlockTable {
  std::array<std::vector<int32_t>, kBlockKinds> blocks;
  int32_t n_tokens = 0;
};

// One head's keys, or values, of a block's tokens, in the cache's type.
struct HeadRows {
  uint8_t* bytes;
  size_t quants;

  uint16_t* f16() const { return reinterpret_cast<uint16_t*>(bytes); }   // [kBlockTokens, head_dim]
  int8_t* q() const { return reinterpret_cast<int8_t*>(bytes); }         // q8_0: [kBlockTokens, head_dim]
  float* d() const { return reinterpret_cast<float*>(bytes + quants); }  // and [kBlockTokens, head_dim / kQ8Dims]
};

// A block holds, for each layer of its kind and each KV head, keys and then values. All layers of a block lie
// together, so that a freed block gives whole pages back and a prefix can be written out in one go.
class BlockCache {
 public:
  // Reserves address space for so many tokens (rounded up to blocks); memory is used as blocks are first written.
  // window_tokens: of the layers with a window.
  static Status create(const Shape& shape, int32_t n_tokens, int32_t window_tokens, BlockCache* cache);

  // The free room in layers that keep all tokens.
  int32_t free_tokens() const { return static_cast<int32_t>(blocks_[kAllTokens].free.size()) * kBlockTokens; }

  // Makes room for n more tokens at the end of `table` and unshares the blocks they start in. KV_FULL changes nothing.
  // The caller writes keys and values of every layer and counts the tokens in table->n_tokens itself.
  Status reserve(BlockTable* table, int32_t n);
  // Whether reserve() would fail for want of blocks of layers with a window.
  bool lacks_window_blocks(const BlockTable& table, int32_t n) const {
    return window_ > 0 && need(kWindow, table, n).blocks() > blocks_[kWindow].free.size();
  }
  // Gives back the blocks that no window of a token from n_tokens on reaches.
  void release_passed(BlockTable* table);
  // Whether the windows before token n_tokens are whole, so that the sequence can go on from there.
  bool has_window(const BlockTable& table, int32_t n_tokens) const;
  // Drops all tokens but the first n_tokens, and blocks reserved beyond them.
  void truncate(BlockTable* table, int32_t n_tokens);
  // `copy` shares the full blocks of source's first n_tokens tokens; a partly filled last block is copied. KV_FULL when
  // there is no block for that copy. Windows are left empty: share_window() gives them.
  Status fork(const BlockTable& source, int32_t n_tokens, BlockTable* copy);
  // `table` drops its windows and shares those before token n_tokens of `source`, which has_window() them.
  void share_window(const BlockTable& source, int32_t n_tokens, BlockTable* table);

  // The block of a layer that holds a position.
  int32_t block_at(const BlockTable& table, size_t layer, size_t position) const {
    return table.blocks[layers_[layer].kind][position / kBlockTokens];
  }
  Type type() const { return type_; }
  HeadRows keys(int32_t block, size_t layer, size_t head) const { return part(block, layer, 2 * head); }
  HeadRows values(int32_t block, size_t layer, size_t head) const { return part(block, layer, 2 * head + 1); }
  // The layer's; 0: it sees all tokens.
  size_t window(size_t layer) const { return layers_[layer].window; }

  // Takes memory for blocks that no sequence has, those that are used next first, up to `bytes`: now and not when they
  // are first written. OUT_OF_MEMORY.
  Status touch_free(uint64_t bytes) const;
  // Gives back the memory of blocks that no sequence has. They take it again when they are written.
  void release_free() const;

  size_t free_blocks(BlockKind kind) const { return blocks_[kind].free.size(); }

  // For snapshots: a block's bytes, and blocks that no sequence has yet.
  size_t bytes_of_block(BlockKind kind) const { return blocks_[kind].block_bytes; }
  std::span<std::byte> block_bytes(BlockKind kind, int32_t block) const;
  // Appends n blocks of one reference each; KV_FULL takes none.
  Status take(BlockKind kind, int32_t n, std::vector<int32_t>* blocks);
  void share(BlockKind kind, int32_t block) { ++blocks_[kind].references[block]; }
  void release(BlockKind kind, int32_t block) { blocks_[kind].release(block); }
  // The first block that a window before token n_tokens reaches.
  int32_t first_window_block(int32_t n_tokens) const;

 private:
  struct Layer {
    BlockKind kind;
    size_t offset;      // in its block
    size_t part_bytes;  // one head's keys, or values
    size_t quants;      // of them in q8_0
    size_t window;
  };
  struct Blocks {
    Arena arena;
    uint8_t* base = nullptr;
    size_t block_bytes = 0;
    std::vector<int32_t> references;  // [n_blocks]
    std::vector<int32_t> free;  // used from the back, so that the block freed last (still in the caches) is used first

    Status create(int32_t n_blocks, const char* purpose);
    int32_t take();
    void release(int32_t block);
    void copy(int32_t from, int32_t to);
    const uint8_t* at(int32_t block) const { return base + block * block_bytes; }
  };
  // The blocks of a kind that reserving n tokens takes.
  struct Need {
    int32_t grow;
    bool unshare;  // the block that the next token goes to
    size_t blocks() const { return static_cast<size_t>(grow) + (unshare ? 1 : 0); }
  };
  Need need(BlockKind kind, const BlockTable& table, int32_t n) const;
  // Keys of head 0, values of head 0, keys of head 1, ...
  HeadRows part(int32_t block, size_t layer, size_t i) const {
    const Layer& l = layers_[layer];
    const Blocks& all = blocks_[l.kind];
    return {all.base + block * all.block_bytes + l.offset + i * l.part_bytes, l.quants};
  }

  Type type_ = Type::f16;
  std::vector<Layer> layers_;
  std::array<Blocks, kBlockKinds> blocks_;
  int32_t window_ = 0;  // the largest
};

}  // namespace hearth::kv
