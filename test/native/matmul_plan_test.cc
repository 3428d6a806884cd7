// Ways of multiplying by name, and a plan that has one for each kind of matrix.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "kernels/matmul_plan.h"
#include "kernels_support.h"

namespace hearth {

TEST_CASE("a way is found by its name, whole or in part") {
  std::vector<MatmulWay> ways;
  REQUIRE(possible_matmul_ways("", &ways).ok());
  REQUIRE(!ways.empty());
  std::set<std::string> names;
  for (const MatmulWay& way : ways) {
    MatmulWay again;
    REQUIRE(parse_matmul_way(way.name(), &again).ok());
    CHECK(again.name() == way.name());
    CHECK(again.kernels != &ref_kernels());
    CHECK(names.insert(way.name()).second);
  }
  MatmulWay usual, plain, streams, ahead;
  REQUIRE(parse_matmul_way("", &usual).ok());
  CHECK(usual.name() == ways.front().name());
  REQUIRE(parse_matmul_way("ref", &plain).ok());
  CHECK(plain.name() == "ref:memory:0");
  REQUIRE(parse_matmul_way(":streams", &streams).ok());
  CHECK(streams.reading.streams);
  REQUIRE(parse_matmul_way("::777", &ahead).ok());
  CHECK(ahead.reading.ahead == 777);
  CHECK(ahead.reading.streams == usual.reading.streams);
}

TEST_CASE("what is forced holds for every way that is measured") {
  std::vector<MatmulWay> memory, fixed, one_set;
  REQUIRE(possible_matmul_ways(":memory", &memory).ok());
  for (const MatmulWay& way : memory) CHECK(!way.reading.streams);
  REQUIRE(possible_matmul_ways(":streams:96", &fixed).ok());
  for (const HearthKernels* kernels : vector_kernels())
    CHECK(std::count_if(fixed.begin(), fixed.end(), [&](const MatmulWay& way) { return way.kernels == kernels; }) == 1);
  for (const MatmulWay& way : fixed) CHECK(way.name() == std::string(way.kernels->name) + ":streams:96");
  REQUIRE(possible_matmul_ways(vector_kernels()[0]->name, &one_set).ok());
  for (const MatmulWay& way : one_set) CHECK(way.kernels == vector_kernels()[0]);
}

TEST_CASE("a name that is no way is an error that shows one") {
  MatmulWay way;
  for (const char* name : {":sideways", "::-1", "::1048577", "::1x", ":memory:1:2"}) {
    CAPTURE(name);
    const Status status = parse_matmul_way(name, &way);
    CHECK(status.code() == Code::OPTION_OUT_OF_RANGE);
    CHECK(status.message().find("avx2:streams:256") != std::string::npos);
  }
  CHECK(parse_matmul_way("sse9:streams", &way).code() == Code::ISA_UNKNOWN);
}

TEST_CASE("a plan has a way for each type, length of rows and number of columns, and one for the rest") {
  MatmulWay usual, slow, fast;
  REQUIRE(parse_matmul_way("", &usual).ok());
  REQUIRE(parse_matmul_way("ref", &slow).ok());
  REQUIRE(parse_matmul_way("::512", &fast).ok());
  MatmulPlan plan(usual);
  plan.set(HEARTH_TYPE_Q4_0, 2048, {fast, slow, usual});
  CHECK(plan.way(HEARTH_TYPE_Q4_0, 2048, 1).name() == fast.name());
  CHECK(plan.way(HEARTH_TYPE_Q4_0, 2048, 2).name() == slow.name());
  CHECK(plan.way(HEARTH_TYPE_Q4_0, 2048, 7).name() == slow.name());
  CHECK(plan.way(HEARTH_TYPE_Q4_0, 2048, 8).name() == usual.name());
  CHECK(plan.way(HEARTH_TYPE_Q4_0, 8192, 1).name() == usual.name());
  CHECK(plan.way(HEARTH_TYPE_Q8_0, 2048, 1).name() == usual.name());
  plan.set(HEARTH_TYPE_Q4_0, 2048, {slow, slow, slow});
  CHECK(plan.way(HEARTH_TYPE_Q4_0, 2048, 1).name() == slow.name());
}

}  // namespace hearth
