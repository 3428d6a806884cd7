// The checksum of stored prefixes against the published values of its specification's reference.
#include "base/hash64.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

using hearth::hash64;

namespace {

uint64_t sum_of(std::string_view text, uint64_t seed = 0) { return hash64(std::as_bytes(std::span(text)), seed); }

}  // namespace

TEST_CASE("the checksum is XXH64") {
  CHECK(sum_of("") == 0xEF46DB3751D8E999);
  CHECK(sum_of("a") == 0xD24EC4F1A98C6E5B);
  CHECK(sum_of("abc") == 0x44BC2CF5AD770999);
  CHECK(sum_of("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1);
}

TEST_CASE("every bit and the length count, wherever they stand") {
  for (size_t n : {1, 3, 4, 7, 8, 31, 32, 33, 63, 64, 100}) {
    CAPTURE(n);
    std::vector<std::byte> bytes(n);
    const uint64_t zeros = hash64(bytes);
    CHECK(zeros != hash64(std::span(bytes).first(n - 1)));
    CHECK(zeros != hash64(bytes, 1));
    for (size_t bit = 0; bit < 8 * n; ++bit) {
      bytes[bit / 8] = static_cast<std::byte>(1 << bit % 8);
      CHECK(hash64(bytes) != zeros);
      bytes[bit / 8] = std::byte{0};
    }
  }
}
