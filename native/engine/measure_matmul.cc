// How fast matrices are multiplied in one way: a model's own weights, where they lie, since pages and caches decide as
// much as the processor does; or random ones of a type, for a model that is not there.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "engine/matmul_kinds.h"
#include "engine/options.h"
#include "gguf/random_blocks.h"
#include "gguf/types.h"
#include "include/engine.h"
#include "include/plan.h"
#include "memory/budget.h"
#include "model/product.h"
#include "model/weights.h"
#include "threads/topology.h"

namespace hearth {
namespace {

// Weights that one measurement reads of all kinds together: several times the last-level cache, so that what was read
// before is not there any more, as between two tokens.
constexpr size_t kLeastSample = size_t{64} << 20, kMostSample = size_t{256} << 20;
constexpr size_t kCaches = 4;
// With many columns arithmetic is what is measured, for which few weights are enough.
constexpr size_t kSampleOfMany = size_t{1} << 20;
constexpr int64_t kMostThreads = 256, kMostColumns = 512;

size_t sample_bytes(size_t columns, size_t kinds) {
  if (column_count(columns) == ColumnCount::many) return kSampleOfMany;
#ifdef _SC_LEVEL3_CACHE_SIZE
  const auto cache = static_cast<size_t>(std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)));
#else
  const size_t cache = 0;
#endif
  return std::clamp(kCaches * cache, kLeastSample, kMostSample) / kinds;
}

// Activations of the numbers that there are in models, in every form that weights multiply with.
struct Activations {
  Activations(const HearthKernels& kernels, size_t n, size_t cols)
      : f32(n * cols),
        q(n * cols),
        d(n * cols / HEARTH_BLOCK),
        sum(n * cols / HEARTH_BLOCK),
        super_q(n * cols),
        super_d(n * cols / HEARTH_SUPER_BLOCK),
        super_sum(n * cols / 16) {
    for (size_t i = 0; i < f32.size(); ++i) f32[i] = static_cast<float>(i * 37 % 101) / 50.0f - 1.0f;
    if (n % HEARTH_BLOCK == 0) kernels.quantize_q8(f32.data(), n * cols, q.data(), d.data(), sum.data());
    if (n % HEARTH_SUPER_BLOCK == 0) {
      kernels.quantize_q8_super(f32.data(), n * cols, super_q.data(), super_d.data(), super_sum.data());
    }
    columns = {n, cols, f32.data(), q.data(), d.data(), sum.data(), super_q.data(), super_d.data(), super_sum.data()};
  }

  std::vector<float> f32;
  std::vector<int8_t> q;
  std::vector<float> d;
  std::vector<int32_t> sum;
  std::vector<int8_t> super_q;
  std::vector<float> super_d;
  std::vector<int16_t> super_sum;
  HearthColumns columns;
};

// Bytes a second at which `sample` bytes of the kind's matrices are multiplied, one job a matrix as in a step.
double measure_kind(const MatmulKind& kind, const MatmulPlan& plan, size_t columns, size_t sample, Pool* pool) {
  const Activations x(*plan.way(kind.type, kind.length, columns).kernels, kind.length, columns);
  const auto taller = [](const Matrix& a, const Matrix& b) { return a.rows < b.rows; };
  const size_t rows = std::ranges::max_element(kind.matrices, taller)->rows;
  const size_t most = std::max<size_t>(1, sample / std::max<size_t>(1, kind.matrices[0].row_bytes));
  std::vector<float> y(std::min(rows, most) * columns);
  size_t left = most;
  const auto began = std::chrono::steady_clock::now();
  for (const Matrix& matrix : kind.matrices) {
    if (left == 0) break;
    const Matrix part = matrix.slice(0, std::min(matrix.rows, left));
    const Product product{part, x.columns, {y.data(), columns, part.rows}};
    multiply(std::span(&product, 1), plan, pool);
    left -= part.rows;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  return static_cast<double>((most - left) * kind.matrices[0].row_bytes) / std::max(seconds.count(), 1e-9);
}

// Random weights are multiplied at least so often, and for so long. Of the speeds the upper quartile counts: other
// programs and threads that still wake up only slow a round.
constexpr size_t kLeastRounds = 5;
constexpr std::chrono::milliseconds kMeasuring{60};
// Copied all over the sample: no kernel's speed depends on what the weights are.
constexpr size_t kPatternBytes = size_t{1} << 20;
// A matrix of the sample has so many rows for each weight of a row, as the larger ones of models have.
constexpr size_t kRowsOfLength = 3;

// Random matrices of a kind, `sample` bytes in all.
struct RandomMatrices {
  std::unique_ptr<uint8_t[]> bytes;
  MatmulKind kind{};
};

Status make_random(HearthType type, size_t length, size_t sample, RandomMatrices* made) {
  uint64_t row_bytes = 0;
  if (length == 0 || !row_size(type, length, &row_bytes) || row_bytes > sample) {
    return {Code::OPTION_OUT_OF_RANGE,
            "There are no rows of " + std::to_string(length) + " weights of " + type_name(type) + "."};
  }
  const size_t rows = sample / row_bytes, n = rows * row_bytes;
  const std::vector<uint8_t> pattern = random_blocks(type, std::min(n, kPatternBytes), length);
  made->bytes.reset(new uint8_t[n]);
  for (size_t at = 0; at < n; at += pattern.size()) {
    std::memcpy(made->bytes.get() + at, pattern.data(), std::min(pattern.size(), n - at));
  }
  made->kind = {.type = type, .length = length, .bytes = n, .matrices = {}};
  for (size_t row = 0; row < rows; row += kRowsOfLength * length) {
    const size_t of_matrix = std::min(rows - row, kRowsOfLength * length);
    made->kind.matrices.push_back({made->bytes.get() + row * row_bytes, type, of_matrix, length, row_bytes});
  }
  return {};
}

Status measure_random(const WeightTrial& trial, HearthType type, const MatmulPlan& plan, double* bytes_per_second) {
  const auto columns = static_cast<size_t>(trial.matmul.columns);
  const size_t sample =
      std::min<uint64_t>(sample_bytes(columns, 1), std::max(kSampleOfMany, memory_budget(0).bytes / 2));
  RandomMatrices random;
  HEARTH_RETURN_IF_ERROR(make_random(type, trial.row_length, sample, &random));
  Pool pool(trial.matmul.threads > 0 ? trial.matmul.threads : usable_cores());
  std::vector<double> speeds;
  const auto began = std::chrono::steady_clock::now();
  while (speeds.size() < kLeastRounds || std::chrono::steady_clock::now() - began < kMeasuring) {
    speeds.push_back(measure_kind(random.kind, plan, columns, sample, &pool));
  }
  std::ranges::sort(speeds);
  *bytes_per_second = speeds[speeds.size() * 3 / 4];
  return {};
}

}  // namespace

Status measure_weights(const WeightTrial& trial, double* bytes_per_second) {
  HEARTH_RETURN_IF_ERROR(check_range("threads", trial.matmul.threads, 0, kMostThreads));
  HEARTH_RETURN_IF_ERROR(check_range("columns", trial.matmul.columns, 1, kMostColumns));
  HearthType type;
  if (!find_type(trial.type, &type)) {
    return {Code::OPTION_OUT_OF_RANGE, "There is no type '" + trial.type + "' of weights."};
  }
  if (!is_supported_type(type)) {
    return {Code::MODEL_TENSOR_TYPE_UNSUPPORTED, "This build cannot compute with weights of " + trial.type + "."};
  }
  MatmulWay way;
  HEARTH_RETURN_IF_ERROR(parse_matmul_way(trial.matmul.way, &way));
  try {
    return measure_random(trial, type, MatmulPlan(way), bytes_per_second);
  } catch (const std::exception&) {  // bad_alloc, or no thread to be had
    return {Code::OUT_OF_MEMORY, "There is not enough memory to measure how fast weights are multiplied."};
  }
}

Status measure_matmul(const std::shared_ptr<const Model>& model, const MatmulTrial& trial,
                      std::vector<MatmulSpeed>* speeds) {
  // Model::load makes nothing else.
  const auto loaded = std::static_pointer_cast<const LoadedModel>(model);
  if (loaded->architecture() == nullptr) {
    return {Code::MODEL_HAS_NO_WEIGHTS, "The model was loaded for its vocabulary only."};
  }
  HEARTH_RETURN_IF_ERROR(check_range("threads", trial.threads, 0, kMostThreads));
  HEARTH_RETURN_IF_ERROR(check_range("columns", trial.columns, 1, kMostColumns));
  MatmulWay way;
  HEARTH_RETURN_IF_ERROR(parse_matmul_way(trial.way, &way));
  const MatmulPlan plan(way);
  const auto columns = static_cast<size_t>(trial.columns);
  try {
    const std::vector<MatmulKind> kinds = matmul_kinds(*loaded);
    Pool pool(trial.threads > 0 ? trial.threads : usable_cores());
    pool.parallel_for(static_cast<size_t>(pool.threads()), 1, [](size_t, size_t) {});  // until the threads are there
    for (const MatmulKind& kind : kinds) {
      const double speed = measure_kind(kind, plan, columns, sample_bytes(columns, kinds.size()), &pool);
      speeds->push_back({type_name(kind.type), kind.length, speed});
    }
  } catch (const std::exception&) {  // bad_alloc, or no thread to be had
    return {Code::OUT_OF_MEMORY, "There is not enough memory to measure how matrices are multiplied best."};
  }
  return model->health();
}

Status matmul_ways(const std::string& isa, const std::string& reading, std::vector<std::string>* names) {
  std::vector<MatmulWay> ways;
  HEARTH_RETURN_IF_ERROR(possible_matmul_ways(isa + ":" + reading, &ways));
  for (const MatmulWay& way : ways) names->push_back(way.name());
  return {};
}

}  // namespace hearth
