// Matrix products and dequantization: ref against double precision, every other set against ref, bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels_support.h"

namespace hearth {
namespace {

// Activations in guarded memory, quantized by ref.
struct Columns {
  Columns(size_t n, size_t cols, int extreme, Random& random)
      : f32(n * cols),
        q(n * cols),
        d(n / 32 * cols),
        sum(n / 32 * cols),
        super_q(n * cols),
        super_d(n / 256 * cols),
        super_sum(n / 256 * 16 * cols) {
    for (float& value : f32) value = random.normal();
    if (n % 32 == 0) ref_kernels().quantize_q8(f32.data(), n * cols, q.data(), d.data(), sum.data());
    if (n % 256 == 0) {
      ref_kernels().quantize_q8_super(f32.data(), n * cols, super_q.data(), super_d.data(), super_sum.data());
    }
    if (extreme != 0) set_all(extreme);
    x = {n, cols, f32.data(), q.data(), d.data(), sum.data(), super_q.data(), super_d.data(), super_sum.data()};
  }

  // Columns c0 and on.
  HearthColumns from(size_t c0, size_t cols) const {
    const size_t n = x.n;
    return {n,
            cols,
            x.f32 + c0 * n,
            x.q + c0 * n,
            x.d + c0 * (n / 32),
            x.sum + c0 * (n / 32),
            x.super_q + c0 * n,
            x.super_d + c0 * (n / 256),
            x.super_sum + c0 * (n / 256 * 16)};
  }

  // The largest sums that int8 activations can make; extreme == 2 alternates the sign.
  void set_all(int extreme) {
    for (size_t i = 0; i < q.size(); ++i) q[i] = static_cast<int8_t>(extreme == 1 || i % 2 == 0 ? 127 : -127);
    for (size_t i = 0; i < super_q.size(); ++i)
      super_q[i] = static_cast<int8_t>(extreme == 1 || i % 2 == 0 ? 127 : -127);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = extreme == 1 ? 32 * 127 : 0;
    for (size_t i = 0; i < super_sum.size(); ++i) super_sum[i] = extreme == 1 ? 16 * 127 : 0;
  }

  GuardedBuffer<float> f32;
  GuardedBuffer<int8_t> q;
  GuardedBuffer<float> d;
  GuardedBuffer<int32_t> sum;
  GuardedBuffer<int8_t> super_q;
  GuardedBuffer<float> super_d;
  GuardedBuffer<int16_t> super_sum;
  HearthColumns x;
};

struct Shape {
  size_t n, rows, cols, padding;  // padding: bytes between rows, which also misaligns them
  int quants = -1, extreme = 0;
};

// Whether `kernels` gives the bits of ref, with weights, activations and results that end at guard pages.
bool matches_ref(const HearthKernels& kernels, HearthReading reading, const TypeLayout& layout, const Shape& shape,
                 uint32_t seed) {
  Random random(seed);
  const size_t bytes = shape.n / layout.block * layout.bytes, row_bytes = bytes + shape.padding;
  GuardedBuffer<uint8_t> w(row_bytes * (shape.rows - 1) + bytes);
  for (size_t r = 0; r < shape.rows; ++r) fill_row(layout, shape.n, shape.quants, random, w.data() + r * row_bytes);
  const Columns columns(shape.n, shape.cols, shape.extreme, random);

  const size_t stride = shape.rows + 3, results = (shape.cols - 1) * stride + shape.rows;
  GuardedBuffer<float> expected(results), actual(results);
  for (size_t i = 0; i < results; ++i) expected[i] = actual[i] = -12345.0f;
  ref_kernels().matmul[layout.type](w.data(), row_bytes, shape.rows, &columns.x, expected.data(), stride,
                                    ref_kernels().readings[0]);
  kernels.matmul[layout.type](w.data(), row_bytes, shape.rows, &columns.x, actual.data(), stride, reading);
  return same_bits(expected.data(), actual.data(), results);
}

std::vector<size_t> sizes(const TypeLayout& layout) {
  if (layout.block == 1) return {1, 2, 8, 15, 16, 17, 31, 32, 33, 48, 100};
  if (layout.block == 32) return {32, 64, 96, 128, 160, 288};
  return {256, 768};
}

// Counts of rows and columns at the edges of tiles; of the many types in super-blocks, which share their loops, fewer.
std::vector<size_t> row_counts(const TypeLayout& layout) {
  if (layout.block == 256) return {1, 3, 4, 7, 17, 40};
  return {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 40};
}
std::vector<size_t> column_counts(const TypeLayout& layout) {
  if (layout.block == 256) return {1, 2, 3, 7, 9};
  return {1, 2, 3, 4, 5, 6, 7, 8, 9};
}

// Weight `i` of a row, from the definition of its type in the GGUF specification. For the types with codebooks or
// super-blocks as ref dequantizes them, which test/golden holds against the exact logits of files.
double weight(const TypeLayout& layout, const uint8_t* row, size_t i) {
  const auto f16 = [](const uint8_t* p) {
    const int bits = p[0] | p[1] << 8, exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
  };
  if (layout.type == HEARTH_TYPE_F16) return f16(row + 2 * i);
  if (layout.type == HEARTH_TYPE_F32 || layout.type == HEARTH_TYPE_BF16) {
    uint8_t bytes[4] = {};
    std::memcpy(bytes + 4 - layout.bytes, row + layout.bytes * i, layout.bytes);
    float x;
    std::memcpy(&x, bytes, sizeof x);
    return x;
  }
  if (layout.block == 256 || layout.type == HEARTH_TYPE_IQ4_NL || layout.type == HEARTH_TYPE_MXFP4) {
    float block[256];
    ref_kernels().dequantize[layout.type](row + i / layout.block * layout.bytes, layout.block, block);
    return block[i % layout.block];
  }
  const uint8_t* block = row + i / 32 * layout.bytes;
  const uint8_t* quants = block + layout.bytes - (layout.type == HEARTH_TYPE_Q8_0 ? 32 : 16);
  const size_t j = i % 32;
  if (layout.type == HEARTH_TYPE_Q8_0) return f16(block) * static_cast<int8_t>(quants[j]);
  int q = j < 16 ? quants[j] % 16 : quants[j - 16] / 16;
  if (layout.type == HEARTH_TYPE_Q5_0 || layout.type == HEARTH_TYPE_Q5_1) q += quants[j / 8 - 4] >> j % 8 & 1 ? 16 : 0;
  if (layout.type == HEARTH_TYPE_Q4_0) return f16(block) * (q - 8);
  if (layout.type == HEARTH_TYPE_Q5_0) return f16(block) * (q - 16);
  return f16(block) * q + f16(block + 2);
}

}  // namespace

TEST_CASE("ref multiplies as double precision does" * doctest::test_suite("ref alone")) {
  for (const TypeLayout& layout : type_layouts()) {
    CAPTURE(layout.name);
    for (const size_t n : sizes(layout)) {
      CAPTURE(n);
      Random random(static_cast<uint32_t>(n));
      const size_t bytes = n / layout.block * layout.bytes;
      std::vector<uint8_t> row(bytes);
      fill_row(layout, n, -1, random, row.data());
      const Columns columns(n, 1, 0, random);
      float actual = 0;
      ref_kernels().matmul[layout.type](row.data(), bytes, 1, &columns.x, &actual, 1, ref_kernels().readings[0]);

      double expected = 0, magnitude = 0;
      for (size_t i = 0; i < n; ++i) {
        const double x = layout.block == 1    ? columns.f32[i]
                         : layout.block == 32 ? static_cast<double>(columns.d[i / 32]) * columns.q[i]
                                              : static_cast<double>(columns.super_d[i / 256]) * columns.super_q[i];
        expected += weight(layout, row.data(), i) * x;
        magnitude += std::fabs(weight(layout, row.data(), i) * x);
      }
      CHECK(std::fabs(actual - expected) <= 1e-6 * magnitude);
    }
  }
}

TEST_CASE("dequantization gives the weights of the specification, and the same bits in every set") {
  for (const TypeLayout& layout : type_layouts()) {
    CAPTURE(layout.name);
    for (const size_t n : sizes(layout)) {
      Random random(static_cast<uint32_t>(n));
      GuardedBuffer<uint8_t> row(n / layout.block * layout.bytes);
      fill_row(layout, n, -1, random, row.data());
      GuardedBuffer<float> expected(n), actual(n);
      ref_kernels().dequantize[layout.type](row.data(), n, expected.data());
      for (size_t i = 0; i < n; ++i) {
        const double w = weight(layout, row.data(), i);
        CHECK(std::fabs(expected[i] - w) <= 1e-7 * (std::fabs(w) + 1e-7));
      }
      for (const HearthKernels* kernels : vector_kernels()) {
        CAPTURE(kernels->name);
        kernels->dequantize[layout.type](row.data(), n, actual.data());
        CHECK(same_bits(expected.data(), actual.data(), n));
      }
    }
  }
}

TEST_CASE("every set multiplies like ref at any size, row count, column count and alignment") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    for (const TypeLayout& layout : type_layouts()) {
      CAPTURE(layout.name);
      uint32_t seed = 1;
      for (const size_t n : sizes(layout)) {
        for (const size_t rows : row_counts(layout)) {
          for (const size_t cols : column_counts(layout)) {
            const Shape shape{n, rows, cols, (rows + cols) % 3};
            CAPTURE(n);
            CAPTURE(rows);
            CAPTURE(cols);
            REQUIRE(matches_ref(*kernels, kernels->readings[0], layout, shape, ++seed));
          }
        }
      }
    }
  }
}

TEST_CASE("how weights are read changes no bit") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    // The first reading is held to ref above, the others to the first.
    std::vector<HearthReading> readings(kernels->readings, kernels->readings + kernels->n_readings);
    for (const bool streams : {true, false}) {  // at the ends of what may be forced, too
      readings.push_back({streams, 0});
      readings.push_back({streams, 1 << 20});
    }
    for (const TypeLayout& layout : type_layouts()) {
      CAPTURE(layout.name);
      for (const size_t n : {768, 3072}) {  // groups of rows that are shorter than what is fetched ahead, and longer
        Random random(5);
        const size_t most_rows = 40, bytes = n / layout.block * layout.bytes, row_bytes = bytes + 1;
        std::vector<uint8_t> rows_of(row_bytes * most_rows);
        for (size_t r = 0; r < most_rows; ++r) fill_row(layout, n, -1, random, rows_of.data() + r * row_bytes);
        for (const size_t rows : {3, 8, 19, 40}) {
          CAPTURE(rows);
          const size_t size = row_bytes * (rows - 1) + bytes;
          GuardedBuffer<uint8_t> w(size);
          std::copy_n(rows_of.data(), size, w.data());
          for (const size_t cols : {1, 5}) {
            CAPTURE(cols);
            const Columns columns(n, cols, 0, random);
            GuardedBuffer<float> expected(rows * cols), actual(rows * cols);
            const auto multiply = [&](const HearthReading& reading, float* y) {
              kernels->matmul[layout.type](w.data(), row_bytes, rows, &columns.x, y, rows, reading);
            };
            multiply(readings[0], expected.data());
            for (const HearthReading& reading : readings) {
              CAPTURE(reading.streams);
              CAPTURE(reading.ahead);
              multiply(reading, actual.data());
              CHECK(same_bits(expected.data(), actual.data(), actual.size()));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("the largest integer sums overflow in no set") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    for (const TypeLayout& layout : type_layouts()) {
      if (layout.block == 1) continue;
      CAPTURE(layout.name);
      for (const int quants : {0x00, 0xff, 0x80, 0x7f, 0x81, 0x0f, 0xf0, 0x88, 0x55}) {
        for (const int extreme : {1, 2}) {
          CAPTURE(quants);
          CAPTURE(extreme);
          CHECK(matches_ref(*kernels, kernels->readings[0], layout, Shape{256, 19, 5, 1, quants, extreme}, 7));
          CHECK(matches_ref(*kernels, kernels->readings[0], layout, Shape{256, 35, 14, 1, quants, extreme},
                            8));  // packed
        }
      }
    }
  }
}

TEST_CASE("unpacking weights into panels for many columns changes no bit") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    for (const TypeLayout& layout : type_layouts()) {
      CAPTURE(layout.name);
      for (const size_t n : {32, 1024, 1280, 2080}) {  // within one chunk of blocks, and over its end
        if (n % layout.block != 0) continue;
        for (const size_t rows : {7, 8, 71, 130}) {
          for (const size_t cols : {8, 14, 17}) {
            CAPTURE(n);
            CAPTURE(rows);
            CAPTURE(cols);
            Random random(static_cast<uint32_t>(n + rows + cols));
            const size_t bytes = n / layout.block * layout.bytes;
            GuardedBuffer<uint8_t> w(bytes * rows);
            for (size_t r = 0; r < rows; ++r) fill_row(layout, n, -1, random, w.data() + r * bytes);
            const Columns columns(n, cols, 0, random);
            GuardedBuffer<float> packed(rows * cols), direct(rows * cols);
            kernels->matmul[layout.type](w.data(), bytes, rows, &columns.x, packed.data(), rows, kernels->readings[0]);
            kernels->matmul_direct[layout.type](w.data(), bytes, rows, &columns.x, direct.data(), rows,
                                                kernels->readings[0]);
            CHECK(same_bits(packed.data(), direct.data(), packed.size()));
          }
        }
      }
    }
  }
}

TEST_CASE("a column's result does not depend on the rows and columns it is computed with") {
  for (const HearthKernels* kernels : vector_kernels()) {
    CAPTURE(kernels->name);
    for (const TypeLayout& layout : type_layouts()) {
      CAPTURE(layout.name);
      const size_t n = 256, rows = 37, cols = 21, bytes = n / layout.block * layout.bytes;
      Random random(3);
      std::vector<uint8_t> w(bytes * rows);
      for (size_t r = 0; r < rows; ++r) fill_row(layout, n, -1, random, w.data() + r * bytes);
      const Columns columns(n, cols, 0, random);
      std::vector<float> together(rows * cols), alone(rows * cols);
      kernels->matmul[layout.type](w.data(), bytes, rows, &columns.x, together.data(), rows, kernels->readings[0]);
      for (size_t c = 0; c < cols; ++c) {
        const HearthColumns one = columns.from(c, 1);
        for (size_t r = 0; r < rows; ++r) {
          kernels->matmul[layout.type](w.data() + r * bytes, bytes, 1, &one, &alone[c * rows + r], rows,
                                       kernels->readings[0]);
        }
      }
      CHECK(same_bits(together.data(), alone.data(), together.size()));
    }
  }
}

}  // namespace hearth
