// The places of a model's experts: the hottest stay where they are mapped, the others are read as soon as a router has
// chosen them, past the page cache, into a ring of buffers. A chosen expert that has become hotter than one that stays
// takes its place, by the reading that it needs anyway. Threads of its own read; one thread takes. Knows layers and
// experts as places in files; knows no matrix and no router.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "include/status.h"
#include "memory/arena.h"
#include "memory/coldest_first.h"
#include "memory/expert_counts.h"
#include "memory/leavable_threads.h"
#include "memory/mapped_file.h"
#include "memory/residency_layout.h"
#include "memory/tile_stream.h"

namespace hearth {

// The experts of one layer: each part of them one behind the other in a mapped file.
struct MappedExperts {
  struct Part {
    std::shared_ptr<const MappedFile> file;
    size_t offset = 0;  // in it, of the first expert's
    size_t bytes = 0;   // of one expert's
  };
  std::array<Part, kExpertParts> parts;

  uint64_t bytes() const { return uint64_t{parts[kGate].bytes} + parts[kUp].bytes + parts[kDown].bytes; }  // of one
};

struct ExpertOptions {
  uint64_t kept_bytes = 0;  // of experts that stay
  size_t n_used = 1;        // of a layer, by a token
  size_t slots = 8;         // parts that the ring holds, at least 4
  int readers = 4;
  std::chrono::milliseconds patience{20'000};
};

struct ExpertWeightCounts {
  uint64_t kept_bytes = 0;      // of experts that stay and are there
  uint64_t streamed_bytes = 0;  // that a token reads, by the counts so far
  uint64_t guessed = 0;         // parts that were read before a router asked for them
  uint64_t guessed_right = 0;   // of them, those that one did ask for
  StreamCounts stream;
};

class ExpertWeights {
 public:
  // `counts` are of these layers, and change with the passes. OUT_OF_MEMORY.
  static Status create(std::vector<MappedExperts> layers, std::shared_ptr<ExpertCounts> counts,
                       const ExpertOptions& options, std::shared_ptr<ExpertWeights>* weights);
  // Ends the readers, but for one that hangs in a read; the object lives until that returns.
  void close();

  size_t ring_bytes() const { return slots_.size() * slot_bytes_; }
  ExpertWeightCounts counts() const;

  // The methods below are for one thread, which runs one pass at a time.

  // The layer whose gates begin at `data`; SIZE_MAX: none.
  size_t find(const uint8_t* data) const;
  // Gives back what a pass that failed had asked for.
  void begin_pass();
  struct Use {
    size_t expert;
    uint32_t uses;  // by rows of the batch
  };
  // Begins to read all that the router of a layer chose, ascending: gates and ups first. To be taken in this order.
  void want(size_t layer, std::span<const Use> chosen);
  // Whether guesses of the next layer's choice were right often enough to be worth their reading.
  bool guesses_pay();
  // Experts that the router of a layer may choose, to be read when nothing else is.
  void guess(size_t layer, std::span<const Use> chosen);
  // A part of an expert that is wanted, if it is there; else null.
  const uint8_t* ready(size_t layer, size_t expert, ExpertPart part);
  // Waits for it. FILE_READ_FAILED, and STOPPED once `stop` is set.
  Status take(size_t layer, size_t expert, ExpertPart part, const std::atomic<bool>& stop, const uint8_t** data);
  // It is needed no more.
  void release(size_t layer, size_t expert, ExpertPart part);
  // Parts that may be held at once, so that others can be read meanwhile.
  size_t most_held() const { return std::max<size_t>(1, slots_.size() / 2); }

 private:
  using Clock = std::chrono::steady_clock;
  enum class State : uint8_t { absent, queued, reading, ready, failed };

  struct Part {
    State state = State::absent;
    bool wanted = false;   // by the pass
    bool guessed = false;  // for the layer that comes next
    int32_t slot = -1;
  };
  struct Expert {
    bool kept = false;
    bool current = false;         // of the layer that the pass is at
    State state = State::absent;  // of a kept one: all parts together
    std::array<Part, kExpertParts> parts;
  };
  // A whole expert that stays (part == kExpertParts), or a part for the ring.
  struct Read {
    size_t expert;
    int part;
  };

  ExpertWeights(std::vector<MappedExperts> layers, std::shared_ptr<ExpertCounts> counts, const ExpertOptions& options)
      : layers_(std::move(layers)),
        counts_(std::move(counts)),
        options_(options),
        experts_(layers_.size() * counts_->experts()),
        slots_(options.slots) {}

  size_t index(size_t layer, size_t expert) const { return layer * counts_->experts() + expert; }
  uint64_t bytes_of(size_t i) const { return layers_[i / counts_->experts()].bytes(); }
  uint32_t heat(size_t i) const { return counts_->of(i / counts_->experts(), i % counts_->experts()); }
  std::span<const uint8_t> mapped(size_t i, int part) const;
  void choose_kept();
  void keep(size_t i);
  // Makes an expert one that stays, if it is hotter than those that do and have to go for it: these become `cold`.
  // Experts that were colder still but are `in_use` are out of coldest_.
  bool make_kept(size_t i, std::vector<size_t>* in_use, std::vector<size_t>* cold);
  void want_current(std::vector<size_t>* there, std::vector<size_t>* cold);
  void leave_current();
  void forget(std::vector<size_t> experts) const;
  void drop(size_t i);
  void drop(Part* part);
  void settle_guesses();
  void queue(size_t i, int part);
  bool next_read(Read* read);
  bool take_slot(Part* part);
  void read();
  Status bring_in(size_t i);

  const std::vector<MappedExperts> layers_;
  const std::shared_ptr<ExpertCounts> counts_;
  const ExpertOptions options_;
  Arena ring_;
  size_t slot_bytes_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable work_;  // for readers
  std::condition_variable read_;  // for the taker
  std::vector<Expert> experts_;   // [layers, experts]
  struct Slot {
    uint8_t* buffer = nullptr;
    const uint8_t* data = nullptr;  // in it
    Status status;
  };
  std::vector<Slot> slots_;
  std::vector<int32_t> free_;              // slots
  std::deque<Read> wanted_;                // by the pass, in its order
  std::deque<Read> guesses_;               // entries that are no longer queued are passed over
  std::deque<size_t> warming_;             // experts that stay, to be read when nothing else is
  std::vector<size_t> current_, guessed_;  // experts
  uint64_t kept_bytes_ = 0;                // of experts that stay, there or not
  ColdestFirst coldest_;                   // of them
  uint32_t halvings_ = 0;                  // of the counts, that coldest_ knows of
  bool stop_ = false;
  int running_ = 0;  // reads
  Clock::time_point running_since_, last_read_;
  ExpertWeightCounts seen_;
  uint64_t judged_ = 0, judged_right_ = 0;  // guesses since they were last weighed
  uint64_t pause_ = 0;                      // layers until guesses are tried again
  LeavableThreads readers_;
};

}  // namespace hearth
