// Reads the streamed tiles of a model ahead of their use, round after round in the order of a pass, into a small ring
// of buffers. Threads of its own read, past the page cache; one thread takes. Knows neither matrices nor kept tiles.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "include/status.h"
#include "memory/arena.h"
#include "memory/leavable_threads.h"
#include "memory/mapped_file.h"

namespace hearth {

// A tile's place in a file.
struct TileSource {
  std::shared_ptr<const MappedFile> file;
  size_t offset;
  size_t bytes;
};

struct StreamOptions {
  size_t slots = 8;  // tiles that the ring holds, at least two
  int readers = 2;   // so that the storage has the next read when one ends
  // A read that takes longer fails the pass that waits for it.
  std::chrono::milliseconds patience{20'000};
};

struct StreamCounts {
  uint64_t bytes_read = 0;
  uint64_t reads = 0;
  double reading_ms = 0;  // while at least one read ran
  double waited_ms = 0;   // for a tile that was not there yet

  StreamCounts& operator+=(const StreamCounts& more) {
    bytes_read += more.bytes_read;
    reads += more.reads;
    reading_ms += more.reading_ms;
    waited_ms += more.waited_ms;
    return *this;
  }
};

class TileStream {
 public:
  // `sources` in the order of use, at least one. OUT_OF_MEMORY.
  static Status create(std::vector<TileSource> sources, const StreamOptions& options,
                       std::shared_ptr<TileStream>* stream);
  // Ends the readers, but for one that hangs in a read; the stream lives until that returns.
  void close();
  TileStream(const TileStream&) = delete;
  TileStream& operator=(const TileStream&) = delete;

  size_t ring_bytes() const { return slots_.size() * slot_bytes_; }

  // Waits for source `index`; the bytes stay until release(). The sources between the last one and this one are passed
  // over: a pass that ends early, or leaves out what nobody asked for, takes up again anywhere. FILE_READ_FAILED, and
  // STOPPED once `stop` is set.
  Status take(size_t index, const std::atomic<bool>& stop, const uint8_t** data);
  // Takes without waiting: null unless it is there, or `index` is not behind the one that was taken last.
  const uint8_t* take_ready(size_t index);
  // Gives the room of all that was taken to the reads that come next.
  void release();

  StreamCounts counts() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class State { free, reading, ready, failed };

  // A buffer of the ring. Position p, which is source p % n of round p / n, is read into slot p % slots.
  struct Slot {
    uint8_t* buffer = nullptr;
    State state = State::free;
    uint64_t position = 0;
    const uint8_t* data = nullptr;  // in the buffer
    Status status;
  };

  TileStream(std::vector<TileSource> sources, const StreamOptions& options)
      : sources_(std::move(sources)), options_(options), slots_(options.slots) {}
  void read();
  void go_to(uint64_t position);
  Slot& slot(uint64_t position) { return slots_[position % slots_.size()]; }
  bool holds(uint64_t position, State state) const;
  bool may_read() const;

  const std::vector<TileSource> sources_;
  const StreamOptions options_;
  Arena ring_;
  size_t slot_bytes_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable room_;  // for readers
  std::condition_variable read_;  // for the taker
  std::vector<Slot> slots_;
  uint64_t first_ = 0;  // position: the oldest that is held
  uint64_t taken_ = 0;  // position behind the last that was taken
  uint64_t next_ = 0;   // position that is read next
  bool stop_ = false;
  int running_ = 0;  // reads
  Clock::time_point running_since_, last_read_;
  StreamCounts counts_;
  LeavableThreads readers_;
};

}  // namespace hearth
