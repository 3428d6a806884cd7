// Builds the automaton from the tree (Thompson 1968, "Regular expression search algorithm", rule by rule), checks it,
// and drops what leads nowhere.
#include "sample/automaton.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/text.h"
#include "sample/gbnf.h"
#include "sample/utf8_ranges.h"

namespace hearth::grammar {

namespace {

constexpr size_t kMaxStates = 250'000;
// A repetition of up to so many states is written out; a longer one is counted.
constexpr int64_t kInlineStates = 48;

}  // namespace

class Builder {
 public:
  Builder(const Tree& tree, Automaton* result) : tree_(tree), result_(*result) {}

  Status build() {
    HEARTH_RETURN_IF_ERROR(add_rules());
    nullable_ = least_fixpoint([this](const Edge& e) { return is_nullable(e); });
    for (const Repetition& r : result_.repetitions_) {
      if (nullable_[index(r.body)]) {
        return {Code::GRAMMAR_TOO_COMPLEX, "The grammar repeats hundreds of times what may be empty."};
      }
    }
    productive_ = least_fixpoint([this](const Edge& e) { return is_live(e, held_); });
    if (!productive_[index(result_.root_)]) return {Code::GRAMMAR_INVALID, "No text matches the grammar."};
    HEARTH_RETURN_IF_ERROR(check_left_recursion());
    flatten();
    find_tails();
    find_byte_classes();
    return {};
  }

 private:
  static size_t index(int32_t i) { return static_cast<size_t>(i); }

  Status add_rules() {
    starts_.resize(tree_.rules.size());
    ends_.resize(tree_.rules.size());
    sizes_.assign(tree_.nodes.size(), -1);
    for (size_t r = 0; r < starts_.size(); ++r) {
      rule_ = static_cast<int32_t>(r);
      HEARTH_RETURN_IF_ERROR(add_state(&starts_[r]));
      HEARTH_RETURN_IF_ERROR(add_state(&ends_[r]));
      result_.final_[index(ends_[r])] = true;
    }
    for (size_t r = 0; r < starts_.size(); ++r) {
      rule_ = static_cast<int32_t>(r);
      HEARTH_RETURN_IF_ERROR(add(tree_.rules[r].body, starts_[r], ends_[r]));
    }
    result_.root_ = starts_[index(tree_.root)];
    return {};
  }

  Status add_state(int32_t* state) {
    if (edges_.size() >= kMaxStates) {
      return {Code::GRAMMAR_TOO_COMPLEX, "The grammar needs more than " + std::to_string(kMaxStates) + " states."};
    }
    *state = static_cast<int32_t>(edges_.size());
    edges_.emplace_back();
    rules_.push_back(rule_);
    result_.final_.push_back(false);
    return {};
  }

  void connect(int32_t from, Edge edge) { edges_[index(from)].push_back(edge); }
  void connect_empty(int32_t from, int32_t to) {
    if (from != to) connect(from, {Edge::Kind::EMPTY, 0, 0, -1, to});
  }

  // Adds the node's paths from `from` to `to`. They add no edge into `from` and none out of `to`, so that alternatives
  // may share both.
  Status add(int32_t id, int32_t from, int32_t to) {
    const Node& node = tree_.nodes[index(id)];
    switch (node.kind) {
      case Node::Kind::LITERAL:
        return add_literal(node.literal, from, to);
      case Node::Kind::CLASS:
        return add_class(node, from, to);
      case Node::Kind::RULE:
        connect(from, {Edge::Kind::CALL, 0, 0, starts_[index(node.rule)], to});
        return {};
      case Node::Kind::TOKENS: {
        TokenSet set{node.tokens, node.all_but};
        std::sort(set.ids.begin(), set.ids.end());
        connect(from, {Edge::Kind::TOKENS, 0, 0, static_cast<int32_t>(result_.token_sets_.size()), to});
        result_.token_sets_.push_back(std::move(set));
        return {};
      }
      case Node::Kind::SEQUENCE:
        return add_sequence(node.children, from, to);
      case Node::Kind::CHOICE:
        for (const int32_t child : node.children) HEARTH_RETURN_IF_ERROR(add(child, from, to));
        return {};
      case Node::Kind::REPEAT:
        return add_repeat(node, from, to);
    }
    return {};
  }

  Status add_literal(const std::string& bytes, int32_t from, int32_t to) {
    if (bytes.empty()) connect_empty(from, to);
    for (size_t i = 0; i < bytes.size(); ++i) {
      int32_t next = to;
      if (i + 1 < bytes.size()) HEARTH_RETURN_IF_ERROR(add_state(&next));
      const auto byte = static_cast<uint8_t>(bytes[i]);
      connect(from, {Edge::Kind::BYTES, byte, byte, -1, next});
      from = next;
    }
    return {};
  }

  Status add_class(const Node& node, int32_t from, int32_t to) {
    // Sequences that end alike share their last states: what is left of one leads to where it led before.
    std::map<std::vector<ByteRange>, int32_t> rests;
    Status status;
    for (const auto& [low, high] : node.ranges) {
      utf8_ranges(low, high, [&](const std::vector<ByteRange>& sequence) {
        int32_t state = from;
        for (size_t i = 0; i < sequence.size() && status.ok(); ++i) {
          const std::vector<ByteRange> rest(sequence.begin() + static_cast<std::ptrdiff_t>(i) + 1, sequence.end());
          int32_t next = to;
          bool known = rest.empty();
          if (!known) {
            const auto [found, added] = rests.emplace(rest, -1);
            if (added) status = add_state(&found->second);
            next = found->second;
            known = !added;
          }
          if (status.ok()) connect(state, {Edge::Kind::BYTES, sequence[i].first, sequence[i].second, -1, next});
          if (known) return;
          state = next;
        }
      });
      HEARTH_RETURN_IF_ERROR(status);
    }
    return {};
  }

  Status add_sequence(const std::vector<int32_t>& children, int32_t from, int32_t to) {
    if (children.empty()) connect_empty(from, to);
    for (size_t i = 0; i < children.size(); ++i) {
      int32_t next = to;
      if (i + 1 < children.size()) HEARTH_RETURN_IF_ERROR(add_state(&next));
      HEARTH_RETURN_IF_ERROR(add(children[i], from, next));
      from = next;
    }
    return {};
  }

  Status add_repeat(const Node& node, int32_t from, int32_t to) {
    const int32_t child = node.children[0];
    if (node.most == 0) {
      connect_empty(from, to);
      return {};
    }
    const int64_t copies = node.most == kUnlimited ? node.least + 1 : node.most;
    if (copies > 1 && copies * size(child) > kInlineStates) return add_counted(node, from, to);
    for (int32_t i = 0; i < node.least; ++i) {
      int32_t next = -1;
      HEARTH_RETURN_IF_ERROR(add_state(&next));
      HEARTH_RETURN_IF_ERROR(add(child, from, next));
      from = next;
    }
    if (node.most == kUnlimited) return add_loop(child, from, to);
    for (int32_t i = node.least; i < node.most; ++i) {
      int32_t next = -1;
      HEARTH_RETURN_IF_ERROR(add_state(&next));
      connect_empty(from, to);
      HEARTH_RETURN_IF_ERROR(add(child, from, next));
      from = next;
    }
    connect_empty(from, to);
    return {};
  }

  Status add_loop(int32_t child, int32_t from, int32_t to) {
    int32_t loop = -1;
    HEARTH_RETURN_IF_ERROR(add_state(&loop));
    connect_empty(from, loop);
    HEARTH_RETURN_IF_ERROR(add(child, loop, loop));
    connect_empty(loop, to);
    return {};
  }

  Status add_counted(const Node& node, int32_t from, int32_t to) {
    int32_t body = -1, end = -1;
    HEARTH_RETURN_IF_ERROR(add_state(&body));
    HEARTH_RETURN_IF_ERROR(add_state(&end));
    result_.final_[index(end)] = true;
    HEARTH_RETURN_IF_ERROR(add(node.children[0], body, end));
    connect(from, {Edge::Kind::REPEAT, 0, 0, static_cast<int32_t>(result_.repetitions_.size()), to});
    result_.repetitions_.push_back({body, node.least, node.most});
    return {};
  }

  // About how many states the node's paths add, up to kMaxStates.
  int64_t size(int32_t id) {
    int64_t& known = sizes_[index(id)];
    if (known >= 0) return known;
    const Node& node = tree_.nodes[index(id)];
    int64_t sum = 1;
    if (node.kind == Node::Kind::LITERAL) sum = static_cast<int64_t>(node.literal.size());
    if (node.kind == Node::Kind::CLASS && (node.ranges.empty() || node.ranges.back().second >= 0x80)) sum = 6;
    for (const int32_t child : node.children) sum += size(child);
    if (node.kind == Node::Kind::REPEAT) {
      const int64_t copies = std::max<int64_t>(node.least + 1, node.most);
      if (copies * sum <= kInlineStates) sum *= copies;
    }
    return known = std::min<int64_t>(sum, static_cast<int64_t>(kMaxStates));
  }

  // The states that are final, or have an edge that `holds` given those states. An edge is asked of when its target is
  // found to be one, or what it calls or repeats, and so seldom that a choice of many thousands costs no more than its
  // size.
  template <typename Holds>
  std::vector<uint8_t> least_fixpoint(Holds holds) {
    const size_t n = edges_.size();
    struct Asker {
      int32_t state;
      uint32_t edge;
    };
    std::vector<std::vector<Asker>> asked_by(n);
    for (size_t s = 0; s < n; ++s) {
      for (size_t i = 0; i < edges_[s].size(); ++i) {
        const Edge& e = edges_[s][i];
        const Asker asker{static_cast<int32_t>(s), static_cast<uint32_t>(i)};
        asked_by[index(e.target)].push_back(asker);
        if (e.kind == Edge::Kind::CALL) asked_by[index(e.argument)].push_back(asker);
        if (e.kind == Edge::Kind::REPEAT) asked_by[index(body(e))].push_back(asker);
      }
    }
    held_ = result_.final_;
    std::vector<int32_t> open;
    for (size_t s = 0; s < n; ++s) {
      if (held_[s]) open.push_back(static_cast<int32_t>(s));
    }
    while (!open.empty()) {
      const int32_t s = open.back();
      open.pop_back();
      for (const auto& [by, edge] : asked_by[index(s)]) {
        if (held_[index(by)] || !holds(edges_[index(by)][edge])) continue;
        held_[index(by)] = true;
        open.push_back(by);
      }
    }
    return held_;
  }

  int32_t body(const Edge& e) const { return result_.repetitions_[index(e.argument)].body; }
  bool may_skip(const Edge& e) const { return result_.repetitions_[index(e.argument)].least == 0; }

  // Whether the edge leads on to where the rule's end can be reached, without reading anything.
  bool is_nullable(const Edge& e) const {
    if (!held_[index(e.target)]) return false;
    if (e.kind == Edge::Kind::CALL) return held_[index(e.argument)] != 0;
    if (e.kind == Edge::Kind::REPEAT) return may_skip(e);
    return e.kind == Edge::Kind::EMPTY;
  }

  bool is_live(const Edge& e, const std::vector<uint8_t>& productive) const {
    if (!productive[index(e.target)]) return false;
    if (e.kind == Edge::Kind::CALL) return productive[index(e.argument)];
    if (e.kind == Edge::Kind::REPEAT) return may_skip(e) || productive[index(body(e))];
    return true;
  }

  struct Move {
    int32_t target;
    bool enters;  // a rule or a body: the stack grows
  };

  // The states that the automaton can be in after `s` without having read anything.
  std::vector<Move> moves(int32_t s) const {
    std::vector<Move> result;
    for (const Edge& e : edges_[index(s)]) {
      if (!is_live(e, productive_)) continue;
      if (e.kind == Edge::Kind::EMPTY) result.push_back({e.target, false});
      if (e.kind == Edge::Kind::CALL) {
        result.push_back({e.argument, true});
        if (nullable_[index(e.argument)]) result.push_back({e.target, false});
      }
      if (e.kind == Edge::Kind::REPEAT) {
        if (productive_[index(body(e))]) result.push_back({body(e), true});
        if (may_skip(e)) result.push_back({e.target, false});
      }
    }
    return result;
  }

  // A cycle of moves on which the stack grows would go on for ever. Tarjan 1972, with a stack of our own.
  Status check_left_recursion() {
    const size_t n = edges_.size();
    struct Frame {
      int32_t state;
      size_t next;
      std::vector<Move> moves;
    };
    std::vector<int32_t> order(n, -1), low(n, -1), component(n, -1), path;
    std::vector<Frame> frames;
    int32_t counter = 0, n_components = 0;
    const auto enter = [&](int32_t s) {
      order[index(s)] = low[index(s)] = counter++;
      path.push_back(s);
      frames.push_back({s, 0, moves(s)});
    };
    for (size_t root = 0; root < n; ++root) {
      if (order[root] >= 0) continue;
      enter(static_cast<int32_t>(root));
      while (!frames.empty()) {
        Frame& f = frames.back();
        if (f.next < f.moves.size()) {
          const int32_t t = f.moves[f.next++].target;
          if (order[index(t)] < 0) {
            enter(t);
          } else if (component[index(t)] < 0) {
            low[index(f.state)] = std::min(low[index(f.state)], order[index(t)]);
          }
          continue;
        }
        const int32_t s = f.state;
        frames.pop_back();
        if (!frames.empty()) {
          int32_t& above = low[index(frames.back().state)];
          above = std::min(above, low[index(s)]);
        }
        if (low[index(s)] != order[index(s)]) continue;
        for (int32_t member = -1; member != s;) {
          member = path.back();
          path.pop_back();
          component[index(member)] = n_components;
        }
        ++n_components;
      }
    }
    for (size_t s = 0; s < n; ++s) {
      for (const Move& move : moves(static_cast<int32_t>(s))) {
        if (!move.enters || component[s] != component[index(move.target)]) continue;
        const std::string& name = tree_.rules[index(rules_[s])].name;
        return {Code::GRAMMAR_INVALID,
                "The rule " + in_quotes(name) + " is left-recursive: it calls itself before it has read anything."};
      }
    }
    return {};
  }

  void flatten() {
    for (const std::vector<Edge>& edges : edges_) {
      result_.first_edge_.push_back(static_cast<uint32_t>(result_.edges_.size()));
      for (Edge e : edges) {
        if (!is_live(e, productive_)) continue;
        // A body that matches nothing can only be left out.
        if (e.kind == Edge::Kind::REPEAT && !productive_[index(body(e))]) e = {Edge::Kind::EMPTY, 0, 0, -1, e.target};
        result_.edges_.push_back(e);
      }
    }
    result_.first_edge_.push_back(static_cast<uint32_t>(result_.edges_.size()));
  }

  void find_tails() {
    constexpr int kSteps = 16;  // through empty edges; a tail that is not seen costs a place on the stack
    result_.tail_.resize(edges_.size());
    for (size_t s = 0; s < edges_.size(); ++s) {
      auto state = static_cast<int32_t>(s);
      for (int step = 0; step < kSteps; ++step) {
        const std::span<const Edge> edges = result_.edges(state);
        result_.tail_[s] = edges.empty() && result_.is_final(state);
        if (edges.size() != 1 || edges[0].kind != Edge::Kind::EMPTY) break;
        state = edges[0].target;
      }
    }
  }

  void find_byte_classes() {
    std::array<bool, 257> begins{};
    for (const Edge& e : result_.edges_) {
      if (e.kind != Edge::Kind::BYTES) continue;
      begins[e.low] = true;
      begins[size_t{e.high} + 1] = true;
    }
    int32_t id = 0;
    for (size_t byte = 0; byte < 256; ++byte) {
      if (byte > 0 && begins[byte]) ++id;
      result_.class_of_[byte] = static_cast<uint8_t>(id);
    }
    result_.n_classes_ = id + 1;
  }

  const Tree& tree_;
  Automaton& result_;
  std::vector<std::vector<Edge>> edges_;  // [states]
  std::vector<int32_t> rules_;            // [states] the rule it belongs to
  std::vector<int32_t> starts_, ends_;    // [rules] states
  std::vector<int64_t> sizes_;            // [nodes] -1: not yet known
  std::vector<uint8_t> held_, nullable_, productive_;
  int32_t rule_ = -1;
};

Status Automaton::compile(std::string_view gbnf, Automaton* automaton) {
  Tree tree;
  HEARTH_RETURN_IF_ERROR(parse_gbnf(gbnf, &tree));
  Automaton result;
  HEARTH_RETURN_IF_ERROR(Builder(tree, &result).build());
  *automaton = std::move(result);
  return {};
}

int32_t Automaton::max_token() const {
  int32_t most = -1;
  for (const TokenSet& set : token_sets_) most = std::max(most, set.ids.empty() ? -1 : set.ids.back());
  return most;
}

}  // namespace hearth::grammar
