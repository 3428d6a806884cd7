// Weights in super-blocks times int8 activations in plain code, for the types that an instruction set has no faster
// kernel for: a super-block is decoded once and multiplied with all columns.
#pragma once

#include "kernels/kernels.h"
#include "kernels/super_blocks.h"

namespace {

// The integer sums of canonical order: of scale * q_w * q_x, and of min * q_x.
struct SuperSums {
  int32_t products, mins;
};

template <class B>
inline SuperSums plain_sums(const SuperBlock& w, const int8_t* q, const int16_t* sum) {
  SuperSums out = {0, 0};
  for (int j = 0; j < kSubBlocks; ++j) {
    int32_t dot = 0;
    for (int i = 16 * j; i < 16 * j + 16; ++i) dot += w.q[i] * q[i];
    out.products += w.scale[j] * dot;
    if (kHasMinimum<B>) out.mins += w.min[j] * sum[j];
  }
  return out;
}

template <class B>
void matmul_super_plain(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                        HearthReading) {
  const size_t n_blocks = x->n / HEARTH_SUPER_BLOCK;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < x->cols; ++c) y[c * y_stride + r] = 0.0f;
    for (size_t i = 0; i < n_blocks; ++i) {
      SuperBlock block;
      super_block_at<B>((const char*)w + r * row_bytes, i, &block);
      for (size_t c = 0; c < x->cols; ++c) {
        const size_t at = c * n_blocks + i;
        const SuperSums sums =
            plain_sums<B>(block, x->super_q + at * HEARTH_SUPER_BLOCK, x->super_sum + at * kSubBlocks);
        float* acc = &y[c * y_stride + r];
        *acc = __builtin_fmaf((float)sums.products, block.d * x->super_d[at], *acc);
        if (kHasMinimum<B>) *acc = __builtin_fmaf((float)-sums.mins, block.dmin * x->super_d[at], *acc);
      }
    }
  }
}

// Multiplies blocks of 32 in plain code.
template <class B>
void matmul_plain(const void* w, size_t row_bytes, size_t rows, const HearthColumns* x, float* y, size_t y_stride,
                  HearthReading) {
  const size_t n_blocks = x->n / HEARTH_BLOCK;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < x->cols; ++c) {
      float acc = 0.0f;
      for (size_t i = 0; i < n_blocks; ++i) {
        const Block block = block_at<B>((const char*)w + r * row_bytes, i);
        int32_t sum = 0;
        for (size_t j = 0; j < HEARTH_BLOCK; ++j) sum += block.q[j] * x->q[c * x->n + i * HEARTH_BLOCK + j];
        acc = __builtin_fmaf((float)sum, block.d * x->d[c * n_blocks + i], acc);
      }
      y[c * y_stride + r] = acc;
    }
  }
}

template <class B>
constexpr void set_plain_super(HearthKernels* t, HearthType type) {
  t->matmul[type] = t->matmul_direct[type] = matmul_super_plain<B>;
}

constexpr void set_plain_matmul(HearthKernels* t) {
  t->matmul[HEARTH_TYPE_IQ4_NL] = t->matmul_direct[HEARTH_TYPE_IQ4_NL] = matmul_plain<block_iq4_nl>;
  t->matmul[HEARTH_TYPE_MXFP4] = t->matmul_direct[HEARTH_TYPE_MXFP4] = matmul_plain<block_mxfp4>;
  set_plain_super<block_q2_k>(t, HEARTH_TYPE_Q2_K);
  set_plain_super<block_q3_k>(t, HEARTH_TYPE_Q3_K);
  set_plain_super<block_q4_k>(t, HEARTH_TYPE_Q4_K);
  set_plain_super<block_q5_k>(t, HEARTH_TYPE_Q5_K);
  set_plain_super<block_q6_k>(t, HEARTH_TYPE_Q6_K);
  set_plain_super<block_iq4_xs>(t, HEARTH_TYPE_IQ4_XS);
  set_plain_super<block_iq3_s>(t, HEARTH_TYPE_IQ3_S);
  set_plain_super<block_iq3_xxs>(t, HEARTH_TYPE_IQ3_XXS);
  set_plain_super<block_iq2_xxs>(t, HEARTH_TYPE_IQ2_XXS);
  set_plain_super<block_iq2_xs>(t, HEARTH_TYPE_IQ2_XS);
  set_plain_super<block_iq2_s>(t, HEARTH_TYPE_IQ2_S);
  set_plain_super<block_iq1_s>(t, HEARTH_TYPE_IQ1_S);
  set_plain_super<block_iq1_m>(t, HEARTH_TYPE_IQ1_M);
  set_plain_super<block_tq1_0>(t, HEARTH_TYPE_TQ1_0);
  set_plain_super<block_tq2_0>(t, HEARTH_TYPE_TQ2_0);
}

}  // namespace
