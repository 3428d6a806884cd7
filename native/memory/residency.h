// Which weights of a model stay in memory, and the reading of the others: what a pass asks for the bytes of a tile.
// Knows rows of mapped files; knows no matrix, type or layer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "include/status.h"
#include "memory/expert_weights.h"
#include "memory/kept_pages.h"
#include "memory/model_parts.h"
#include "memory/residency_layout.h"
#include "memory/tile_stream.h"
#include "memory/tiles.h"

namespace hearth {

struct ResidencyCounts {
  uint64_t kept_bytes = 0;      // of weights that stay
  uint64_t locked_bytes = 0;    // of them, those that the kernel may not take
  uint64_t resident_bytes = 0;  // of them, those that were in memory when somebody looked last
  uint64_t streamed_bytes = 0;  // read from the file for each pass
  uint64_t ring_bytes = 0;
  StreamCounts stream;
};

// The experts of a model; none in most.
struct ResidentExperts {
  std::vector<MappedExperts> layers = {};  // in the order of a pass
  std::shared_ptr<ExpertCounts> counts = {};
  size_t n_used = 0;  // of a layer, by a token

  ExpertSizes sizes() const;
};

class Residency {
 public:
  // `matrices` in the order in which a pass uses them. `parts` outlives this. OUT_OF_MEMORY.
  static Status create(const ModelParts& parts, std::span<const MappedMatrix> matrices, ResidentExperts experts,
                       const ResidencyOptions& options, std::unique_ptr<Residency>* residency);
  ~Residency();  // leaves behind a thread that hangs in a read

  const Tiles& tiles() const { return tiles_; }
  ResidencyCounts counts() const;

  // The methods below are for one thread, which runs one pass at a time.

  // Gives back what a pass that failed had taken.
  void begin_pass();
  // The tiles of a matrix; none for one that is read where it is mapped.
  Tiles::Range find(const uint8_t* data, size_t rows) { return tiles_.find(data, rows, next_); }
  // Waits for a kept tile's first reading. STOPPED once `stop` is set.
  Status wait_kept(size_t tile, const std::atomic<bool>& stop);
  // The bytes of a streamed tile, until release(). As TileStream::take().
  Status take(size_t tile, const std::atomic<bool>& stop, const uint8_t** data);
  // Takes a tile only if it is there already, and the ring has room for others to be read meanwhile; else null.
  const uint8_t* take_ready(size_t tile);
  void release();
  // Null: the model has none.
  ExpertWeights* experts() const { return experts_.get(); }

 private:
  Residency(const ModelParts& parts, Tiles tiles) : parts_(parts), tiles_(std::move(tiles)) {}
  void advise(int advice) const;

  const ModelParts& parts_;
  const Tiles tiles_;
  std::vector<size_t> place_;  // [tiles] among the kept or the streamed ones
  size_t slots_ = 0, held_ = 0;
  size_t next_ = 0;  // where the pass is: the tile behind the last one that it asked for
  std::shared_ptr<KeptPages> kept_;
  std::shared_ptr<ExpertWeights> experts_;
  std::shared_ptr<TileStream> stream_;  // null: nothing is streamed
};

}  // namespace hearth
