#include "sample/configurations.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "sample/gbnf.h"

namespace hearth::grammar {
namespace {

// The memory for one grammar; a schema of Home Assistant needs some hundred kilobytes.
constexpr size_t kMaxBytes = size_t{8} << 20;
// The work of one query, in visited nodes of the tree or about two bytes of memory: some 50 ms on a PC.
constexpr size_t kMaxWork = size_t{16} << 20;
// Configurations of more states are walked at once, and not state by state.
constexpr size_t kMaxRelative = 8;
// Inside counted repetitions, tokens longer than this are walked with the true counts. Those that are shorter cannot
// tell a count that is farther from its bounds from any other.
constexpr int32_t kHorizon = 16;

uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

uint64_t pair(int32_t a, int32_t b) {
  return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b);
}

void set_bit(Bits* bits, int32_t token) {
  const auto id = static_cast<size_t>(token);
  (*bits)[id / 64] |= uint64_t{1} << id % 64;
}

}  // namespace

size_t Configurations::FrameHash::operator()(const Frame& f) const {
  return mix(mix(pair(f.target, f.repetition)) + pair(f.count, f.below));
}

size_t Configurations::HashOf::operator()(const Configuration& c) const {
  uint64_t h = (c.may_end ? 2 : 0) + (c.escapes ? 1 : 0);
  for (const Item& item : c.items) h = mix(h + pair(item.state, item.stack));
  return h;
}

Configurations::Configurations(const Automaton& automaton, const TokenTrie& trie)
    : automaton_(automaton), trie_(trie), ids_(16, HashOf{this}, SameAs{this}) {
  clear();
}

void Configurations::clear() {
  ids_.clear();
  configurations_.clear();
  stacks_.assign(2, Frame{-1, -1, 0, -1});
  stack_ids_.clear();
  masks_.clear();
  relatives_.clear();
  stack_distances_.clear();
  bytes_ = 0;
  ++epoch_;
  intern({});  // kDead
}

void Configurations::begin() {
  work_ = 0;
  if (bytes_ > kMaxBytes) clear();
}

bool Configurations::spend(size_t work) {
  work_ += work;
  return work_ <= kMaxWork;
}

int32_t Configurations::push(const Frame& frame) {
  const auto [found, added] = stack_ids_.emplace(frame, static_cast<int32_t>(stacks_.size()));
  if (added) {
    stacks_.push_back(frame);
    constexpr size_t kBytes = 4 * sizeof(Frame);
    bytes_ += kBytes;
    work_ += kBytes / 2;
  }
  return found->second;
}

void Configurations::visit(int32_t state, int32_t stack) {
  if (seen_.insert(pair(state, stack)).second) open_.push_back({state, stack});
}

void Configurations::expand(Item item) {
  bool reads = false;
  for (const Edge& e : automaton_.edges(item.state)) {
    switch (e.kind) {
      case Edge::Kind::BYTES:
      case Edge::Kind::TOKENS:
        reads = true;
        break;
      case Edge::Kind::EMPTY:
        visit(e.target, item.stack);
        break;
      case Edge::Kind::CALL:
        visit(e.argument, automaton_.is_tail(e.target) ? item.stack : push({e.target, -1, 0, item.stack}));
        break;
      case Edge::Kind::REPEAT: {
        const Repetition& repetition = automaton_.repetition(e.argument);
        if (repetition.least == 0) visit(e.target, item.stack);
        visit(repetition.body, push({e.target, e.argument, 1, item.stack}));
        break;
      }
    }
  }
  if (reads) closure_.items.push_back(item);
  if (automaton_.is_final(item.state)) leave(item);
}

// At the end of a rule or of a repetition's body.
void Configurations::leave(Item item) {
  if (item.stack == kBottom) {
    closure_.may_end = true;
    return;
  }
  if (item.stack == kUnknown) {
    closure_.escapes = true;
    return;
  }
  const Frame frame = stacks_[static_cast<size_t>(item.stack)];
  if (frame.repetition < 0) return visit(frame.target, frame.below);
  const Repetition& r = automaton_.repetition(frame.repetition);
  if (frame.count >= r.least) visit(frame.target, frame.below);
  if (r.most != kUnlimited && frame.count >= r.most) return;
  // Without a limit, counts from `least` on are all the same.
  const int32_t next = r.most == kUnlimited ? std::min(frame.count + 1, std::max(r.least, 1)) : frame.count + 1;
  visit(r.body, push({frame.target, frame.repetition, next, frame.below}));
}

int32_t Configurations::close() {
  bool within = true;
  while (!open_.empty() && within) {
    const Item item = open_.back();
    open_.pop_back();
    within = spend(8 + automaton_.edges(item.state).size());
    if (within) expand(item);
  }
  open_.clear();
  constexpr size_t kUsualBuckets = 4096;  // clearing a table costs as much as it once held
  if (seen_.bucket_count() > kUsualBuckets) seen_ = {};
  seen_.clear();
  Configuration result = std::exchange(closure_, {});
  if (!within) return kTooComplex;
  std::sort(result.items.begin(), result.items.end());
  return intern(std::move(result));
}

int32_t Configurations::intern(Configuration configuration) {
  if (const auto found = ids_.find(configuration); found != ids_.end()) return *found;
  const auto id = static_cast<int32_t>(configurations_.size());
  const auto n_classes = static_cast<size_t>(automaton_.n_byte_classes());
  configuration.next.assign(n_classes, kUnset);
  const size_t bytes = sizeof(Configuration) + 64 + configuration.items.size() * sizeof(Item) + n_classes * 4;
  bytes_ += bytes;
  if (!spend(bytes / 2)) return kTooComplex;
  configurations_.push_back(std::move(configuration));
  ids_.insert(id);
  return id;
}

int32_t Configurations::start() {
  visit(automaton_.root(), kBottom);
  return close();
}

int32_t Configurations::step(int32_t id, uint8_t byte) {
  const uint8_t byte_class = automaton_.byte_class(byte);
  if (const int32_t known = get(id).next[byte_class]; known != kUnset) return known;
  for (const Item& item : get(id).items) {
    for (const Edge& e : automaton_.edges(item.state)) {
      if (e.kind == Edge::Kind::BYTES && e.low <= byte && byte <= e.high) visit(e.target, item.stack);
    }
  }
  const int32_t next = close();
  if (next != kTooComplex) get(id).next[byte_class] = next;
  return next;
}

int32_t Configurations::after(int32_t configuration, std::string_view bytes) {
  for (const char byte : bytes) {
    if (configuration <= kDead) break;
    configuration = step(configuration, static_cast<uint8_t>(byte));
  }
  return configuration;
}

int32_t Configurations::after_token(int32_t configuration, int32_t token) {
  if (token < 0 || static_cast<size_t>(token) >= trie_.n_tokens()) return kDead;
  const std::string_view text = trie_.text(token);
  if (!text.empty()) return after(configuration, text);
  const std::span<const int32_t> controls = trie_.controls();
  const bool is_control = std::binary_search(controls.begin(), controls.end(), token);
  for (const Item& item : get(configuration).items) {
    for (const Edge& e : automaton_.edges(item.state)) {
      if (e.kind != Edge::Kind::TOKENS) continue;
      const TokenSet& set = automaton_.token_set(e.argument);
      const bool named = std::binary_search(set.ids.begin(), set.ids.end(), token);
      if (set.all_but ? is_control && !named : named) visit(e.target, item.stack);
    }
  }
  return close();
}

const Bits* Configurations::allowed(int32_t id) {
  if (const int32_t mask = get(id).mask; mask != kUnset) return &masks_[static_cast<size_t>(mask)];
  Bits allowed((trie_.n_tokens() + 63) / 64);
  // References into configurations_ do not outlive a walk, which adds to it.
  const std::vector<Item> items = get(id).items;
  if (items.size() > kMaxRelative) {
    if (!walk(id, 0, trie_.n_nodes(), TokenTrie::kMaxDepth, &allowed, nullptr)) return nullptr;
  } else {
    std::vector<const Escape*> escapes;
    for (const Item& item : items) {
      const Relative* part = relative(item);
      if (part == nullptr) return nullptr;
      for (size_t i = 0; i < allowed.size(); ++i) allowed[i] |= part->allowed[i];
      for (const Escape& escape : part->escapes) escapes.push_back(&escape);
    }
    if (!walk_escapes(id, std::move(escapes), &allowed)) return nullptr;
  }
  allow_named(get(id), &allowed);
  bytes_ += allowed.size() * sizeof(uint64_t);
  get(id).mask = static_cast<int32_t>(masks_.size());
  masks_.push_back(std::move(allowed));
  return &masks_.back();
}

void Configurations::allow_named(const Configuration& configuration, Bits* allowed) const {
  for (const Item& item : configuration.items) {
    for (const Edge& e : automaton_.edges(item.state)) {
      if (e.kind != Edge::Kind::TOKENS) continue;
      const TokenSet& set = automaton_.token_set(e.argument);
      for (const int32_t token : set.all_but ? trie_.controls() : std::span<const int32_t>(set.ids)) {
        if (set.all_but && std::binary_search(set.ids.begin(), set.ids.end(), token)) continue;
        if (trie_.text(token).empty()) set_bit(allowed, token);
      }
    }
  }
  if (!configuration.may_end) return;
  for (const int32_t token : trie_.ends()) set_bit(allowed, token);
}

// The stack's counted repetitions on top with nothing known below them, and their counts as far as a token within the
// horizon can tell them apart.
int32_t Configurations::known_part(int32_t stack, bool* counts) {
  if (stack == kBottom || stack == kUnknown) return kUnknown;
  const Frame frame = stacks_[static_cast<size_t>(stack)];
  if (frame.repetition < 0) return kUnknown;
  *counts = true;
  const Repetition& r = automaton_.repetition(frame.repetition);
  int32_t count = frame.count;
  if (count + kHorizon < r.least) {
    count = 1;
  } else if (count >= r.least && (r.most == kUnlimited || count + kHorizon < r.most)) {
    count = std::max(r.least, 1);
  }
  return push({frame.target, frame.repetition, count, known_part(frame.below, counts)});
}

const Configurations::Relative* Configurations::relative(Item item) {
  bool counts = false;
  const int32_t stack = known_part(item.stack, &counts);
  const uint64_t key = pair(item.state, stack);
  if (const auto found = relatives_.find(key); found != relatives_.end()) return &found->second;
  Configuration alone;
  alone.items = {{item.state, stack}};
  const int32_t from = intern(std::move(alone));
  if (from == kTooComplex) return nullptr;
  Relative result;
  result.allowed.resize((trie_.n_tokens() + 63) / 64);
  const size_t horizon = counts ? size_t{kHorizon} : TokenTrie::kMaxDepth;
  if (!walk(from, 0, trie_.n_nodes(), horizon, &result.allowed, &result.escapes)) return nullptr;
  bytes_ += result.allowed.size() * sizeof(uint64_t) + result.escapes.size() * sizeof(Escape);
  return &relatives_.emplace(key, std::move(result)).first->second;
}

// Allows the tokens at the nodes from `first` to before `last` whose bytes lead on from `from`, the configuration above
// `first`. Where that leaves what is known of the stack, or is deeper than the horizon, notes an escape instead of
// walking on. False: too complex.
bool Configurations::walk(int32_t from, size_t first, size_t last, size_t horizon, Bits* allowed,
                          std::vector<Escape>* escapes) {
  if (first == last) return true;
  std::array<int32_t, TokenTrie::kMaxDepth + 1> above;  // by depth
  std::array<char, TokenTrie::kMaxDepth> path;
  const size_t base = trie_.depth(first) - 1;
  above[base] = from;
  size_t n_visited = 0;
  for (size_t node = first; node < last;) {
    ++n_visited;
    const size_t depth = trie_.depth(node);
    const uint8_t byte = trie_.byte(node);
    int32_t next = get(above[depth - 1]).next[automaton_.byte_class(byte)];
    if (next == kUnset) next = step(above[depth - 1], byte);
    if (next == kTooComplex) return false;
    const size_t end = trie_.end(node);
    if (next == kDead) {
      node = end;
      continue;
    }
    for (const int32_t token : trie_.tokens(node)) set_bit(allowed, token);
    above[depth] = next;
    path[depth - 1] = static_cast<char>(byte);
    if (end > node + 1 && escapes != nullptr && (depth >= horizon || get(next).escapes)) {
      escapes->push_back({node, std::string(path.data(), depth)});
      node = end;
    } else {
      ++node;
    }
  }
  return spend(n_visited);
}

bool Configurations::walk_escapes(int32_t from, std::vector<const Escape*> escapes, Bits* allowed) {
  std::sort(escapes.begin(), escapes.end(), [](const Escape* a, const Escape* b) { return a->node < b->node; });
  size_t walked = 0;  // nodes before are done
  for (const Escape* escape : escapes) {
    if (escape->node < walked) continue;
    walked = trie_.end(escape->node);
    const int32_t at = after(from, escape->path);
    if (at == kTooComplex) return false;
    if (!spend(escape->path.size())) return false;
    if (at != kDead && !walk(at, escape->node + 1, walked, TokenTrie::kMaxDepth, allowed, nullptr)) return false;
  }
  return true;
}

int64_t Configurations::distance_below(int32_t stack) {
  // Stacks come after those that they stand on.
  for (auto id = stack_distances_.size(); id <= static_cast<size_t>(stack); ++id) {
    const Frame& frame = stacks_[id];
    if (frame.below < 0) {
      stack_distances_.push_back(0);
      continue;
    }
    int64_t left = distances_->to_end(frame.target);
    if (frame.repetition >= 0) {
      const Repetition& r = automaton_.repetition(frame.repetition);
      left = Distances::sum(left, Distances::times(int64_t{r.least} - frame.count, distances_->to_end(r.body)));
    }
    stack_distances_.push_back(Distances::sum(left, stack_distances_[static_cast<size_t>(frame.below)]));
  }
  return stack_distances_[static_cast<size_t>(stack)];
}

int64_t Configurations::distance(int32_t id) {
  if (!distances_) distances_ = std::make_unique<const Distances>(automaton_);
  if (id <= kDead) return Distances::kMost;
  if (get(id).may_end) return 0;
  int64_t least = Distances::kMost;
  for (const Item& item : get(id).items) {
    least = std::min(least, Distances::sum(distances_->to_end(item.state), distance_below(item.stack)));
  }
  return least;
}

bool Configurations::keep_leading_out(int32_t id, Bits* allowed) {
  constexpr size_t kMaxTried = 4096;  // the shortest come first
  Bits kept(allowed->size());
  const int64_t now = distance(id);
  size_t n_kept = 0, n_tried = 0;
  const auto is_allowed = [&](int32_t token) {
    return ((*allowed)[static_cast<size_t>(token) / 64] >> token % 64 & 1) != 0;
  };
  const auto keep = [&](int32_t token) {
    set_bit(&kept, token);
    ++n_kept;
  };
  if (now == 0) {
    for (const int32_t token : trie_.ends()) keep(token);
  } else {
    std::array<int64_t, 256> after_byte;
    int64_t nearest = Distances::kMost;
    for (size_t byte = 0; byte < 256; ++byte) {
      const int32_t next = step(id, static_cast<uint8_t>(byte));
      if (next == kTooComplex) return false;
      after_byte[byte] = distance(next);
      nearest = std::min(nearest, after_byte[byte]);
    }
    for (size_t node = 0; node < trie_.n_nodes() && n_tried < kMaxTried;) {
      if (trie_.depth(node) == 1 && (after_byte[trie_.byte(node)] > nearest || nearest >= now)) {
        node = trie_.end(node);
        continue;
      }
      for (const int32_t token : trie_.tokens(node++)) {
        if (!is_allowed(token)) continue;
        ++n_tried;
        const int32_t next = after_token(id, token);
        if (next == kTooComplex) return false;
        if (distance(next) < now) keep(token);
      }
    }
    for (const int32_t token : trie_.controls()) {
      if (!is_allowed(token) || !trie_.text(token).empty()) continue;
      const int32_t next = after_token(id, token);
      if (next == kTooComplex) return false;
      if (distance(next) < now) keep(token);
    }
  }
  if (n_kept > 0) *allowed = std::move(kept);
  return true;
}

}  // namespace hearth::grammar
