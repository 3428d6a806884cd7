#include "memory/expert_counts.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <numeric>
#include <span>

#include "base/hash64.h"
#include "base/text.h"

namespace hearth {
namespace {

// Uses of a layer, for each of its experts, after which half of what was seen is forgotten: some thousand tokens.
constexpr uint64_t kMostUsesAnExpert = 512;
constexpr uint64_t kFormat = 0x31746e7563787068;  // "hpxcunt1", little-endian

// The first bytes of a file, before its counts.
struct Head {
  uint64_t format, key, layers, experts, sum;
};

uint64_t sum_of(const std::vector<uint32_t>& counts) { return hash64(std::as_bytes(std::span(counts)), 0); }

}  // namespace

void ExpertCounts::add(size_t layer, size_t expert, uint32_t uses) {
  if (uses == 0) return;
  changed_ = true;
  counts_[layer * n_experts_ + expert] += uses;
  totals_[layer] += uses;
  if (totals_[layer] <= kMostUsesAnExpert * n_experts_) return;
  const auto of_layer = std::span(counts_).subspan(layer * n_experts_, n_experts_);
  for (uint32_t& count : of_layer) count /= 2;
  ++halvings_;
  totals_[layer] = std::accumulate(of_layer.begin(), of_layer.end(), uint64_t{0});
}

bool ExpertCounts::load(const std::string& path, uint64_t key) {
  std::ifstream file(path, std::ios::binary);
  Head head{};
  std::vector<uint32_t> counts(counts_.size());
  file.read(reinterpret_cast<char*>(&head), sizeof head);
  file.read(reinterpret_cast<char*>(counts.data()), static_cast<std::streamsize>(counts.size() * sizeof counts[0]));
  if (!file || head.format != kFormat || head.key != key || head.layers != layers() || head.experts != n_experts_)
    return false;
  if (head.sum != sum_of(counts)) return false;
  counts_ = std::move(counts);
  for (size_t layer = 0; layer < layers(); ++layer) {
    const auto begin = counts_.begin() + static_cast<std::ptrdiff_t>(layer * n_experts_);
    totals_[layer] = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(n_experts_), uint64_t{0});
  }
  changed_ = false;
  return true;
}

Status ExpertCounts::save(const std::string& path, uint64_t key) {
  const std::string temporary = path + "." + std::to_string(getpid());
  {
    std::ofstream file(temporary, std::ios::binary);
    const Head head{kFormat, key, layers(), n_experts_, sum_of(counts_)};
    file.write(reinterpret_cast<const char*>(&head), sizeof head);
    file.write(reinterpret_cast<const char*>(counts_.data()),
               static_cast<std::streamsize>(counts_.size() * sizeof counts_[0]));
    file.flush();
    if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
      unlink(temporary.c_str());
      return {Code::FILE_WRITE_FAILED, "The counts of experts could not be written to " + quoted_path(path) + "."};
    }
  }
  changed_ = false;
  return {};
}

}  // namespace hearth
