// Plans of what a model would take of a machine's memory, told from the headers of its files alone: no weights are
// mapped or read. And how fast this machine reads files and multiplies weights, which tells how fast the model would
// be.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "include/engine.h"
#include "include/status.h"

namespace hearth {

// The first bytes of one of a model's files, the whole header among them, and the size of all of the file.
struct FileHead {
  std::string name;  // for messages
  std::vector<uint8_t> bytes;
  uint64_t file_bytes = 0;
};

// Whether `bytes` hold the whole header of a GGUF file of so many bytes. GGUF_ codes for what is wrong with it.
Status check_file_head(std::span<const uint8_t> bytes, uint64_t file_bytes, bool* whole);

struct MemoryPlanRequest {
  EngineOptions engine;
  // Memory of the whole process; 0: what the machine and its control groups leave, for a process in this one's place.
  uint64_t memory_bytes = 0;
  // That the process takes of it before the model does; 0: as much as this one.
  uint64_t process_bytes = 0;
};

// The matrices of one type and length of rows that a pass multiplies with.
struct PlannedMatmul {
  std::string type;  // "Q4_0"
  uint64_t row_length = 0;
  uint64_t bytes = 0;         // without those of experts
  uint64_t expert_bytes = 0;  // of all experts
};

struct MemoryPlan {
  EngineOptions options;  // with the defaults filled in
  uint64_t budget_bytes = 0;
  std::string limit;           // what set it: "the machine's free memory"
  uint64_t reserve_bytes = 0;  // left to others, not of the budget
  uint64_t process_bytes = 0;  // not of the budget either

  uint64_t kv_bytes = 0;      // of the slots: cache, windows, states
  uint64_t prefix_bytes = 0;  // of prefixes that are kept for later
  uint64_t scratch_bytes = 0;
  uint64_t weight_bytes = 0;    // of all matrices of a pass, all experts among them
  uint64_t kept_bytes = 0;      // of them, those that stay in memory: of experts as many whole ones as fit
  uint64_t streamed_bytes = 0;  // of them, those that are read from the file
  // A part of them, experts: a token reads those that it uses, n_expert_used / n_expert of these where routers choose
  // all experts equally often. Real routers prefer some, which come to stay, so that it reads less.
  uint64_t streamed_expert_bytes = 0;
  uint64_t ring_bytes = 0;
  std::vector<PlannedMatmul> matmuls;
  uint32_t n_expert = 0, n_expert_used = 0;
  bool q8_0 = true;  // whether the KV cache can be of that type
};

// The model, and the plan of each request.
struct ModelPlan {
  ModelFileInfo model;            // of all files
  uint64_t n_tokens = 0;          // of the vocabulary
  std::vector<MemoryPlan> plans;  // as many as requests
};

// `heads`: of all parts of the model, in their order. GGUF_TRUNCATED where one is not whole, other GGUF_ codes,
// MODEL_PART_INVALID, MODEL_ARCHITECTURE_UNSUPPORTED and the like, OPTION_OUT_OF_RANGE, ISA_ codes, OUT_OF_MEMORY.
Status plan_memory(std::span<const FileHead> heads, std::span<const MemoryPlanRequest> requests, ModelPlan* plan);

// Bytes a second at which a file is read past the page cache, in large reads of pieces that lie all over it, two at a
// time, as streamed weights are. Takes so many milliseconds, or less where the file is read before. FILE_OPEN_FAILED,
// FILE_READ_FAILED.
Status measure_file_reading(const std::string& path, int32_t milliseconds, double* bytes_per_second);

struct WeightTrial {
  std::string type;  // "Q4_0"
  uint64_t row_length = 0;
  MatmulTrial matmul;
};

// How fast matrices of a type are multiplied: random ones, several times as large as the caches, or half of the memory
// that is free. At most some tenths of a second. OPTION_OUT_OF_RANGE, MODEL_TENSOR_TYPE_UNSUPPORTED, ISA_ codes,
// OUT_OF_MEMORY.
Status measure_weights(const WeightTrial& trial, double* bytes_per_second);

}  // namespace hearth
