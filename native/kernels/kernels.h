// The one table through which everything above reaches SIMD code: a set of kernels per instruction set.
//
// Every kernel computes each output with the same floating-point operations in the same order as `ref`, whatever the
// instruction set, the number of rows or columns in the call, or the thread that makes it. So tokens are the same bit
// for bit on every board, alone or in a batch, prefilled whole or in pieces, and tests compare with ==.
//
// The canonical orders:
//  - quantized dot: for each block of 32 the exact int32 sum, then acc = fma(float(sum), d_w * d_x, acc), in order;
//    types with a minimum add acc = fma(m_w * d_x, float(sum of the block's activations), acc) after it;
//  - quantized dot of super-blocks: for each 256 weights the exact int32 sum of scale * q_w * q_x, then
//    acc = fma(float(sum), d_w * d_x, acc), in order; types with minimums add acc = fma(float(-(sum of min * q_x)),
//    dmin_w * d_x, acc) after it. Integers have no order, so each set adds up a super-block as suits it;
//  - float dot and sums of squares: lane[i % 16] = fma(a[i], b[i], lane[i % 16]), i in order, then the lanes are folded
//    in halves: i += i + 8, i += i + 4, i += i + 2, i += i + 1. A tail behaves as if padded with zeros;
//  - everything else is element by element, as kernels/ref.cc writes it down, its exponential included.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blocks.h"

// Activation columns (one a token) in the forms that weight types multiply with. Owned by the caller.
typedef struct HearthColumns {
  size_t n;  // elements of a column
  size_t cols;
  const float* f32;          // [cols, n], used by F32, F16 and BF16 weights; may be null for the others
  const int8_t* q;           // [cols, n], used by weights in blocks of 32: x = d * q, q in -127..127
  const float* d;            // [cols, n / 32]
  const int32_t* sum;        // [cols, n / 32], of the block's q
  const int8_t* super_q;     // [cols, n], used by weights in super-blocks of 256: x = super_d * super_q
  const float* super_d;      // [cols, n / 256]
  const int16_t* super_sum;  // [cols, n / 16], of 16 of super_q
} HearthColumns;

enum { HEARTH_ATTEND_TOKENS = 64 };  // at most in one call of attend_f16 or attend_q8

// Keys or values of a KV block as q8_0: x = d * q, in float32, with one d for 32 dimensions of a token.
typedef struct HearthQ8Rows {
  const int8_t* q;  // [n_tokens, head_dim], head_dim % 32 == 0
  const float* d;   // [n_tokens, head_dim / 32]
} HearthQ8Rows;

// The scores of one attention: dot(q, k) * scale, and where softcap is not 0, softcap * tanh(that / softcap).
typedef struct HearthScores {
  float scale;
  float softcap;
} HearthScores;

// One token at one head of a gated delta rule.
typedef struct HearthDelta {
  const float *q, *k;  // [d_k]
  const float* v;      // [d_v], d_v % 16 == 0
  size_t d_k, d_v;
  float decay, beta;
} HearthDelta;

// One query head at one token while attention runs over the KV blocks (online softmax, Milakov and Gimelshein 2018,
// arXiv:1805.02867). Start with max = -INFINITY, sum = 0, acc = 0; at the end the output is acc / sum.
typedef struct HearthAttendRow {
  const float* q;  // [head_dim]
  float* acc;      // [head_dim]
  float max, sum;
  size_t first, visible;  // the row may see tokens first .. visible - 1 of this block
} HearthAttendRow;

// How weights are read from memory. What is fastest depends on the processor; no result depends on it.
typedef struct HearthReading {
  // Rows that are worked on together stand far apart, and each is read in a stream of its own; or they lie one after
  // the other, and are read in the order of memory.
  bool streams;
  // Bytes that are fetched before they are needed: of each stream, or of the order of memory. In NEON's order of memory
  // at least a group of rows.
  uint32_t ahead;
} HearthReading;

// y[c * y_stride + r] = dot(row r of w, column c of x), for r in 0..rows-1, c in 0..x->cols-1.
// w: rows of one type in their file layout, `row_bytes` apart, at any alignment.
typedef void (*HearthMatmul)(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y,
                             size_t y_stride, HearthReading reading);

typedef struct HearthKernels {
  const char* name;

  // The ways of reading that are the fastest on some machine; the first one where nothing was measured.
  const HearthReading* readings;
  size_t n_readings;

  HearthMatmul matmul[HEARTH_TYPE_COUNT];  // null where the type is not supported
  // Multiplies without unpacking weights into a panel for many columns: slower, the same bits. The off switch of
  // kernels/gemm.h.
  HearthMatmul matmul_direct[HEARTH_TYPE_COUNT];

  // One row of `n` weights to float32. n is a multiple of the type's block. Null where the type is not supported.
  void (*dequantize[HEARTH_TYPE_COUNT])(const void* w, size_t n, float* y);

  // x[n] -> q[n], d[n / 32], sum[n / 32]; d = max|x| / 127, q = round to nearest even of x * (127 / max|x|); n % 32 ==
  // 0. A block below 2^-120 becomes zeros. One with infinities or NaNs gets d = infinity or NaN and q = 0, so that
  // results that depend on it are NaN.
  void (*quantize_q8)(const float* x, size_t n, int8_t* q, float* d, int32_t* sum);
  // Quantizes in blocks of 256, with the sums of each 16 q: x[n] -> q[n], d[n / 256], sum[n / 16]; n % 256 == 0.
  void (*quantize_q8_super)(const float* x, size_t n, int8_t* q, float* d, int16_t* sum);

  // y = x / sqrt(mean(x^2) + eps) * w  (Zhang and Sennrich 2019, arXiv:1910.07467). y may be x.
  void (*rms_norm)(const float* x, const float* w, size_t n, float eps, float* y);
  void (*add)(float* x, const float* y, size_t n);  // x += y
  void (*mul)(float* x, const float* y, size_t n);  // x *= y
  void (*scale)(float* x, float factor, size_t n);  // x *= factor
  // x = silu(x) * y, silu(x) = x / (1 + exp(-x))  (Shazeer 2020, arXiv:2002.05202)
  void (*silu_mul)(float* x, const float* y, size_t n);
  // Multiplies with gelu(x) = x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))  (Hendrycks and Gimpel 2016,
  // arXiv:1606.08415, in its tanh form: (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u))).
  void (*gelu_mul)(float* x, const float* y, size_t n);
  // x = x / (1 + exp(-gate)). gate may be x: silu.
  void (*sigmoid_mul)(float* x, const float* gate, size_t n);
  // x = cap * tanh(x / cap), tanh(u) = 1 - 2 / (1 + exp(2 u))  (Gemma Team 2024, arXiv:2408.00118)
  void (*softcap)(float* x, float cap, size_t n);
  // x = exp(x - max x) / sum of these, added in lanes as above.
  void (*softmax)(float* x, size_t n);
  // x = x / max(sqrt(sum of squares), eps)
  void (*l2_norm)(float* x, size_t n, float eps);
  // y[c] = the sum over t of filter[c * taps + t] * rows[t][c], t in order: a causal convolution whose last input is
  // rows[taps - 1].
  void (*convolve)(const float* const* rows, const float* filter, size_t taps, size_t n, float* y);
  // x = exp(a * softplus(x + dt)), the decay of a gated delta rule; softplus(u) = max(u, 0) + log1p(exp(-|u|))
  void (*delta_decay)(float* x, const float* dt, const float* a, size_t n);
  // The gated delta rule (Yang et al. 2024, arXiv:2412.06464) on a state [d_k, d_v], null for zeros:
  // error = beta * (v - (decay * state)^T k), next = decay * state + k error^T, y[d_v] = next^T q; sums over d_k in
  // order. next may be state.
  void (*delta_rule)(const HearthDelta* token, const float* state, float* next, float* y);
  // Rotates pairs of x[n_dims] by angles whose cosines and sines are given [n_dims / 2]  (Su et al. 2021,
  // arXiv:2104.09864). Pair i is (x[2i], x[2i+1]).
  void (*rope_interleaved)(float* x, const float* cos, const float* sin, size_t n_dims);
  // Pair i is (x[i], x[i + n_dims / 2]).
  void (*rope_halves)(float* x, const float* cos, const float* sin, size_t n_dims);

  void (*f32_to_f16)(const float* x, size_t n, uint16_t* y);  // round to nearest even
  // Advances every row by one KV block: k, v are [n_tokens, head_dim] f16, shared by the rows (a group of heads, many
  // tokens); visible <= n_tokens <= HEARTH_ATTEND_TOKENS. With m = max(max, scores) and p =
  // exp(score - m): sum = fma(sum, exp(max - m), the p added in 16 lanes and folded), acc = acc * exp(max - m), then
  // fma(p, v, acc) in order. next: k of the block that is attended next, which is brought into the caches meanwhile.
  // Null: none.
  void (*attend_f16)(HearthAttendRow* rows, size_t n_rows, const uint16_t* k, const uint16_t* v, const void* next,
                     size_t head_dim, HearthScores scores);
  // Attends over quantized keys and values.
  void (*attend_q8)(HearthAttendRow* rows, size_t n_rows, HearthQ8Rows k, HearthQ8Rows v, const void* next,
                    size_t head_dim, HearthScores scores);
  // Takes what `part`, the same query over other tokens, has gathered into `row`. One that saw no token (sum == 0)
  // changes nothing, and a row that saw none becomes part's copy. With m = max(row.max, part.max): sum =
  // fma(sum, exp(row.max - m), part.sum * exp(part.max - m)), and acc likewise.
  void (*merge_attended)(HearthAttendRow* row, const HearthAttendRow* part, size_t head_dim);
} HearthKernels;
