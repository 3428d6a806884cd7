#include "memory/tile_stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include "memory/huge_pages.h"

namespace hearth {
namespace {

// How often a waiting thread looks whether it should stop.
constexpr std::chrono::milliseconds kGlance{20};

double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Status TileStream::create(std::vector<TileSource> sources, const StreamOptions& options,
                          std::shared_ptr<TileStream>* result) {
  std::shared_ptr<TileStream> stream(new TileStream(std::move(sources), options));
  for (const TileSource& source : stream->sources_)
    stream->slot_bytes_ = std::max(stream->slot_bytes_, MappedFile::direct_bytes(source.bytes));
  const size_t bytes = stream->slot_bytes_ * options.slots;
  HEARTH_RETURN_IF_ERROR(
      Arena::create(bytes + MappedFile::kDirectAlignment, "weights that are streamed", &stream->ring_));
  uint8_t* base = nullptr;
  HEARTH_RETURN_IF_ERROR(stream->ring_.allocate(bytes, &base));  // an arena starts at a page
  advise_huge_pages(base, bytes);
  for (size_t i = 0; i < options.slots; ++i) stream->slots_[i].buffer = base + i * stream->slot_bytes_;
  try {
    for (int i = 0; i < options.readers; ++i) stream->readers_.start([stream] { stream->read(); });
  } catch (...) {
    stream->close();
    throw;
  }
  *result = std::move(stream);
  return {};
}

void TileStream::close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  readers_.end();
}

bool TileStream::holds(uint64_t position, State state) const {
  const Slot& s = slots_[position % slots_.size()];
  return s.position == position && s.state == state;
}

bool TileStream::may_read() const {
  return next_ < first_ + slots_.size() && slots_[next_ % slots_.size()].state == State::free;
}

void TileStream::read() {
  std::unique_lock lock(mutex_);
  for (;;) {
    room_.wait(lock, [this] { return stop_ || may_read(); });
    if (stop_) return;
    const uint64_t position = next_++;
    const TileSource& source = sources_[position % sources_.size()];
    Slot& s = slot(position);
    s.state = State::reading;
    s.position = position;
    if (running_++ == 0) running_since_ = Clock::now();
    lock.unlock();
    const uint8_t* data = nullptr;
    Status status = source.file->read_past_cache(source.offset, source.bytes, {s.buffer, slot_bytes_}, &data);
    lock.lock();
    last_read_ = Clock::now();
    if (--running_ == 0) counts_.reading_ms += milliseconds(last_read_ - running_since_);
    if (status.ok()) {
      counts_.bytes_read += source.bytes;
      ++counts_.reads;
    }
    // A pass that has gone on meanwhile needs it no more.
    const bool wanted = position >= first_;
    s.state = !wanted ? State::free : status.ok() ? State::ready : State::failed;
    s.data = data;
    s.status = std::move(status);
    if (!wanted) room_.notify_all();
    read_.notify_all();
  }
}

void TileStream::go_to(uint64_t position) {
  for (Slot& s : slots_) {
    if (s.state != State::reading && s.position < position) s.state = State::free;
  }
  first_ = std::max(first_, position);
  next_ = std::max(next_, first_);
  taken_ = std::max(taken_, first_);
  room_.notify_all();
}

Status TileStream::take(size_t index, const std::atomic<bool>& stop, const uint8_t** data) {
  std::unique_lock lock(mutex_);
  const size_t n = sources_.size();
  const uint64_t position = taken_ + (index + n - taken_ % n) % n;
  if (position != taken_) go_to(position);  // what was taken before has to be released by now
  const Clock::time_point began = Clock::now();
  Slot& s = slot(position);
  while (!holds(position, State::ready) && !holds(position, State::failed)) {
    if (stop.load(std::memory_order_relaxed)) return {Code::STOPPED, "The step was stopped."};
    const Clock::time_point now = Clock::now();
    if (now - std::max(began, last_read_) > options_.patience) {
      return sources_[index].file->read_failure("its storage has not answered for " +
                                                std::to_string(options_.patience.count() / 1000) + " seconds");
    }
    read_.wait_for(lock, kGlance);
  }
  counts_.waited_ms += milliseconds(Clock::now() - began);
  taken_ = position + 1;
  if (s.state == State::failed) {
    Status status = s.status;
    go_to(taken_);
    return status;
  }
  *data = s.data;
  return {};
}

const uint8_t* TileStream::take_ready(size_t index) {
  const std::lock_guard lock(mutex_);
  if (taken_ % sources_.size() != index || !holds(taken_, State::ready)) return nullptr;
  return slot(taken_++).data;
}

void TileStream::release() {
  const std::lock_guard lock(mutex_);
  go_to(taken_);
}

StreamCounts TileStream::counts() const {
  const std::lock_guard lock(mutex_);
  StreamCounts counts = counts_;
  if (running_ > 0) counts.reading_ms += milliseconds(Clock::now() - running_since_);
  return counts;
}

}  // namespace hearth
