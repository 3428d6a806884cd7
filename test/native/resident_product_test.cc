// Products with streamed weights give the bits of those with mapped ones: every type, one column and many, whatever
// stays.
#include "model/resident_product.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "files.h"
#include "gguf/writer.h"
#include "kernels_support.h"

namespace hearth {
namespace {

constexpr size_t kLength = 256;  // of a row
const std::atomic<bool> kGoOn{false};

// A model file with a matrix of each type, in its order.
class MatrixFile {
 public:
  MatrixFile() {
    Random random(7);
    GgufWriter writer;
    writer.add("general.architecture", std::string_view("none"));
    std::vector<std::vector<uint8_t>> data;
    for (const TypeLayout& layout : type_layouts()) {
      const size_t rows = 40 + data.size() * 17 % 90, row_bytes = kLength / layout.block * layout.bytes;
      REQUIRE(writer.add_tensor(layout.name, layout.type, std::vector<uint64_t>{kLength, rows}).ok());
      data.emplace_back(rows * row_bytes);
      for (size_t r = 0; r < rows; ++r) fill_row(layout, kLength, -1, random, data.back().data() + r * row_bytes);
    }
    REQUIRE(writer.begin(folder_.file("m.gguf")).ok());
    for (const auto& bytes : data) REQUIRE(writer.write(bytes).ok());
    REQUIRE(writer.finish().ok());
    REQUIRE(ModelParts::open(folder_.file("m.gguf"), true, &parts).ok());
    for (const TypeLayout& layout : type_layouts()) {
      const GgufTensor& t = *parts->header().find_tensor(layout.name);
      matrices.push_back({t.data.data(), t.type, t.ne[1], t.ne[0], t.row_bytes});
    }
  }

  std::unique_ptr<Residency> reside(double kept_share) const {
    std::vector<MappedMatrix> mapped;
    uint64_t bytes = 0;
    for (const Matrix& m : matrices) {
      mapped.push_back({m.data, m.row_bytes, m.rows});
      bytes += mapped.back().bytes();
    }
    std::unique_ptr<Residency> residency;
    const ResidencyOptions options{.weight_bytes = 0,
                                   .kept_bytes = static_cast<uint64_t>(kept_share * static_cast<double>(bytes)),
                                   .kept_expert_bytes = {},
                                   .least_tile_bytes = 4096,
                                   .keep = {}};
    REQUIRE(Residency::create(*parts, mapped, {}, options, &residency).ok());
    return residency;
  }

  std::unique_ptr<ModelParts> parts;
  std::vector<Matrix> matrices;

 private:
  test::TemporaryFolder folder_;
};

// Activations in every form.
struct Activations {
  explicit Activations(size_t n)
      : f32(n * kLength),
        q(n * kLength),
        d(n * kLength / 32),
        sum(n * kLength / 32),
        super_q(n * kLength),
        super_d(n),
        super_sum(n * kLength / 16) {
    Random random(3);
    for (float& value : f32) value = random.normal();
    ref_kernels().quantize_q8(f32.data(), f32.size(), q.data(), d.data(), sum.data());
    ref_kernels().quantize_q8_super(f32.data(), f32.size(), super_q.data(), super_d.data(), super_sum.data());
    x = {kLength, n, f32.data(), q.data(), d.data(), sum.data(), super_q.data(), super_d.data(), super_sum.data()};
  }
  std::vector<float> f32;
  std::vector<int8_t> q;
  std::vector<float> d;
  std::vector<int32_t> sum;
  std::vector<int8_t> super_q;
  std::vector<float> super_d;
  std::vector<int16_t> super_sum;
  HearthColumns x;
};

// The results of all matrices, two a job. Without a residency from where they are mapped.
std::vector<float> results(const MatrixFile& file, const HearthColumns& x, Pool* pool, Residency* residency) {
  MatmulWay way;
  REQUIRE(parse_matmul_way("", &way).ok());
  const MatmulPlan plan(way);
  std::vector<Product> products;
  size_t n = 0;
  for (const Matrix& m : file.matrices) n += m.rows * x.cols;
  std::vector<float> all(n, -1.0f);
  float* y = all.data();
  for (const Matrix& m : file.matrices) {
    products.push_back({m, x, {y, x.cols, m.rows}});
    y += m.rows * x.cols;
  }
  if (residency != nullptr) residency->begin_pass();
  for (size_t i = 0; i < products.size(); i += 2) {
    const auto job = std::span(products).subspan(i, std::min<size_t>(2, products.size() - i));
    if (residency == nullptr)
      multiply(job, plan, pool);
    else
      multiply_resident(job, plan, pool, residency, kGoOn);
  }
  return all;
}

TEST_CASE("streamed weights of every type give the bits of mapped ones") {
  const MatrixFile file;
  Pool pool(2);
  for (const size_t columns : {size_t{1}, size_t{3}, size_t{24}}) {
    const Activations activations(columns);
    const std::vector<float> expected = results(file, activations.x, &pool, nullptr);
    for (const double kept_share : {0.0, 0.5, 1.0}) {
      CAPTURE(columns);
      CAPTURE(kept_share);
      const auto residency = file.reside(kept_share);
      for (int pass = 0; pass < 3; ++pass) {
        const std::vector<float> actual = results(file, activations.x, &pool, residency.get());
        CHECK(same_bits(actual.data(), expected.data(), expected.size()));
      }
      const ResidencyCounts counts = residency->counts();
      CHECK((counts.streamed_bytes == 0) == (kept_share == 1.0));
      CHECK((counts.kept_bytes == 0) == (kept_share == 0.0));
    }
  }
}

TEST_CASE("a product whose weights cannot be read throws their status, and later ones are as before") {
  const MatrixFile file;
  Pool pool(2);
  const Activations activations(2);
  const std::vector<float> expected = results(file, activations.x, &pool, nullptr);
  const auto residency = file.reside(0.25);
  MatmulWay way;
  REQUIRE(parse_matmul_way("", &way).ok());
  const MatmulPlan plan(way);
  const std::atomic<bool> stop{true};
  Code code = Code::OK;
  std::vector<float> y(file.matrices.back().rows * 2);
  const Product last{file.matrices.back(), activations.x, {y.data(), 2, file.matrices.back().rows}};
  try {
    for (int pass = 0; pass < 100; ++pass) multiply_resident({&last, 1}, plan, &pool, residency.get(), stop);
  } catch (const PassFailed& failure) {
    code = failure.status.code();
  }
  CHECK(code == Code::STOPPED);
  const std::vector<float> actual = results(file, activations.x, &pool, residency.get());
  CHECK(same_bits(actual.data(), expected.data(), expected.size()));
}

}  // namespace
}  // namespace hearth
