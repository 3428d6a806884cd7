// Snapshots of sequences to files and back, on any thread while steps run: blocks that two share are never written to,
// and blocks that are being filled belong to nobody yet. Knows the sequences and the file; knows nothing of steps.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "include/engine.h"
#include "kv/sequences.h"

namespace hearth {

class Snapshots {
 public:
  // Runs a change of the sequences when no step runs, and returns after it.
  using WhenIdle = std::function<void(const std::function<void()>& change)>;

  Snapshots(kv::Sequences* sequences, WhenIdle when_idle) : sequences_(sequences), when_idle_(std::move(when_idle)) {}

  // To be called when no step runs. tokens: of the sequence. KV_FULL.
  Status take(int32_t id, int32_t n_tokens, std::span<const int32_t> tokens, std::unique_ptr<PrefixSnapshot>* snapshot);
  // Reads the first n_tokens tokens, or as many as can be gone on from, into memory that is the caller's to adopt or
  // discard.
  Status restore(const std::string& path, const std::string& key, int32_t n_tokens, kv::Sequence* restored,
                 std::vector<int32_t>* tokens);
  void stop() { stopped_ = true; }

 private:
  friend class PrefixSnapshotImpl;

  kv::Sequences* const sequences_;
  const WhenIdle when_idle_;
  std::atomic<bool> stopped_{false};
};

}  // namespace hearth
