// Tensor types of GGUF and the layout of their blocks, as they stand in the file (little-endian, packed).
// A C header without functions, so that kernels compiled for one instruction set can include it.
// Source: the GGUF specification and the block definitions of ggml.
#pragma once

#include <stdint.h>

// Ids as they stand in the file. 4, 5, 31 to 33 and 36 to 38 were withdrawn from the format.
typedef enum HearthType {
  HEARTH_TYPE_F32 = 0,
  HEARTH_TYPE_F16 = 1,
  HEARTH_TYPE_Q4_0 = 2,
  HEARTH_TYPE_Q4_1 = 3,
  HEARTH_TYPE_Q5_0 = 6,
  HEARTH_TYPE_Q5_1 = 7,
  HEARTH_TYPE_Q8_0 = 8,
  HEARTH_TYPE_Q8_1 = 9,
  HEARTH_TYPE_Q2_K = 10,
  HEARTH_TYPE_Q3_K = 11,
  HEARTH_TYPE_Q4_K = 12,
  HEARTH_TYPE_Q5_K = 13,
  HEARTH_TYPE_Q6_K = 14,
  HEARTH_TYPE_Q8_K = 15,
  HEARTH_TYPE_IQ2_XXS = 16,
  HEARTH_TYPE_IQ2_XS = 17,
  HEARTH_TYPE_IQ3_XXS = 18,
  HEARTH_TYPE_IQ1_S = 19,
  HEARTH_TYPE_IQ4_NL = 20,
  HEARTH_TYPE_IQ3_S = 21,
  HEARTH_TYPE_IQ2_S = 22,
  HEARTH_TYPE_IQ4_XS = 23,
  HEARTH_TYPE_I8 = 24,
  HEARTH_TYPE_I16 = 25,
  HEARTH_TYPE_I32 = 26,
  HEARTH_TYPE_I64 = 27,
  HEARTH_TYPE_F64 = 28,
  HEARTH_TYPE_IQ1_M = 29,
  HEARTH_TYPE_BF16 = 30,
  HEARTH_TYPE_TQ1_0 = 34,
  HEARTH_TYPE_TQ2_0 = 35,
  HEARTH_TYPE_MXFP4 = 39,
  HEARTH_TYPE_NVFP4 = 40,
  HEARTH_TYPE_Q1_0 = 41,
  HEARTH_TYPE_Q2_0 = 42,
  HEARTH_TYPE_COUNT = 43,  // one past the largest id that GGUF defines
} HearthType;

enum {
  HEARTH_BLOCK = 32,         // weights in a block of the legacy quantizations, IQ4_NL and MXFP4
  HEARTH_SUPER_BLOCK = 256,  // weights in a block of all others
};

// x = d * (q - 8); the low nibbles are weights 0..15, the high nibbles 16..31.
typedef struct {
  uint16_t d;  // f16
  uint8_t qs[HEARTH_BLOCK / 2];
} block_q4_0;

// x = d * q + m
typedef struct {
  uint16_t d, m;  // f16
  uint8_t qs[HEARTH_BLOCK / 2];
} block_q4_1;

// x = d * (q - 16); bit i of qh is the fifth bit of weight i.
typedef struct {
  uint16_t d;  // f16
  uint8_t qh[4];
  uint8_t qs[HEARTH_BLOCK / 2];
} block_q5_0;

// x = d * q + m
typedef struct {
  uint16_t d, m;  // f16
  uint8_t qh[4];
  uint8_t qs[HEARTH_BLOCK / 2];
} block_q5_1;

// x = d * q
typedef struct {
  uint16_t d;  // f16
  int8_t qs[HEARTH_BLOCK];
} block_q8_0;

// x = d * values[q], from the 16 values of the IQ4 codebook; nibbles as in Q4_0.
typedef struct {
  uint16_t d;  // f16
  uint8_t qs[HEARTH_BLOCK / 2];
} block_iq4_nl;

// x = 2^(e - 128) * values[q], from twice the values of a 4-bit float (OCP Microscaling Formats 1.0); nibbles as in
// Q4_0.
typedef struct {
  uint8_t e;
  uint8_t qs[HEARTH_BLOCK / 2];
} block_mxfp4;

// Below, weight i of a super-block is in sub-block i / 16 or i / 32, each with a small integer scale of its own.

// x = d * scale * q - dmin * min, for 16 weights. A byte of qs has weights l, l + 32, l + 64, l + 96 of its half of
// the super-block, lowest bits first; a byte of scales has the scale in its low and the minimum in its high nibble.
typedef struct {
  uint8_t scales[HEARTH_SUPER_BLOCK / 16];
  uint8_t qs[HEARTH_SUPER_BLOCK / 4];
  uint16_t d, dmin;  // f16
} block_q2_k;

// x = d * (scale - 32) * (q - 4), for 16 weights. qs as in Q2_K; bit j of hmask[l] is the third bit of weight 32 * j +
// l. Of scales, bytes 0..7 have the low four bits of scales 0..7 and 8..15; bytes 8..11 two bits each of scales l, l +
// 4, l + 8, l + 12.
typedef struct {
  uint8_t hmask[HEARTH_SUPER_BLOCK / 8];
  uint8_t qs[HEARTH_SUPER_BLOCK / 4];
  uint8_t scales[12];
  uint16_t d;  // f16
} block_q3_k;

// x = d * scale * q - dmin * min, for 32 weights. 32 bytes of qs have two sub-blocks, the first in the low nibbles.
// Bytes 0..3 and 4..7 of scales have scales and minimums 0..3 in their low six bits; bytes 8..11 the low four bits of
// scales and of minimums 4..7, whose upper two are the upper two of bytes 0..3 and 4..7.
typedef struct {
  uint16_t d, dmin;  // f16
  uint8_t scales[12];
  uint8_t qs[HEARTH_SUPER_BLOCK / 2];
} block_q4_k;

// The layout of Q4_K with a fifth bit: bit j of qh[l] is the fifth bit of weight 32 * j + l.
typedef struct {
  uint16_t d, dmin;  // f16
  uint8_t scales[12];
  uint8_t qh[HEARTH_SUPER_BLOCK / 8];
  uint8_t qs[HEARTH_SUPER_BLOCK / 2];
} block_q5_k;

// x = d * scale * (q - 32), for 16 weights. In each half of the super-block, bytes l and l + 32 of ql have the low four
// bits of weights l and l + 32, and in their high nibbles those of l + 64 and l + 96; a byte of qh has the upper two of
// all four, lowest first.
typedef struct {
  uint8_t ql[HEARTH_SUPER_BLOCK / 2];
  uint8_t qh[HEARTH_SUPER_BLOCK / 4];
  int8_t scales[HEARTH_SUPER_BLOCK / 16];
  uint16_t d;  // f16
} block_q6_k;

// x = d * (scale - 32) * values[q], for 32 weights, whose nibbles are as in Q4_0. scales_l has the low four bits of the
// scales, two a byte; scales_h two bits each.
typedef struct {
  uint16_t d;  // f16
  uint16_t scales_h;
  uint8_t scales_l[HEARTH_SUPER_BLOCK / 64];
  uint8_t qs[HEARTH_SUPER_BLOCK / 2];
} block_iq4_xs;

// The IQ2 and IQ3 types take magnitudes by eights or fours from a codebook (kernels/codebooks.h), and have a sign for
// each weight; where those take seven bits for eight weights, the eighth makes their number even.

// x = d / 8 * (2 * scale + 1) * codebook, for 32 weights. Four numbers each: indices of eight bits in the first two; in
// the others four times seven bits of signs, then four bits of scale.
typedef struct {
  uint16_t d;  // f16
  uint16_t qs[HEARTH_SUPER_BLOCK / 8];
} block_iq2_xxs;

// x = d / 8 * (2 * scale + 1) * codebook, for 16 weights. Nine bits of index, seven of signs.
typedef struct {
  uint16_t d;  // f16
  uint16_t qs[HEARTH_SUPER_BLOCK / 8];
  uint8_t scales[HEARTH_SUPER_BLOCK / 32];  // two a byte
} block_iq2_xs;

// The layout of IQ2_XS with ten bits of index, the upper two in qh, and eight of signs.
typedef struct {
  uint16_t d;  // f16
  uint8_t qs[HEARTH_SUPER_BLOCK / 8];
  uint8_t signs[HEARTH_SUPER_BLOCK / 8];
  uint8_t qh[HEARTH_SUPER_BLOCK / 32];
  uint8_t scales[HEARTH_SUPER_BLOCK / 32];  // two a byte
} block_iq2_s;

// x = d / 4 * (2 * scale + 1) * codebook, for 32 weights: eight indices of four weights in qs; in four bytes of
// scales_signs four times seven bits of signs, then four bits of scale.
typedef struct {
  uint16_t d;  // f16
  uint8_t qs[HEARTH_SUPER_BLOCK / 4];
  uint8_t scales_signs[HEARTH_SUPER_BLOCK / 8];
} block_iq3_xxs;

// x = d * (2 * scale + 1) * codebook, for 32 weights. Nine bits of index for four weights, the ninth in qh.
typedef struct {
  uint16_t d;  // f16
  uint8_t qs[HEARTH_SUPER_BLOCK / 4];
  uint8_t qh[HEARTH_SUPER_BLOCK / 32];
  uint8_t signs[HEARTH_SUPER_BLOCK / 8];
  uint8_t scales[HEARTH_SUPER_BLOCK / 64];  // two a byte
} block_iq3_s;

// x = d / 8 * (2 * scale + 1) * (codebook +- 1), for 32 weights. Four times three upper bits of an index are in qh,
// then three bits of scale, then the sign of the 1.
typedef struct {
  uint16_t d;  // f16
  uint8_t qs[HEARTH_SUPER_BLOCK / 8];
  uint16_t qh[HEARTH_SUPER_BLOCK / 32];
} block_iq1_s;

// IQ1_S with a scale for 16 weights and a sign for eight: a nibble of qh has three upper bits of an index, then
// that sign. Each 16 bits of scales have four scales and, in their upper four bits, a quarter of d, the lowest first.
typedef struct {
  uint8_t qs[HEARTH_SUPER_BLOCK / 8];
  uint8_t qh[HEARTH_SUPER_BLOCK / 16];
  uint8_t scales[HEARTH_SUPER_BLOCK / 32];
} block_iq1_m;

// x = d * (q - 1). Digits of base three, the highest first; the value is the byte times 3^5 / 256, rounded up. Byte l
// of the first 32 of qs has weights l, l + 32, ... l + 128; of the last 16, weights 160 + l, l + 16, ...; bytes of qh
// have weights 240 + l, l + 4, l + 8, l + 12.
typedef struct {
  uint8_t qs[48];
  uint8_t qh[4];
  uint16_t d;  // f16
} block_tq1_0;

// x = d * (q - 1). qs as in Q2_K.
typedef struct {
  uint8_t qs[HEARTH_SUPER_BLOCK / 4];
  uint16_t d;  // f16
} block_tq2_0;
