// How much of a model's weights stays in memory, of which parts, and how large the rings are that the others are read
// into. Pure: looks at no weights, so that a plan of a model that is not there asks it, too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "memory/kept_pages.h"
#include "memory/tiles.h"

namespace hearth {

struct ResidencyOptions {
  uint64_t weight_bytes = 0;                       // what weights and rings may take together
  std::optional<uint64_t> kept_bytes = {};         // what weights may take, whatever the ring does
  std::optional<uint64_t> kept_expert_bytes = {};  // what experts may take of it
  size_t least_tile_bytes = size_t{256} << 10;
  KeepOptions keep = {};
};

// The matrices of an expert, in the order of their use.
enum ExpertPart { kGate, kUp, kDown, kExpertParts };

// The experts of a model: of each layer that has some the bytes of one expert's parts. No layers in most models.
struct ExpertSizes {
  std::vector<std::array<size_t, kExpertParts>> layers = {};  // in the order of a pass
  size_t n_expert = 0, n_used = 0;                            // of a layer; used by a token
};

struct ExpertLayout {
  uint64_t may_keep = 0;        // bytes of experts that stay, at most
  uint64_t kept_bytes = 0;      // of as many whole experts as fit in that
  uint64_t streamed_bytes = 0;  // of the others
  size_t slots = 0;             // parts that the ring holds
  uint64_t ring_bytes = 0;
};

// The tiles of the weights that every token uses, and the ring that those which are streamed are read into.
struct ResidencyLayout {
  Tiles tiles;
  size_t slots = 0;
  uint64_t ring_bytes = 0;  // 0: none is streamed
  ExpertLayout experts;
};

// `matrices` in the order in which a pass uses them. Every token uses them: experts get what they leave.
ResidencyLayout lay_out(std::span<const MappedMatrix> matrices, const ExpertSizes& experts,
                        const ResidencyOptions& options);

}  // namespace hearth
