#include "memory/expert_weights.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "memory/huge_pages.h"
#include "memory/pages.h"
#include "memory/runs.h"

namespace hearth {
namespace {

// How often a waiting thread looks whether it should stop.
constexpr std::chrono::milliseconds kGlance{20};
// So much hotter than the coldest expert that stays has to be what takes its place: by chance alone none is.
constexpr uint64_t kHotterPart = 4, kHotterUses = 4;  // a fourth, and so many uses
// Guesses are weighed after so many parts, and left for so many layers where less than half of them were right.
constexpr uint64_t kJudgedParts = 96, kPausedLayers = 512;

double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Status ExpertWeights::create(std::vector<MappedExperts> layers, std::shared_ptr<ExpertCounts> counts,
                             const ExpertOptions& options, std::shared_ptr<ExpertWeights>* result) {
  std::shared_ptr<ExpertWeights> weights(new ExpertWeights(std::move(layers), std::move(counts), options));
  for (const MappedExperts& layer : weights->layers_) {
    for (const MappedExperts::Part& part : layer.parts)
      weights->slot_bytes_ = std::max(weights->slot_bytes_, MappedFile::direct_bytes(part.bytes));
  }
  const size_t bytes = weights->slot_bytes_ * options.slots;
  HEARTH_RETURN_IF_ERROR(
      Arena::create(bytes + MappedFile::kDirectAlignment, "experts that are streamed", &weights->ring_));
  uint8_t* base = nullptr;
  HEARTH_RETURN_IF_ERROR(weights->ring_.allocate(bytes, &base));  // an arena starts at a page
  advise_huge_pages(base, bytes);
  for (size_t i = 0; i < options.slots; ++i) {
    weights->slots_[i].buffer = base + i * weights->slot_bytes_;
    weights->free_.push_back(static_cast<int32_t>(options.slots - 1 - i));
  }
  weights->choose_kept();
  try {
    for (int i = 0; i < options.readers; ++i) weights->readers_.start([weights] { weights->read(); });
  } catch (...) {
    weights->close();
    throw;
  }
  *result = std::move(weights);
  return {};
}

void ExpertWeights::close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  readers_.end();
}

std::span<const uint8_t> ExpertWeights::mapped(size_t i, int part) const {
  const MappedExperts::Part& p = layers_[i / counts_->experts()].parts[part];
  return p.file->bytes().subspan(p.offset + i % counts_->experts() * p.bytes, p.bytes);
}

// The hottest of earlier runs; where nobody counted, those that are used first will stay.
void ExpertWeights::choose_kept() {
  std::vector<size_t> order(experts_.size()), others;
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [this](size_t i) { return heat(i); });
  for (const size_t i : order) {
    if (heat(i) > 0 && kept_bytes_ + bytes_of(i) <= options_.kept_bytes) {
      keep(i);
      experts_[i].state = State::queued;
      warming_.push_back(i);
    } else {
      others.push_back(i);
    }
  }
  forget(std::move(others));
}

void ExpertWeights::keep(size_t i) {
  kept_bytes_ += bytes_of(i);
  experts_[i].kept = true;
  coldest_.add(i, heat(i));
}

// Takes their pages out of memory: neighbours at once, for there may be thousands.
void ExpertWeights::forget(std::vector<size_t> experts) const {
  std::ranges::sort(experts);
  for (const Run& run : runs_of(experts, counts_->experts())) {
    for (int part = 0; part < kExpertParts; ++part) {
      const MappedExperts::Part& p = layers_[run.first / counts_->experts()].parts[part];
      p.file->drop_cached(p.offset + run.first % counts_->experts() * p.bytes, run.count * p.bytes);
    }
  }
}

size_t ExpertWeights::find(const uint8_t* data) const {
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    const MappedExperts::Part& gate = layers_[layer].parts[kGate];
    if (gate.file->bytes().data() + gate.offset == data) return layer;
  }
  return SIZE_MAX;
}

void ExpertWeights::drop(Part* part) {
  part->wanted = part->guessed = false;
  if (part->state == State::reading) return;  // the reader sees that nobody needs it
  if (part->slot >= 0) free_.push_back(std::exchange(part->slot, -1));
  part->state = State::absent;
}

void ExpertWeights::drop(size_t i) {
  for (Part& part : experts_[i].parts) drop(&part);
}

// The pass goes on to another layer.
void ExpertWeights::leave_current() {
  for (const size_t i : current_) {
    drop(i);
    experts_[i].current = false;
  }
  current_.clear();
}

void ExpertWeights::begin_pass() {
  const std::lock_guard lock(mutex_);
  leave_current();
  for (const size_t i : guessed_) drop(i);
  guessed_.clear();
  guesses_.clear();
  for (const Read& read : wanted_) {
    if (read.part == kExpertParts) warming_.push_back(read.expert);
  }
  wanted_.clear();
  work_.notify_all();
}

void ExpertWeights::settle_guesses() {
  for (const size_t i : guessed_) {
    const bool is_right = experts_[i].current;
    for (Part& part : experts_[i].parts) {
      if (!part.guessed) continue;
      if (part.state == State::reading || part.state == State::ready) {
        ++judged_;
        ++seen_.guessed;
        judged_right_ += is_right;
        seen_.guessed_right += is_right;
      }
      part.guessed = false;
      if (!is_right) drop(&part);
    }
  }
  guessed_.clear();
  guesses_.clear();
}

bool ExpertWeights::make_kept(size_t i, std::vector<size_t>* in_use, std::vector<size_t>* cold) {
  for (const Part& part : experts_[i].parts) {
    if (part.state != State::absent) return false;  // it comes, or is there
  }
  if (bytes_of(i) > options_.kept_bytes) return false;
  while (kept_bytes_ + bytes_of(i) > options_.kept_bytes) {
    const size_t coldest = coldest_.take([this](size_t j) { return heat(j); });
    if (coldest == SIZE_MAX) return false;
    Expert& expert = experts_[coldest];
    if (expert.current || expert.state == State::reading) {
      in_use->push_back(coldest);
      continue;
    }
    const uint64_t uses = heat(coldest);
    if (heat(i) <= uses + uses / kHotterPart + kHotterUses) {
      coldest_.add(coldest, heat(coldest));
      return false;
    }
    if (expert.state == State::ready) seen_.kept_bytes -= bytes_of(coldest);
    expert.kept = false;
    expert.state = State::absent;
    kept_bytes_ -= bytes_of(coldest);
    cold->push_back(coldest);
  }
  keep(i);
  experts_[i].state = State::absent;
  return true;
}

void ExpertWeights::queue(size_t i, int part) {
  Part& p = experts_[i].parts[part];
  if (p.state == State::failed) drop(&p);
  p.wanted = true;
  if (p.state == State::absent) p.state = State::queued;
  if (p.state == State::queued) wanted_.push_back({i, part});
}

void ExpertWeights::want(size_t layer, std::span<const Use> chosen) {
  std::vector<size_t> there, cold;
  {
    const std::lock_guard lock(mutex_);
    leave_current();
    for (const Use& use : chosen) {
      counts_->add(layer, use.expert, use.uses);
      current_.push_back(index(layer, use.expert));
      experts_[current_.back()].current = true;
    }
    if (std::exchange(halvings_, counts_->halvings()) != counts_->halvings())
      coldest_.rebuild([this](size_t i) { return heat(i); });
    settle_guesses();
    want_current(&there, &cold);
  }
  work_.notify_all();
  // Without the lock, and while others read: these ask the kernel.
  forget(std::move(cold));
  for (const size_t i : there) {
    // It may have taken pages of what stays.
    for (int part = 0; part < kExpertParts; ++part) request_missing(whole_pages(mapped(i, part)));
  }
}

// Tells which of them are `there` already, and which others stay no more: their pages are to be given back.
void ExpertWeights::want_current(std::vector<size_t>* there, std::vector<size_t>* cold) {
  std::vector<size_t> streamed, in_use;
  for (const size_t i : current_) {
    Expert& expert = experts_[i];
    if (!expert.kept && !make_kept(i, &in_use, cold)) {
      streamed.push_back(i);
    } else if (expert.state == State::ready) {
      there->push_back(i);
    } else if (expert.state != State::reading) {
      expert.state = State::queued;
      wanted_.push_back({i, kExpertParts});
    }
  }
  for (const size_t i : in_use) coldest_.add(i, heat(i));
  for (const size_t i : streamed) {
    queue(i, kGate);
    queue(i, kUp);
  }
  for (const size_t i : streamed) queue(i, kDown);
}

bool ExpertWeights::guesses_pay() {
  const std::lock_guard lock(mutex_);
  if (pause_ > 0) {
    --pause_;
    return false;
  }
  if (judged_ >= kJudgedParts) {
    if (judged_right_ * 2 < judged_) pause_ = kPausedLayers;
    judged_ = judged_right_ = 0;
  }
  return pause_ == 0;
}

void ExpertWeights::guess(size_t layer, std::span<const Use> chosen) {
  const std::lock_guard lock(mutex_);
  for (const Use& use : chosen) {
    const size_t i = index(layer, use.expert);
    if (experts_[i].kept) continue;
    guessed_.push_back(i);
    for (int part = 0; part < kExpertParts; ++part) {
      Part& p = experts_[i].parts[part];
      if (p.state != State::absent) continue;
      p.guessed = true;
      p.state = State::queued;
      guesses_.push_back({i, part});
    }
  }
  work_.notify_all();
}

const uint8_t* ExpertWeights::ready(size_t layer, size_t expert, ExpertPart part) {
  const std::lock_guard lock(mutex_);
  const size_t i = index(layer, expert);
  const Expert& e = experts_[i];
  if (e.kept) return e.state == State::ready ? mapped(i, part).data() : nullptr;
  const Part& p = e.parts[part];
  return p.state == State::ready ? slots_[p.slot].data : nullptr;
}

Status ExpertWeights::take(size_t layer, size_t expert, ExpertPart part, const std::atomic<bool>& stop,
                           const uint8_t** data) {
  const size_t i = index(layer, expert);
  std::unique_lock lock(mutex_);
  const Expert& e = experts_[i];
  const Part& p = e.parts[part];
  const Clock::time_point began = Clock::now();
  const auto is_there = [&] { return e.kept ? e.state == State::ready : p.state == State::ready; };
  while (!is_there() && (e.kept || p.state != State::failed)) {
    if (stop.load(std::memory_order_relaxed)) return {Code::STOPPED, "The step was stopped."};
    if (Clock::now() - std::max(began, last_read_) > options_.patience) {
      return layers_[layer].parts[part].file->read_failure(
          "its storage has not answered for " + std::to_string(options_.patience.count() / 1000) + " seconds");
    }
    read_.wait_for(lock, kGlance);
  }
  seen_.stream.waited_ms += milliseconds(Clock::now() - began);
  if (!is_there()) return slots_[p.slot].status;
  *data = e.kept ? mapped(i, part).data() : slots_[p.slot].data;
  return {};
}

void ExpertWeights::release(size_t layer, size_t expert, ExpertPart part) {
  const std::lock_guard lock(mutex_);
  Expert& e = experts_[index(layer, expert)];
  if (e.kept) return;
  drop(&e.parts[part]);
  work_.notify_one();
}

bool ExpertWeights::take_slot(Part* part) {
  for (size_t i = 0; i < guessed_.size() && free_.empty() && part->wanted; ++i) {
    for (Part& guess : experts_[guessed_[i]].parts) {
      if (guess.state == State::ready && !guess.wanted) drop(&guess);
    }
  }
  if (free_.empty()) return false;
  part->slot = free_.back();
  free_.pop_back();
  part->state = State::reading;
  return true;
}

// The read that comes next: what the pass waits for, then what it may come to want, then what is to stay.
bool ExpertWeights::next_read(Read* read) {
  for (std::deque<Read>* reads : {&wanted_, &guesses_}) {
    for (; !reads->empty(); reads->pop_front()) {
      *read = reads->front();
      Expert& expert = experts_[read->expert];
      if (read->part == kExpertParts) {
        if (!expert.kept || expert.state != State::queued) continue;
        expert.state = State::reading;
      } else {
        Part& part = expert.parts[read->part];
        if (part.state != State::queued) continue;
        if (!take_slot(&part)) return false;
      }
      reads->pop_front();
      return true;
    }
  }
  for (; !warming_.empty(); warming_.pop_front()) {
    *read = {warming_.front(), kExpertParts};
    Expert& expert = experts_[read->expert];
    if (!expert.kept || expert.state != State::queued) continue;
    expert.state = State::reading;
    warming_.pop_front();
    return true;
  }
  return false;
}

// Reads it where it is mapped. A page that cannot be read shows in the file's health.
Status ExpertWeights::bring_in(size_t i) {
  for (int part = 0; part < kExpertParts; ++part) request_pages(whole_pages(mapped(i, part)));
  for (int part = 0; part < kExpertParts; ++part) touch_pages(whole_pages(mapped(i, part)));
  return {};
}

void ExpertWeights::read() {
  std::unique_lock lock(mutex_);
  for (;;) {
    Read next{};
    while (!stop_ && !next_read(&next)) work_.wait(lock);
    if (stop_) return;
    const bool whole = next.part == kExpertParts;
    Expert& expert = experts_[next.expert];
    Slot* slot = whole ? nullptr : &slots_[expert.parts[next.part].slot];
    if (running_++ == 0) running_since_ = Clock::now();
    lock.unlock();
    Status status;
    if (whole) {
      status = bring_in(next.expert);
    } else {
      const MappedExperts::Part& part = layers_[next.expert / counts_->experts()].parts[next.part];
      const size_t offset = part.offset + next.expert % counts_->experts() * part.bytes;
      status = part.file->read_past_cache(offset, part.bytes, {slot->buffer, slot_bytes_}, &slot->data);
    }
    lock.lock();
    last_read_ = Clock::now();
    if (--running_ == 0) seen_.stream.reading_ms += milliseconds(last_read_ - running_since_);
    if (status.ok()) {
      seen_.stream.bytes_read += whole ? bytes_of(next.expert) : mapped(next.expert, next.part).size();
      ++seen_.stream.reads;
    }
    if (whole) {
      expert.state = State::ready;
      seen_.kept_bytes += bytes_of(next.expert);
    } else {
      Part& part = expert.parts[next.part];
      part.state = status.ok() ? State::ready : State::failed;
      slot->status = std::move(status);
      if (!part.wanted && !part.guessed) {
        drop(&part);
        work_.notify_one();
      }
    }
    read_.notify_all();
  }
}

ExpertWeightCounts ExpertWeights::counts() const {
  const std::lock_guard lock(mutex_);
  ExpertWeightCounts counts = seen_;
  if (running_ > 0) counts.stream.reading_ms += milliseconds(Clock::now() - running_since_);
  const size_t n = counts_->experts();
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    uint64_t uses = 0, streamed = 0;
    for (size_t e = 0; e < n; ++e) {
      if (experts_[index(layer, e)].kept) continue;
      uses += counts_->of(layer, e);
      ++streamed;
    }
    const uint64_t all_uses = counts_->total(layer);
    const double share = all_uses > 0 ? static_cast<double>(uses) / static_cast<double>(all_uses)
                                      : static_cast<double>(streamed) / static_cast<double>(n);
    counts.streamed_bytes +=
        static_cast<uint64_t>(share * static_cast<double>(options_.n_used * layers_[layer].bytes()));
  }
  return counts;
}

}  // namespace hearth
