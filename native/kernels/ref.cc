// The reference kernels: plain scalar code that says what every other set has to compute, operation by operation.
// Knows nothing of any instruction set; its speed does not matter.
#include <math.h>

#include "kernels/elementwise.h"
#include "kernels/sets.h"

namespace {

enum { kLanes = 16 };  // of the canonical float sums

float fold(float lane[kLanes]) {
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

// dot(a, b) in canonical order; a(i) and b(i) give element i.
template <class A, class B>
float dot(A a, B b, size_t n) {
  float lane[kLanes] = {};
  const size_t padded = (n + kLanes - 1) / kLanes * kLanes;
  for (size_t i = 0; i < padded; ++i) {
    lane[i % kLanes] = __builtin_fmaf(i < n ? a(i) : 0.0f, i < n ? b(i) : 0.0f, lane[i % kLanes]);
  }
  return fold(lane);
}

auto f32_at(const void* p) {
  return [p](size_t i) { return load_f32((const char*)p + 4 * i); };
}
auto f16_at(const void* p) {
  return [p](size_t i) { return f32_of_f16(load_u16((const char*)p + 2 * i)); };
}
auto bf16_at(const void* p) {
  return [p](size_t i) { return f32_of_bf16(load_u16((const char*)p + 2 * i)); };
}

template <auto Elements>
void matmul_float(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                  HearthReading) {
  for (size_t c = 0; c < x->cols; ++c) {
    for (size_t r = 0; r < rows; ++r) {
      y[c * y_stride + r] = dot(Elements((const char*)w + r * row_bytes), f32_at(x->f32 + c * x->n), x->n);
    }
  }
}

template <class B>
float dot_quantized(const void* row, const int8_t* q, const float* d, const int32_t* sum, size_t n_blocks) {
  float acc = 0.0f;
  for (size_t i = 0; i < n_blocks; ++i) {
    const Block w = block_at<B>(row, i);
    int32_t isum = 0;
    for (int j = 0; j < HEARTH_BLOCK; ++j) isum += w.q[j] * q[i * HEARTH_BLOCK + j];
    acc = __builtin_fmaf((float)isum, w.d * d[i], acc);
    if (kHasMinimum<B>) acc = __builtin_fmaf(w.m * d[i], (float)sum[i], acc);
  }
  return acc;
}

template <class B>
void matmul_quantized(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                      HearthReading) {
  const size_t n_blocks = x->n / HEARTH_BLOCK;
  for (size_t c = 0; c < x->cols; ++c) {
    for (size_t r = 0; r < rows; ++r) {
      y[c * y_stride + r] = dot_quantized<B>((const char*)w + r * row_bytes, x->q + c * x->n, x->d + c * n_blocks,
                                             x->sum + c * n_blocks, n_blocks);
    }
  }
}

template <class B>
float dot_super(const void* row, const int8_t* q, const float* d, const int16_t* sum, size_t n_blocks) {
  float acc = 0.0f;
  for (size_t i = 0; i < n_blocks; ++i) {
    SuperBlock w;
    super_block_at<B>(row, i, &w);
    int32_t isum = 0, mins = 0;
    for (int j = 0; j < HEARTH_SUPER_BLOCK; ++j) isum += w.scale[j / 16] * w.q[j] * q[i * HEARTH_SUPER_BLOCK + j];
    acc = __builtin_fmaf((float)isum, w.d * d[i], acc);
    if (!kHasMinimum<B>) continue;
    for (int j = 0; j < kSubBlocks; ++j) mins += w.min[j] * sum[i * kSubBlocks + j];
    acc = __builtin_fmaf((float)-mins, w.dmin * d[i], acc);
  }
  return acc;
}

template <class B>
void matmul_super(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                  HearthReading) {
  const size_t n_blocks = x->n / HEARTH_SUPER_BLOCK;
  for (size_t c = 0; c < x->cols; ++c) {
    for (size_t r = 0; r < rows; ++r) {
      y[c * y_stride + r] = dot_super<B>((const char*)w + r * row_bytes, x->super_q + c * x->n,
                                         x->super_d + c * n_blocks, x->super_sum + c * n_blocks * kSubBlocks, n_blocks);
    }
  }
}

// x[n] -> q[n]; returns their scale.
float quantize_block(const float* x, int n, int8_t* q) {
  uint32_t max_bits = 0;  // magnitudes compare as integers, and then a NaN is the largest
  for (int j = 0; j < n; ++j) {
    const uint32_t magnitude = bits_of(x[j]) & 0x7fffffff;
    if (magnitude > max_bits) max_bits = magnitude;
  }
  const float max = float_of(max_bits);
  const bool finite = max_bits < 0x7f800000;
  const bool zero = max < kQuantizeTiny;
  for (int j = 0; j < n; ++j) q[j] = zero || !finite ? 0 : (int8_t)rintf(x[j] * (127.0f / max));
  return zero ? 0.0f : max / 127.0f;
}

// out[i] = the sum of kCount q from kCount * i on.
template <int kCount, class Sum>
void sum_groups(const int8_t* q, size_t n, Sum* out) {
  for (size_t i = 0; i < n / kCount; ++i) {
    out[i] = 0;
    for (int j = 0; j < kCount; ++j) out[i] = (Sum)(out[i] + q[i * kCount + j]);
  }
}

void quantize_q8(const float* x, size_t n, int8_t* q, float* d, int32_t* sum) {
  for (size_t i = 0; i < n; i += HEARTH_BLOCK) d[i / HEARTH_BLOCK] = quantize_block(x + i, HEARTH_BLOCK, q + i);
  sum_groups<HEARTH_BLOCK>(q, n, sum);
}

void quantize_q8_super(const float* x, size_t n, int8_t* q, float* d, int16_t* sum) {
  for (size_t i = 0; i < n; i += HEARTH_SUPER_BLOCK) {
    d[i / HEARTH_SUPER_BLOCK] = quantize_block(x + i, HEARTH_SUPER_BLOCK, q + i);
  }
  sum_groups<16>(q, n, sum);
}

void rms_norm(const float* x, const float* w, size_t n, float eps, float* y) {
  const float scale = 1.0f / sqrtf(dot(f32_at(x), f32_at(x), n) / (float)n + eps);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * scale * w[i];
}

void silu_mul(float* x, const float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] = x[i] / (1.0f + exp_f32(-x[i])) * y[i];
}

void gelu_mul(float* x, const float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const float u = x[i] * __builtin_fmaf(x[i] * x[i], kGeluCubic, kGeluLinear);
    x[i] = x[i] / (1.0f + exp_f32(-u)) * y[i];
  }
}

void sigmoid_mul(float* x, const float* gate, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] = x[i] / (1.0f + exp_f32(-gate[i]));
}

float softcap(float x, float cap) { return (1.0f + -2.0f / (1.0f + exp_f32(x * (2.0f / cap)))) * cap; }

void softcap(float* x, float cap, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] = softcap(x[i], cap);
}

void softmax(float* x, size_t n) {
  float max = -INFINITY;
  for (size_t i = 0; i < n; ++i) max = x[i] > max ? x[i] : max;
  max += 0.0f;  // as in attend_f16
  float lane[kLanes] = {};
  for (size_t i = 0; i < n; ++i) {
    x[i] = exp_f32(x[i] - max);
    lane[i % kLanes] += x[i];
  }
  const float sum = fold(lane);
  for (size_t i = 0; i < n; ++i) x[i] /= sum;
}

void l2_norm(float* x, size_t n, float eps) {
  const float length = sqrtf(dot(f32_at(x), f32_at(x), n));
  const float factor = 1.0f / (length > eps ? length : eps);
  for (size_t i = 0; i < n; ++i) x[i] *= factor;
}

void delta_rule(const HearthDelta* t, const float* state, float* next, float* y) {
  for (size_t j = 0; j < t->d_v; ++j) {
    float recalled = 0.0f;
    for (size_t i = 0; i < t->d_k; ++i) {
      const float kept = state == NULL ? 0.0f : state[i * t->d_v + j] * t->decay;
      recalled = __builtin_fmaf(kept, t->k[i], recalled);
    }
    const float error = (t->v[j] - recalled) * t->beta;
    float sum = 0.0f;
    for (size_t i = 0; i < t->d_k; ++i) {
      const float kept = state == NULL ? 0.0f : state[i * t->d_v + j] * t->decay;
      next[i * t->d_v + j] = __builtin_fmaf(t->k[i], error, kept);
      sum = __builtin_fmaf(next[i * t->d_v + j], t->q[i], sum);
    }
    y[j] = sum;
  }
}

void f32_to_f16(const float* x, size_t n, uint16_t* y) {
  for (size_t i = 0; i < n; ++i) y[i] = f16_of_f32(x[i]);
}

// k(t, i) and v(t, i) give dimension i of token t.
template <class Elements>
void attend(HearthAttendRow* rows, size_t n_rows, Elements k, Elements v, size_t head_dim, HearthScores scores) {
  for (HearthAttendRow* row = rows; row < rows + n_rows; ++row) {
    if (row->first >= row->visible) continue;
    float weight[HEARTH_ATTEND_TOKENS];
    float max = row->max;
    for (size_t t = row->first; t < row->visible; ++t) {
      weight[t] = dot(
                      f32_at(row->q), [&](size_t i) { return k(t, i); }, head_dim) *
                  scores.scale;
      if (scores.softcap != 0.0f) weight[t] = softcap(weight[t], scores.softcap);
      if (weight[t] > max) max = weight[t];
    }
    max += 0.0f;  // never a negative zero, whose place among zeros would depend on the order of comparison
    float lane[kLanes] = {};
    for (size_t t = row->first; t < row->visible; ++t) {
      weight[t] = exp_f32(weight[t] - max);
      lane[t % kLanes] += weight[t];
    }
    const float correction = exp_f32(row->max - max);
    row->max = max;
    row->sum = __builtin_fmaf(row->sum, correction, fold(lane));
    for (size_t i = 0; i < head_dim; ++i) {
      float acc = row->acc[i] * correction;
      for (size_t t = row->first; t < row->visible; ++t) acc = __builtin_fmaf(weight[t], v(t, i), acc);
      row->acc[i] = acc;
    }
  }
}

void attend_f16(HearthAttendRow* rows, size_t n_rows, const uint16_t* k, const uint16_t* v, const void*,
                size_t head_dim, HearthScores scores) {
  const auto elements = [head_dim](const uint16_t* x) {
    return [=](size_t t, size_t i) { return f32_of_f16(x[t * head_dim + i]); };
  };
  attend(rows, n_rows, elements(k), elements(v), head_dim, scores);
}

void attend_q8(HearthAttendRow* rows, size_t n_rows, HearthQ8Rows k, HearthQ8Rows v, const void*, size_t head_dim,
               HearthScores scores) {
  const auto elements = [head_dim](HearthQ8Rows x) {
    return [=](size_t t, size_t i) { return x.d[(t * head_dim + i) / HEARTH_BLOCK] * (float)x.q[t * head_dim + i]; };
  };
  attend(rows, n_rows, elements(k), elements(v), head_dim, scores);
}

constexpr HearthReading kReading = {false, 0};

constexpr HearthKernels table() {
  HearthKernels t = {};
  t.name = "ref";
  t.matmul[HEARTH_TYPE_F32] = matmul_float<f32_at>;
  t.matmul[HEARTH_TYPE_F16] = matmul_float<f16_at>;
  t.matmul[HEARTH_TYPE_BF16] = matmul_float<bf16_at>;
  t.matmul[HEARTH_TYPE_Q4_0] = matmul_quantized<block_q4_0>;
  t.matmul[HEARTH_TYPE_Q4_1] = matmul_quantized<block_q4_1>;
  t.matmul[HEARTH_TYPE_Q5_0] = matmul_quantized<block_q5_0>;
  t.matmul[HEARTH_TYPE_Q5_1] = matmul_quantized<block_q5_1>;
  t.matmul[HEARTH_TYPE_Q8_0] = matmul_quantized<block_q8_0>;
  t.matmul[HEARTH_TYPE_IQ4_NL] = matmul_quantized<block_iq4_nl>;
  t.matmul[HEARTH_TYPE_MXFP4] = matmul_quantized<block_mxfp4>;
  t.matmul[HEARTH_TYPE_Q2_K] = matmul_super<block_q2_k>;
  t.matmul[HEARTH_TYPE_Q3_K] = matmul_super<block_q3_k>;
  t.matmul[HEARTH_TYPE_Q4_K] = matmul_super<block_q4_k>;
  t.matmul[HEARTH_TYPE_Q5_K] = matmul_super<block_q5_k>;
  t.matmul[HEARTH_TYPE_Q6_K] = matmul_super<block_q6_k>;
  t.matmul[HEARTH_TYPE_IQ1_S] = matmul_super<block_iq1_s>;
  t.matmul[HEARTH_TYPE_IQ1_M] = matmul_super<block_iq1_m>;
  t.matmul[HEARTH_TYPE_IQ2_XXS] = matmul_super<block_iq2_xxs>;
  t.matmul[HEARTH_TYPE_IQ2_XS] = matmul_super<block_iq2_xs>;
  t.matmul[HEARTH_TYPE_IQ2_S] = matmul_super<block_iq2_s>;
  t.matmul[HEARTH_TYPE_IQ3_XXS] = matmul_super<block_iq3_xxs>;
  t.matmul[HEARTH_TYPE_IQ3_S] = matmul_super<block_iq3_s>;
  t.matmul[HEARTH_TYPE_IQ4_XS] = matmul_super<block_iq4_xs>;
  t.matmul[HEARTH_TYPE_TQ1_0] = matmul_super<block_tq1_0>;
  t.matmul[HEARTH_TYPE_TQ2_0] = matmul_super<block_tq2_0>;
  for (int i = 0; i < HEARTH_TYPE_COUNT; ++i) t.matmul_direct[i] = t.matmul[i];
  t.readings = &kReading;
  t.n_readings = 1;
  set_elementwise(&t);
  t.quantize_q8 = quantize_q8;
  t.quantize_q8_super = quantize_q8_super;
  t.rms_norm = rms_norm;
  t.silu_mul = silu_mul;
  t.gelu_mul = gelu_mul;
  t.sigmoid_mul = sigmoid_mul;
  t.softcap = softcap;
  t.softmax = softmax;
  t.l2_norm = l2_norm;
  t.delta_rule = delta_rule;
  t.f32_to_f16 = f32_to_f16;
  t.attend_f16 = attend_f16;
  t.attend_q8 = attend_q8;
  return t;
}

}  // namespace

constinit const HearthKernels hearth_kernels__ref = table();
