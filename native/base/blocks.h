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

enum { HEARTH_BLOCK = 32 };  // weights in a block of the legacy quantizations

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
