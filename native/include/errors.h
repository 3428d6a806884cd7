// The native half of the error catalogue: every code the engine can return, with its advice. Written by
// deploy/error-files.ts from src/base/error-catalogue.ts, which is the place to change it.
#pragma once

// X(CODE, "what to do about it")
#define HEARTH_NATIVE_ERRORS(X)                                                                                     \
  X(FILE_OPEN_FAILED, "Check the path and its permissions.")                                                        \
  X(FILE_READ_FAILED, "The file was cut short or its storage fails. Check the card; hearth goes on when it works.") \
  X(FILE_CHANGED, "The model file changed while it was in use. hearth loads the new one by itself: ask again.")     \
  X(FILE_WRITE_FAILED, "Check the free space and the permissions of the folder.")                                   \
  X(GGUF_BAD_MAGIC, "This is not a GGUF file. Give the path of a .gguf model.")                                     \
  X(GGUF_BAD_VERSION, "GGUF versions 2 and 3, little-endian, are supported. Convert the file anew.")                \
  X(GGUF_TRUNCATED, "The file is shorter than its header says. Download it again.")                                 \
  X(GGUF_LIMIT_EXCEEDED, "The header exceeds a limit of the reader. The file is damaged or hostile.")               \
  X(GGUF_BAD_TYPE, "The header names a type that GGUF does not define. The file is damaged or too new.")            \
  X(GGUF_DUPLICATE_NAME, "A name stands twice in the header. The file is damaged; download it again.")              \
  X(GGUF_BAD_ALIGNMENT, "Alignment must be a power of two. The file is damaged; convert it anew.")                  \
  X(GGUF_BAD_STRING, "A string in the header is not UTF-8. The file is damaged; download it again.")                \
  X(GGUF_KEY_MISSING, "The file lacks a key that its architecture needs. Convert it anew.")                         \
  X(GGUF_KEY_BAD_VALUE, "A key has the wrong type or a value out of range. Convert the file anew.")                 \
  X(GGUF_TENSOR_MISSING, "The file lacks a tensor that its architecture needs. Convert it anew.")                   \
  X(GGUF_TENSOR_BAD_SHAPE, "A tensor has the wrong shape. The file is damaged or of another architecture.")         \
  X(GGUF_TENSOR_OUT_OF_BOUNDS, "A tensor lies outside the file. Download it again.")                                \
  X(MODEL_ARCHITECTURE_UNSUPPORTED, "Choose a model of a supported architecture.")                                  \
  X(MODEL_TENSOR_TYPE_UNSUPPORTED, "Choose a file with a supported quantization.")                                  \
  X(MODEL_OUTPUT_INVALID, "The weights are damaged. Download the file again.")                                      \
  X(MODEL_HAS_NO_WEIGHTS, "The file holds only a vocabulary. Choose a file with weights.")                          \
  X(MODEL_WEIGHTS_INVALID, "Weights are damaged. Download or convert the file again.")                              \
  X(MODEL_PART_INVALID, "Keep all parts in one folder under their own names, and name the first one.")              \
  X(QUANTIZE_SOURCE_QUANTIZED, "Give the F32, F16 or BF16 file, or accept the loss with --allow-requantize.")       \
  X(IMPORT_BAD_TENSOR, "The safetensors files are damaged or incomplete. Download the folder again.")               \
  X(TOKENIZER_UNSUPPORTED, "Choose a model with a supported tokenizer.")                                            \
  X(TOKENIZER_BAD_VOCABULARY, "The vocabulary is inconsistent. Convert the file anew.")                             \
  X(TOKEN_OUT_OF_RANGE, "Give token ids from 0 to the vocabulary's size less one.")                                 \
  X(ISA_UNKNOWN, "Unset HEARTH_ISA, or set it to one of the listed names.")                                         \
  X(ISA_UNSUPPORTED, "This CPU lacks the instructions. Unset HEARTH_ISA.")                                          \
  X(SAMPLER_BAD_VALUE, "Give a sampling parameter within its range.")                                               \
  X(GRAMMAR_INVALID, "Correct the grammar at the place that the message names.")                                    \
  X(GRAMMAR_TOO_COMPLEX, "Ask for a smaller or less ambiguous schema or grammar.")                                  \
  X(SEQUENCE_UNKNOWN, "The sequence was closed or never opened.")                                                   \
  X(PLAN_INVALID, "A step needs at least one chunk, every chunk at least one token, and no sequence twice.")        \
  X(CONTEXT_OVERFLOW, "Shorten the prompt, or send fewer messages.")                                                \
  X(KV_FULL, "Too many tokens are in use at once. Ask for less, or raise the KV cache's size.")                     \
  X(PREFIX_FILE_INVALID, "The file is removed and the prompt is read anew; there is nothing to do.")                \
  X(ENGINE_BUSY, "Wait for the running step.")                                                                      \
  X(ENGINE_CLOSED, "The engine was closed.")                                                                        \
  X(OPTION_OUT_OF_RANGE, "Give an option within its range.")                                                        \
  X(STOPPED, "Run the same command again; a pull goes on where it stopped.")                                        \
  X(OUT_OF_MEMORY, "Choose a smaller model or context, or free memory.")                                            \
  X(INTERNAL, "This is a bug; please report it with the message.")
