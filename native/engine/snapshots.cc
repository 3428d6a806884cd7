#include "engine/snapshots.h"

#include <algorithm>
#include <new>

#include "engine/snapshot_file.h"

namespace hearth {
namespace {

SnapshotInfo describe(const SnapshotHeader& header) {
  SnapshotInfo info{.tokens = header.tokens, .resumable = {}, .file_bytes = header.file_bytes};
  if (header.layout.resumes_anywhere()) return info;
  for (const kv::SnapshotPoint& point : header.layout.points) info.resumable.push_back(point.n_tokens);
  return info;
}

Status too_little_memory() { return {Code::OUT_OF_MEMORY, "There was not enough memory for a stored prefix."}; }

}  // namespace

class PrefixSnapshotImpl final : public PrefixSnapshot {
 public:
  PrefixSnapshotImpl(Snapshots* snapshots, kv::Sequence copy, std::span<const int32_t> tokens)
      : snapshots_(snapshots), copy_(std::move(copy)) {
    header_.tokens.assign(tokens.begin(), tokens.begin() + copy_.table.n_tokens);
    header_.layout = snapshots_->sequences_->layout(copy_, &pieces_);
    header_.piece_bytes = snapshots_->sequences_->piece_bytes();
  }
  ~PrefixSnapshotImpl() override {
    snapshots_->when_idle_([this] { snapshots_->sequences_->discard(&copy_); });
  }

  int32_t n_tokens() const override { return copy_.table.n_tokens; }

  Status save(const std::string& path, const std::string& key, SnapshotInfo* info) override {
    if (key.size() > kSnapshotKeyBytes) return {Code::INTERNAL, "The key of a prefix is longer than 64 bytes."};
    if (copy_.table.n_tokens == 0) return {Code::INTERNAL, "A prefix without tokens is not saved."};
    try {
      header_.key = key;
      HEARTH_RETURN_IF_ERROR(write_snapshot_file(path, &header_, pieces_, snapshots_->stopped_));
      *info = describe(header_);
      return {};
    } catch (const std::bad_alloc&) {
      return too_little_memory();
    }
  }

 private:
  Snapshots* const snapshots_;
  kv::Sequence copy_;
  kv::SnapshotPieces pieces_;
  SnapshotHeader header_;
};

Status Snapshots::take(int32_t id, int32_t n_tokens, std::span<const int32_t> tokens,
                       std::unique_ptr<PrefixSnapshot>* snapshot) {
  kv::Sequence copy;
  HEARTH_RETURN_IF_ERROR(sequences_->copy(id, n_tokens, &copy));
  *snapshot = std::make_unique<PrefixSnapshotImpl>(this, std::move(copy), tokens);
  return {};
}

Status Snapshots::restore(const std::string& path, const std::string& key, int32_t n_tokens, kv::Sequence* restored,
                          std::vector<int32_t>* tokens) {
  try {
    SnapshotFile file;
    HEARTH_RETURN_IF_ERROR(file.open(path, key));
    std::vector<size_t> numbers;  // of the file's pieces
    const kv::SnapshotLayout layout = file.header().layout.first(n_tokens, &numbers);
    const bool is_ours = file.header().piece_bytes == sequences_->piece_bytes() && sequences_->fits(layout);
    if (layout.n_tokens == 0 || !is_ours) {
      return {Code::PREFIX_FILE_INVALID, "The stored prefix " + path + " is not of this model's form."};
    }
    kv::SnapshotPieces pieces;
    Status status;
    when_idle_([&] { status = sequences_->allocate(layout, restored, &pieces); });
    for (size_t i = 0; status.ok() && i < pieces.size(); ++i) {
      status = stopped_ ? Status(Code::ENGINE_CLOSED, "The engine was closed while a prefix was read.")
                        : file.read(numbers[i], pieces[i]);
    }
    if (!status.ok()) {
      when_idle_([&] { sequences_->discard(restored); });
      return status;
    }
    tokens->assign(file.header().tokens.begin(), file.header().tokens.begin() + layout.n_tokens);
    return {};
  } catch (const std::bad_alloc&) {
    return too_little_memory();
  }
}

Status describe_snapshot_file(const std::string& path, const std::string& key, SnapshotInfo* info) {
  try {
    SnapshotFile file;
    HEARTH_RETURN_IF_ERROR(file.open(path, key));
    *info = describe(file.header());
    return {};
  } catch (const std::bad_alloc&) {
    return too_little_memory();
  }
}

}  // namespace hearth
