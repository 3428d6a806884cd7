// The GGUF reader: what it reads from right headers, which error each wrong one gives, and that it stays inside its
// bytes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "base/text.h"
#include "gguf_bytes.h"

namespace hearth {
namespace {

using test::GgufBytes;
using test::GuardedBytes;

// Status of parsing, with the bytes in front of a guard page.
Status parse(const GgufBytes& built) {
  const GuardedBytes guarded(built.bytes());
  GgufFile file;
  return GgufFile::parse(guarded.bytes(), &file);
}

void check_error(const GgufBytes& built, Code code, std::string_view mentioned) {
  const Status status = parse(built);
  CAPTURE(status.message());
  CHECK(std::string(code_name(status.code())) == code_name(code));
  CHECK(status.message().find(mentioned) != std::string::npos);
}

// Two tensors and a key of each kind.
GgufBytes sample(uint32_t version) {
  GgufBytes b = GgufBytes::header(2, 7, version);
  b.string_key("general.architecture", "llama");
  b.key<uint32_t>("llama.block_count", GgufType::UINT32, 5);
  b.key<float>("llama.epsilon", GgufType::FLOAT32, 1e-5f);
  b.key<uint8_t>("tokenizer.ggml.add_bos_token", GgufType::BOOL, 1);
  b.array_key("tokenizer.ggml.tokens", GgufType::STRING, 3).text("<s>").text("").text("\xFF");
  b.array_key("tokenizer.ggml.scores", GgufType::FLOAT32, 2).put(-1.0f).put(INFINITY);
  b.array_key("nested", GgufType::ARRAY, 2).type(GgufType::UINT8).put<uint64_t>(1).put<uint8_t>(7);
  b.type(GgufType::STRING).put<uint64_t>(1).text("x");
  b.tensor("norm.weight", {4}, HEARTH_TYPE_F32, 64).tensor("embd.weight", {32, 3}, HEARTH_TYPE_Q4_0, 0);
  b.pad_to(32).zeros(64 + 16);
  return b;
}

// Header with one key, written by `add`, and no tensor.
GgufBytes one_key() { return GgufBytes::header(0, 1); }
GgufBytes one_tensor() { return GgufBytes::header(1, 0); }

TEST_CASE("versions 2 and 3 read the same keys and tensors") {
  for (const uint32_t version : {2u, 3u}) {
    const GgufBytes built = sample(version);
    const GuardedBytes guarded(built.bytes());
    GgufFile file;
    REQUIRE(GgufFile::parse(guarded.bytes(), &file).ok());
    CHECK(file.version() == version);
    CHECK(file.keys().size() == 7);
    CHECK(file.data_offset() % 32 == 0);
    REQUIRE(file.tensors().size() == 2);

    const GgufTensor* norm = nullptr;
    REQUIRE(file.require_tensor("norm.weight", &norm).ok());
    CHECK(norm->type == HEARTH_TYPE_F32);
    CHECK(norm->n_dims == 1);
    CHECK(norm->ne == std::array<uint64_t, 4>{4, 1, 1, 1});
    CHECK(norm->row_bytes == 16);
    CHECK(norm->offset == file.data_offset() + 64);
    CHECK(norm->data.size() == 16);
    CHECK(norm->data.data() == guarded.bytes().data() + norm->offset);

    const GgufTensor* embd = file.find_tensor("embd.weight");
    REQUIRE(embd != nullptr);
    CHECK(embd->n_elements == 96);
    CHECK(embd->row_bytes == 18);
    CHECK(embd->data.size() == 54);

    CHECK(file.find_tensor("embd") == nullptr);
    CHECK(file.require_tensor("output.weight", &norm).code() == Code::GGUF_TENSOR_MISSING);
  }
}

TEST_CASE("values are read by key with the type that the caller needs") {
  const GgufBytes built = sample(3);
  GgufFile file;
  REQUIRE(GgufFile::parse(built.bytes(), &file).ok());

  std::string_view architecture;
  CHECK(file.require("general.architecture", &architecture).ok());
  CHECK(architecture == "llama");
  uint32_t n_layer = 0;
  CHECK(file.require("llama.block_count", &n_layer).ok());
  CHECK(n_layer == 5);
  float eps = 0;
  CHECK(file.require("llama.epsilon", &eps).ok());
  CHECK(eps == 1e-5f);
  bool add_bos = false;
  CHECK(file.require("tokenizer.ggml.add_bos_token", &add_bos).ok());
  CHECK(add_bos);
  std::vector<std::string_view> tokens;
  CHECK(file.require("tokenizer.ggml.tokens", &tokens).ok());
  CHECK(tokens == std::vector<std::string_view>{"<s>", "", "\xFF"});
  std::vector<float> scores;
  CHECK(file.require("tokenizer.ggml.scores", &scores).ok());
  CHECK(scores == std::vector<float>{-1.0f, INFINITY});
}

TEST_CASE("a missing key is an error, or keeps the default") {
  const GgufBytes built = sample(3);
  GgufFile file;
  REQUIRE(GgufFile::parse(built.bytes(), &file).ok());
  uint32_t value = 17;
  const Status status = file.require("llama.absent", &value);
  CHECK(status.code() == Code::GGUF_KEY_MISSING);
  CHECK(status.message().find("llama.absent") != std::string::npos);
  CHECK(file.optional("llama.absent", &value).ok());
  CHECK(value == 17);
  std::optional<int32_t> id = 3;
  CHECK(file.optional("llama.absent", &id).ok());
  CHECK_FALSE(id.has_value());
}

template <typename T>
Status read_one(const GgufBytes& built, T* value) {
  GgufFile file;
  REQUIRE(GgufFile::parse(built.bytes(), &file).ok());
  const Status required = file.require("k", value);
  // Both ways to ask agree.
  T other{};
  CHECK(file.optional("k", &other).code() == required.code());
  return required;
}

TEST_CASE("integers are read from any integer type that holds the value") {
  uint32_t u32 = 0;
  int32_t i32 = 0;
  uint64_t u64 = 0;
  int64_t i64 = 0;
  CHECK(read_one(one_key().key<uint8_t>("k", GgufType::UINT8, 200), &u32).ok());
  CHECK(u32 == 200);
  CHECK(read_one(one_key().key<int8_t>("k", GgufType::INT8, -3), &i32).ok());
  CHECK(i32 == -3);
  CHECK(read_one(one_key().key<uint16_t>("k", GgufType::UINT16, 65535), &i32).ok());
  CHECK(i32 == 65535);
  CHECK(read_one(one_key().key<int16_t>("k", GgufType::INT16, -300), &i64).ok());
  CHECK(i64 == -300);
  CHECK(read_one(one_key().key<int32_t>("k", GgufType::INT32, 9), &u64).ok());
  CHECK(u64 == 9);
  CHECK(read_one(one_key().key<int64_t>("k", GgufType::INT64, 1 << 20), &u32).ok());
  CHECK(u32 == 1 << 20);
  CHECK(read_one(one_key().key<uint64_t>("k", GgufType::UINT64, UINT64_MAX), &u64).ok());
  CHECK(u64 == UINT64_MAX);

  CHECK(read_one(one_key().key<int32_t>("k", GgufType::INT32, -1), &u32).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<uint32_t>("k", GgufType::UINT32, UINT32_MAX), &i32).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<uint64_t>("k", GgufType::UINT64, 1ull << 32), &u32).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<float>("k", GgufType::FLOAT32, 1), &u32).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<uint8_t>("k", GgufType::BOOL, 1), &u32).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(u32 == 1 << 20);  // an error leaves the value alone
}

TEST_CASE("values of a wrong type, not finite, or not UTF-8 are refused with the key's name") {
  float real = 0;
  bool truth = false;
  std::string_view text;
  std::vector<uint32_t> numbers;
  std::vector<std::string_view> texts;
  CHECK(read_one(one_key().key<double>("k", GgufType::FLOAT64, 0.5), &real).ok());
  CHECK(real == 0.5f);
  CHECK(read_one(one_key().key<float>("k", GgufType::FLOAT32, NAN), &real).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<double>("k", GgufType::FLOAT64, 1e300), &real).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<uint32_t>("k", GgufType::UINT32, 1), &real).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().key<uint8_t>("k", GgufType::BOOL, 2), &truth).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().string_key("k", "\xC0\x80"), &text).code() == Code::GGUF_BAD_STRING);
  CHECK(read_one(one_key().string_key("k", "x"), &texts).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().array_key("k", GgufType::STRING, 1).text("x"), &text).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().array_key("k", GgufType::STRING, 1).text("x"), &numbers).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().array_key("k", GgufType::INT32, 1).put(-1), &numbers).code() == Code::GGUF_KEY_BAD_VALUE);
  CHECK(read_one(one_key().array_key("k", GgufType::INT64, 2).put<int64_t>(1).put<int64_t>(2), &numbers).ok());
  CHECK(numbers == std::vector<uint32_t>{1, 2});
  const GgufBytes nested = one_key().array_key("k", GgufType::ARRAY, 1).type(GgufType::UINT8).put<uint64_t>(0);
  CHECK(read_one(nested, &numbers).code() == Code::GGUF_KEY_BAD_VALUE);
}

TEST_CASE("a file that is no GGUF, or of another version, is named as such") {
  check_error(GgufBytes(), Code::GGUF_BAD_MAGIC, "GGUF");
  check_error(GgufBytes().raw("GGU"), Code::GGUF_BAD_MAGIC, "GGUF");
  check_error(GgufBytes().raw("GGML").put<uint32_t>(3).zeros(16), Code::GGUF_BAD_MAGIC, "GGUF");
  check_error(GgufBytes().raw("GGUF"), Code::GGUF_TRUNCATED, "version");
  check_error(GgufBytes::header(0, 0, 1), Code::GGUF_BAD_VERSION, "version 1");
  check_error(GgufBytes::header(0, 0, 4), Code::GGUF_BAD_VERSION, "version 4");
  check_error(GgufBytes::header(0, 0, 0x03000000), Code::GGUF_BAD_VERSION, "big-endian");
  CHECK(parse(GgufBytes::header(0, 0)).ok());
}

TEST_CASE("counts beyond the limits, or beyond what the file could hold, allocate nothing") {
  check_error(GgufBytes::header(0, UINT64_MAX), Code::GGUF_LIMIT_EXCEEDED, "keys");
  check_error(GgufBytes::header(UINT64_MAX, 0), Code::GGUF_LIMIT_EXCEEDED, "tensors");
  check_error(GgufBytes::header(0, 60000), Code::GGUF_TRUNCATED, "60000 keys");
  check_error(GgufBytes::header(60000, 0), Code::GGUF_TRUNCATED, "60000 tensors");
  check_error(one_key().array_key("k", GgufType::UINT64, UINT64_MAX), Code::GGUF_LIMIT_EXCEEDED, "\"k\"");
  check_error(one_key().array_key("k", GgufType::UINT64, UINT64_MAX / 8 + 2), Code::GGUF_LIMIT_EXCEEDED, "\"k\"");
  check_error(one_key().array_key("k", GgufType::UINT64, 1000), Code::GGUF_TRUNCATED, "\"k\"");
  check_error(one_key().array_key("k", GgufType::STRING, 1000).zeros(7999), Code::GGUF_TRUNCATED, "\"k\"");
  check_error(one_key().text("k").type(GgufType::STRING).put(UINT64_MAX), Code::GGUF_LIMIT_EXCEEDED, "\"k\"");
  check_error(one_key().text("k").type(GgufType::STRING).put<uint64_t>(10).raw("nine char"), Code::GGUF_TRUNCATED,
              "\"k\"");
  check_error(one_key().put(UINT64_MAX).zeros(20), Code::GGUF_LIMIT_EXCEEDED, "name of the key");
  check_error(one_key().put<uint64_t>(21).zeros(20), Code::GGUF_TRUNCATED, "name of the key");
  check_error(one_tensor().tensor(std::string(65, 'x'), {1}, 0, 0), Code::GGUF_LIMIT_EXCEEDED, "name of the tensor");
}

TEST_CASE("arrays in arrays are read to a limited depth") {
  const auto nested = [](uint32_t depth) {
    GgufBytes b = one_key().array_key("k", GgufType::ARRAY, 1);
    for (uint32_t i = 2; i < depth; ++i) b.type(GgufType::ARRAY).put<uint64_t>(1);
    return b.type(GgufType::UINT8).put<uint64_t>(1).put<uint8_t>(1);
  };
  CHECK(parse(nested(gguf_limits::kArrayDepth)).ok());
  check_error(nested(gguf_limits::kArrayDepth + 1), Code::GGUF_LIMIT_EXCEEDED, "nested");
  check_error(nested(10000), Code::GGUF_LIMIT_EXCEEDED, "nested");
}

TEST_CASE("names are unique and UTF-8, and hostile ones are shown harmlessly") {
  GgufBytes twice = GgufBytes::header(0, 3);
  twice.key<uint8_t>("b", GgufType::UINT8, 1)
      .key<uint8_t>("a", GgufType::UINT8, 1)
      .key<uint8_t>("b", GgufType::UINT8, 2);
  check_error(twice, Code::GGUF_DUPLICATE_NAME, "key \"b\"");
  GgufBytes tensors = GgufBytes::header(2, 0);
  tensors.tensor("t", {1}, HEARTH_TYPE_F32, 0).tensor("t", {1}, HEARTH_TYPE_F32, 0).pad_to(32).zeros(32);
  check_error(tensors, Code::GGUF_DUPLICATE_NAME, "tensor \"t\"");
  check_error(one_key().key<uint8_t>("a\xFF", GgufType::UINT8, 1), Code::GGUF_BAD_STRING, "\"a?\"");
  check_error(one_tensor().tensor("a\xED\xA0\x80", {1}, 0, 0), Code::GGUF_BAD_STRING, "tensor");

  const std::string hostile = "\x1b[2J\n" + std::string(500, 'x');
  const Status status = parse(one_key().text(hostile).put<uint32_t>(99).zeros(8));
  CHECK(status.code() == Code::GGUF_BAD_TYPE);
  CHECK(status.message().size() < 200);
  for (const char c : status.message()) CHECK((c != 0x1b && c != '\n'));
}

TEST_CASE("text is UTF-8 by the table of the standard, and is shown without what a terminal would obey") {
  for (const char* good : {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xE0\x9F\xBF", "\xE1\x80", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF1\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xFFz"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
  CHECK(in_quotes("j\xC3\xB6rg\n\x1B\xC2\x9B\xFF") == "\"j\xC3\xB6rg????\"");
  CHECK(in_quotes(std::string(80, 'x')) == '"' + std::string(80, 'x') + '"');
  CHECK(in_quotes(std::string(81, 'x')) == '"' + std::string(80, 'x') + "...\"");
  CHECK(quoted_path(std::string(300, 'x')) == '"' + std::string(300, 'x') + '"');
}

TEST_CASE("unknown types are refused") {
  check_error(one_key().text("k").put<uint32_t>(13).zeros(8), Code::GGUF_BAD_TYPE, "\"k\"");
  check_error(one_key().text("k").type(GgufType::ARRAY).put<uint32_t>(99).put<uint64_t>(0), Code::GGUF_BAD_TYPE,
              "\"k\"");
  for (const uint32_t id : {4u, 5u, 31u, 36u, 38u, 43u, UINT32_MAX}) {
    check_error(one_tensor().tensor("t", {32}, id, 0).pad_to(32).zeros(256), Code::GGUF_BAD_TYPE, "\"t\"");
  }
}

TEST_CASE("shapes are refused when empty, overflowing, of too many dimensions, or of half blocks") {
  const auto shaped = [](std::vector<uint64_t> shape, uint32_t type) {
    return one_tensor().tensor("t", std::move(shape), type, 0).pad_to(32).zeros(1024);
  };
  CHECK(parse(shaped({}, HEARTH_TYPE_F32)).ok());  // one number
  CHECK(parse(shaped({32, 2, 2, 2}, HEARTH_TYPE_Q4_0)).ok());
  check_error(shaped({1, 1, 1, 1, 1}, HEARTH_TYPE_F32), Code::GGUF_LIMIT_EXCEEDED, "5 dimensions");
  check_error(shaped({4, 0}, HEARTH_TYPE_F32), Code::GGUF_TENSOR_BAD_SHAPE, "Dimension 1");
  check_error(shaped({1ull << 32, 1ull << 32}, HEARTH_TYPE_F32), Code::GGUF_TENSOR_BAD_SHAPE, "2^64");
  check_error(shaped({33}, HEARTH_TYPE_Q4_0), Code::GGUF_TENSOR_BAD_SHAPE, "Q4_0");
  check_error(shaped({1ull << 62}, HEARTH_TYPE_F32), Code::GGUF_TENSOR_BAD_SHAPE, "\"t\"");
  check_error(shaped({1ull << 61, 4}, HEARTH_TYPE_F32), Code::GGUF_TENSOR_OUT_OF_BOUNDS, "\"t\"");
}

TEST_CASE("tensor data lies inside the file, at aligned offsets") {
  const auto placed = [](uint64_t offset, size_t n_data) {
    return one_tensor().tensor("t", {8}, HEARTH_TYPE_F32, offset).pad_to(32).zeros(n_data);
  };
  CHECK(parse(placed(64, 96)).ok());
  check_error(placed(64, 95), Code::GGUF_TENSOR_OUT_OF_BOUNDS, "\"t\"");
  check_error(placed(0, 31), Code::GGUF_TENSOR_OUT_OF_BOUNDS, "\"t\"");
  check_error(placed(UINT64_MAX - 31, 64), Code::GGUF_TENSOR_OUT_OF_BOUNDS, "\"t\"");
  check_error(placed(8, 64), Code::GGUF_BAD_ALIGNMENT, "\"t\"");
}

TEST_CASE("general.alignment is a power of two that keeps floats readable in place") {
  const auto aligned = [](uint32_t alignment, uint64_t offset) {
    GgufBytes b = GgufBytes::header(1, 1);
    b.key<uint32_t>("general.alignment", GgufType::UINT32, alignment).tensor("t", {8}, HEARTH_TYPE_F32, offset);
    return b.pad_to(64).zeros(256);
  };
  CHECK(parse(aligned(64, 64)).ok());
  CHECK(parse(aligned(8, 8)).ok());
  check_error(aligned(64, 32), Code::GGUF_BAD_ALIGNMENT, "\"t\"");
  for (const uint32_t wrong : {0u, 1u, 4u, 12u, 33u, UINT32_MAX}) {
    check_error(aligned(wrong, 0), Code::GGUF_BAD_ALIGNMENT, "general.alignment");
  }
  check_error(aligned(1u << 31, 0), Code::GGUF_TENSOR_OUT_OF_BOUNDS, "\"t\"");
  GgufBytes huge = one_key();
  huge.key<uint64_t>("general.alignment", GgufType::UINT64, 1ull << 63);
  CHECK(parse(huge).ok());  // no tensor is placed by it
  check_error(one_key().string_key("general.alignment", "32"), Code::GGUF_KEY_BAD_VALUE, "general.alignment");
}

TEST_CASE("cut anywhere, a file gives an error and nothing beyond its end is read") {
  const std::vector<uint8_t> whole = sample(3).bytes();
  for (size_t length = 0; length < whole.size(); ++length) {
    const GuardedBytes guarded(std::span<const uint8_t>(whole).first(length));
    GgufFile file;
    const Status status = GgufFile::parse(guarded.bytes(), &file);
    CAPTURE(length);
    CHECK_FALSE(status.ok());
    CHECK_FALSE(status.message().empty());
    CHECK(file.keys().empty());
  }
}

// Reads all that a file offers: nothing may be touched outside it, whatever its header says.
size_t read_everything(const GgufFile& file) {
  size_t sum = 0;
  for (const GgufTensor& tensor : file.tensors()) sum += tensor.data.front() + tensor.data.back();
  for (const GgufKey& key : file.keys()) {
    std::string_view text;
    std::vector<std::string_view> texts;
    std::vector<float> reals;
    std::vector<int32_t> integers;
    uint64_t integer = 0;
    if (file.require(key.name, &text).ok()) sum += text.size();
    if (file.require(key.name, &texts).ok() && !texts.empty() && !texts.back().empty()) sum += texts.back().back();
    if (file.require(key.name, &reals).ok()) sum += reals.size();
    if (file.require(key.name, &integers).ok()) sum += integers.size();
    if (file.require(key.name, &integer).ok()) sum += integer;
  }
  return sum;
}

TEST_CASE("with any bytes changed, a file is read inside its bounds or refused") {
  const std::vector<uint8_t> whole = sample(3).bytes();
  std::mt19937 random(20261123);
  int read = 0, refused = 0;
  size_t sum = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = whole;
    for (uint32_t n = 1 + random() % 3; n > 0; --n) {
      // Half of the changes are of one bit, the others put in a number that is a limit of something.
      const size_t at = random() % bytes.size();
      const uint8_t limits[] = {0, 1, 0x7F, 0x80, 0xFF};
      bytes[at] = random() % 2 == 0 ? bytes[at] ^ (1u << random() % 8) : limits[random() % 5];
    }
    const GuardedBytes guarded(bytes);
    GgufFile file;
    if (GgufFile::parse(guarded.bytes(), &file).ok()) {
      sum += read_everything(file);
      ++read;
    } else {
      ++refused;
    }
  }
  CAPTURE(sum);
  CHECK(read > 1000);
  CHECK(refused > 1000);
}

TEST_CASE("every type has a unique name, is found by it, and sizes whole rows only") {
  std::set<std::string> names;
  for (uint32_t id = 0; id < HEARTH_TYPE_COUNT; ++id) {
    const TypeTraits* traits = type_traits(id);
    if (traits == nullptr) continue;
    CAPTURE(traits->name);
    CHECK(names.insert(traits->name).second);
    HearthType found = HEARTH_TYPE_COUNT;
    CHECK(find_type(traits->name, &found));
    CHECK(found == static_cast<HearthType>(id));
    uint64_t bytes = 0;
    CHECK(row_size(found, 3 * traits->block_elements, &bytes));
    CHECK(bytes == 3 * traits->block_bytes);
    if (traits->block_elements > 1) CHECK_FALSE(row_size(found, traits->block_elements + 1, &bytes));
    if (traits->block_bytes > traits->block_elements) {
      const uint64_t most = std::numeric_limits<uint64_t>::max() / traits->block_elements * traits->block_elements;
      CHECK_FALSE(row_size(found, most, &bytes));
    }
  }
  CHECK(names.size() == 35);
  HearthType type = HEARTH_TYPE_COUNT;
  CHECK(find_type("q4_k", &type));
  CHECK(type == HEARTH_TYPE_Q4_K);
  CHECK_FALSE(find_type("q4", &type));
  CHECK_FALSE(find_type("", &type));
  CHECK(type_traits(UINT32_MAX) == nullptr);
}

}  // namespace
}  // namespace hearth
