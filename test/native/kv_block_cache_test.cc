// The KV cache: blocks are shared, copied when written, given back, and never taken by halves.
#include "kv/block_cache.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

using hearth::Code;
using hearth::kv::BlockCache;
using hearth::kv::BlockTable;
using hearth::kv::HeadRows;
using hearth::kv::kAllTokens;
using hearth::kv::kBlockTokens;
using hearth::kv::kQ8Dims;
using hearth::kv::Shape;
using hearth::kv::Type;

namespace {

constexpr int32_t kLayers = 2, kHeads = 3, kHeadDim = 8;

BlockCache make_cache(int32_t blocks) {
  BlockCache cache;
  REQUIRE(BlockCache::create(Shape::uniform(kLayers, kHeads, kHeadDim), blocks * kBlockTokens, 0, &cache).ok());
  return cache;
}

void append(BlockCache& cache, BlockTable& table, int32_t n) {
  REQUIRE(cache.reserve(&table, n).ok());
  table.n_tokens += n;
}

}  // namespace

TEST_CASE("a sequence takes as many blocks as its tokens need and gives them back") {
  BlockCache cache = make_cache(4);
  BlockTable table;
  append(cache, table, 1);
  CHECK(table.blocks[kAllTokens].size() == 1);
  append(cache, table, kBlockTokens - 1);
  CHECK(table.blocks[kAllTokens].size() == 1);
  append(cache, table, 1);
  CHECK(table.blocks[kAllTokens].size() == 2);
  CHECK(cache.free_tokens() == 2 * kBlockTokens);
  cache.truncate(&table, kBlockTokens);
  CHECK(table.blocks[kAllTokens].size() == 1);
  cache.truncate(&table, 0);
  CHECK(cache.free_tokens() == 4 * kBlockTokens);
}

TEST_CASE("a full cache refuses and changes nothing") {
  BlockCache cache = make_cache(2);
  BlockTable table;
  append(cache, table, kBlockTokens);
  const hearth::Status status = cache.reserve(&table, 2 * kBlockTokens);
  CHECK(status.code() == Code::KV_FULL);
  CHECK(table.blocks[kAllTokens].size() == 1);
  CHECK(cache.free_tokens() == kBlockTokens);
}

TEST_CASE("keys and values of all blocks, layers and heads lie apart") {
  BlockCache cache = make_cache(3);
  uint16_t mark = 1;
  const size_t elements = static_cast<size_t>(kBlockTokens) * kHeadDim;
  for (int pass = 0; pass < 2; ++pass) {
    mark = 1;
    for (int32_t block = 0; block < 3; ++block) {
      for (int32_t layer = 0; layer < kLayers; ++layer) {
        for (int32_t head = 0; head < kHeads; ++head) {
          for (uint16_t* part : {cache.keys(block, layer, head).f16(), cache.values(block, layer, head).f16()}) {
            for (size_t i = 0; i < elements; ++i) {
              if (pass == 0)
                part[i] = mark;
              else
                REQUIRE(part[i] == mark);
            }
            ++mark;
          }
        }
      }
    }
  }
}

TEST_CASE("q8_0 keeps quants and scales of all heads apart, in 36 bytes for 32 dimensions") {
  constexpr int32_t kDim = 64;
  const Shape shape = Shape::uniform(kLayers, kHeads, kDim).with(Type::q8_0);
  CHECK(shape.bytes_per_token() == 2 * kLayers * kHeads * kDim / 32 * 36);
  BlockCache cache;
  REQUIRE(BlockCache::create(shape, 2 * kBlockTokens, 0, &cache).ok());
  const size_t quants = kBlockTokens * kDim, scales = quants / kQ8Dims;
  for (int pass = 0; pass < 2; ++pass) {
    int8_t mark = 1;
    for (int32_t block = 0; block < 2; ++block) {
      for (int32_t layer = 0; layer < kLayers; ++layer) {
        for (int32_t part = 0; part < 2 * kHeads; ++part, ++mark) {
          const HeadRows rows =
              part % 2 == 0 ? cache.keys(block, layer, part / 2) : cache.values(block, layer, part / 2);
          for (size_t i = 0; i < quants; ++i) {
            if (pass == 0) rows.q()[i] = mark;
            REQUIRE(rows.q()[i] == mark);
          }
          for (size_t i = 0; i < scales; ++i) {
            if (pass == 0) rows.d()[i] = mark;
            REQUIRE(rows.d()[i] == mark);
          }
        }
      }
    }
  }
}

TEST_CASE("heads that do not go into q8_0's blocks are named") {
  CHECK(Shape::uniform(1, 1, 80).unsuitable_head() == 0);
  CHECK(Shape::uniform(1, 1, 80).with(Type::q8_0).unsuitable_head() == 80);
  CHECK(Shape::uniform(1, 1, 96).with(Type::q8_0).unsuitable_head() == 0);
}

TEST_CASE("a fork shares full blocks and copies the one it would write to") {
  BlockCache cache = make_cache(8);
  BlockTable source, copy;
  append(cache, source, kBlockTokens + 5);
  cache.keys(source.blocks[kAllTokens][1], 1, 2).f16()[3] = 42;
  REQUIRE(cache.fork(source, kBlockTokens + 4, &copy).ok());
  CHECK(copy.blocks[kAllTokens][0] == source.blocks[kAllTokens][0]);
  CHECK(copy.blocks[kAllTokens][1] != source.blocks[kAllTokens][1]);
  CHECK(cache.keys(copy.blocks[kAllTokens][1], 1, 2).f16()[3] == 42);

  // The source ends inside a block that the copy still reads: writing there needs a block of its own.
  cache.truncate(&source, kBlockTokens - 1);
  const int32_t shared = copy.blocks[kAllTokens][0];
  append(cache, source, 1);
  CHECK(source.blocks[kAllTokens][0] != shared);
  CHECK(copy.blocks[kAllTokens][0] == shared);

  cache.truncate(&source, 0);
  CHECK(copy.blocks[kAllTokens][0] == shared);
  cache.truncate(&copy, 0);
  CHECK(cache.free_tokens() == 8 * kBlockTokens);
}

TEST_CASE("a fork that finds no block for its copy takes nothing") {
  BlockCache cache = make_cache(1);
  BlockTable source, copy;
  append(cache, source, 3);
  CHECK(cache.fork(source, 3, &copy).code() == Code::KV_FULL);
  CHECK(copy.blocks[kAllTokens].empty());
  cache.truncate(&source, 0);
  CHECK(cache.free_tokens() == kBlockTokens);
}

TEST_CASE("blocks that no sequence has give their memory back and take it again; those in use keep what they hold" *
          doctest::test_suite("page cache")) {
  constexpr int32_t kWideDim = 128, kBlocks = 16;
  BlockCache cache;
  REQUIRE(BlockCache::create(Shape::uniform(8, 8, kWideDim), kBlocks * kBlockTokens, 0, &cache).ok());
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // Whole pages of a block that are in memory; it is much larger than they.
  const auto resident = [&](int32_t block) {
    const auto bytes = cache.block_bytes(kAllTokens, block);
    const auto first = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
    const auto n = (reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size()) / page - first / page;
    std::vector<unsigned char> pages(n);
    REQUIRE(mincore(reinterpret_cast<void*>(first), n * page, pages.data()) == 0);
    size_t sum = 0;
    for (const unsigned char is : pages) sum += is & 1;
    return sum;
  };
  const size_t whole = cache.bytes_of_block(kAllTokens) / page - 1;
  REQUIRE(cache.touch_free(UINT64_MAX).ok());
  for (int32_t block = 0; block < kBlocks; ++block) CHECK(resident(block) >= whole);
  BlockTable table;
  append(cache, table, 3 * kBlockTokens);
  for (const int32_t block : table.blocks[kAllTokens]) {
    std::memset(cache.block_bytes(kAllTokens, block).data(), 0x5A, cache.bytes_of_block(kAllTokens));
  }
  cache.release_free();
  for (int32_t block = 0; block < kBlocks; ++block) {
    const auto& used = table.blocks[kAllTokens];
    const bool is_used = std::find(used.begin(), used.end(), block) != used.end();
    if (!is_used) CHECK(resident(block) == 0);
    if (is_used) CHECK(cache.block_bytes(kAllTokens, block).back() == std::byte{0x5A});
  }
  // Only as much as was asked for, and first what is used first.
  REQUIRE(cache.touch_free(2 * cache.bytes_of_block(kAllTokens)).ok());
  append(cache, table, 6 * kBlockTokens);
  CHECK(resident(table.blocks[kAllTokens][3]) >= whole);
  CHECK(resident(table.blocks[kAllTokens][4]) >= whole);
  CHECK(resident(table.blocks[kAllTokens][8]) == 0);  // a huge page may reach beyond the next one
}
