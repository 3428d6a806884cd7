// Knuth 1977, "A generalization of Dijkstra's algorithm": the nearest state is settled first, and an edge counts once
// all that it asks of is settled.
#include "sample/distances.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace hearth::grammar {
namespace {

struct User {
  int32_t state;
  uint32_t edge;  // of the state's edges
};

}  // namespace

Distances::Distances(const Automaton& automaton) : to_end_(automaton.n_states(), kMost) {
  const size_t n = to_end_.size();
  std::vector<std::vector<User>> users(n);  // by the state that they ask of
  const auto asks_of = [&](const Edge& e) -> int32_t {
    if (e.kind == Edge::Kind::CALL) return e.argument;
    if (e.kind == Edge::Kind::REPEAT && automaton.repetition(e.argument).least > 0) {
      return automaton.repetition(e.argument).body;
    }
    return -1;
  };
  using Entry = std::pair<int64_t, int32_t>;  // distance, state
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
  for (size_t s = 0; s < n; ++s) {
    const auto state = static_cast<int32_t>(s);
    const auto edges = automaton.edges(state);
    for (uint32_t i = 0; i < edges.size(); ++i) {
      users[static_cast<size_t>(edges[i].target)].push_back({state, i});
      if (const int32_t inner = asks_of(edges[i]); inner >= 0) users[static_cast<size_t>(inner)].push_back({state, i});
    }
    if (automaton.is_final(state)) open.push({0, state});
  }
  std::vector<bool> settled(n);
  while (!open.empty()) {
    const auto [distance, state] = open.top();
    open.pop();
    const auto s = static_cast<size_t>(state);
    if (settled[s]) continue;
    settled[s] = true;
    to_end_[s] = distance;
    for (const User& user : users[s]) {
      if (settled[static_cast<size_t>(user.state)]) continue;
      const Edge& e = automaton.edges(user.state)[user.edge];
      const int32_t inner = asks_of(e);
      if (!settled[static_cast<size_t>(e.target)] || (inner >= 0 && !settled[static_cast<size_t>(inner)])) continue;
      int64_t own = e.kind == Edge::Kind::BYTES || e.kind == Edge::Kind::TOKENS ? 1 : 0;
      if (inner >= 0) {
        const int64_t rounds = e.kind == Edge::Kind::REPEAT ? automaton.repetition(e.argument).least : 1;
        own = times(rounds, to_end(inner));
      }
      open.push({sum(own, to_end(e.target)), user.state});
    }
  }
}

}  // namespace hearth::grammar
