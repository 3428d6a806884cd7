// The experts that stay, to be taken out by how seldom they are used. Uses are counted elsewhere and looked up when an
// expert comes to the top, so that counting costs nothing here: they grow, until rebuild() says that they shrank.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace hearth {

class ColdestFirst {
 public:
  void add(size_t expert, uint32_t uses) {
    heap_.push_back({uses, expert});
    std::ranges::push_heap(heap_, std::greater());
  }

  // Takes out the expert with the fewest `uses(expert)`; SIZE_MAX: there is none.
  template <class Uses>
  size_t take(Uses&& uses) {
    while (!heap_.empty()) {
      std::ranges::pop_heap(heap_, std::greater());
      const Entry entry = heap_.back();
      heap_.pop_back();
      const uint32_t now = uses(entry.expert);
      if (now <= entry.uses) return entry.expert;
      add(entry.expert, now);
    }
    return SIZE_MAX;
  }

  // Looks up all of them.
  template <class Uses>
  void rebuild(Uses&& uses) {
    for (Entry& entry : heap_) entry.uses = uses(entry.expert);
    std::ranges::make_heap(heap_, std::greater());
  }

 private:
  struct Entry {
    uint32_t uses;  // at most as many as it has
    size_t expert;

    auto operator<=>(const Entry&) const = default;
  };

  std::vector<Entry> heap_;
};

}  // namespace hearth
