// A fast checksum of bytes: XXH64 (Collet, xxHash fast digest algorithm, version 0.1.1), written from its
// specification. It finds damage; it is no protection against anybody who wants equal sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth {

uint64_t hash64(std::span<const std::byte> bytes, uint64_t seed = 0);

}  // namespace hearth
