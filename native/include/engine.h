// The engine's public header: load a GGUF model, tokenize, and run steps over several sequences.
// Whoever uses it (binding/, tools/, tests) knows nothing of tensors, kernels or threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "include/status.h"

namespace hearth {

struct SpecialToken {
  int32_t id;
  std::string text;
  bool control;  // false: user-defined, which is parsed in all text
};

struct TokenizerInfo {
  std::string kind;           // "spm", "bpe", or "none"
  std::string pre_tokenizer;  // tokenizer.ggml.pre; BPE callers split text by its regex before encode()
  size_t n_tokens = 0;
  std::optional<int32_t> bos, eos, eot, eom, unk, pad;
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;           // SPM: text starts with a space
  std::vector<int32_t> end_of_generation;  // ids that end an answer
  std::vector<SpecialToken> special_tokens;
  std::vector<std::string> warnings;  // what is wrong with the file, and was left out: sentences
};

// The memory that a sequence takes.
struct KvBytes {
  uint64_t per_token = 0;
  uint64_t per_sequence = 0;  // beside that, at most: sliding windows, recurrent states, their checkpoints
};

// A number under general.sampling. in a file's header, without that prefix: `temp`, `top_k`.
struct SamplingKey {
  std::string name;
  double value = 0;
};

struct ModelInfo {
  std::string architecture;   // "llama"
  std::string name;           // general.name, may be empty
  std::string weight_type;    // the type that holds most bytes, "Q4_0"; empty without weights
  std::string chat_template;  // Jinja; empty when the file has none
  std::string device;         // that the file is on: "mmcblk0p2"; empty where the system does not say
  uint64_t parameters = 0;
  uint64_t file_bytes = 0;
  uint64_t weight_bytes = 0;  // read for each decoded token
  uint32_t context_trained = 0;
  uint32_t layers = 0;
  uint32_t embedding = 0;
  KvBytes kv_f16, kv_q8_0;  // with EngineOptions::kv_type
  bool has_weights = false;
  std::vector<SamplingKey> sampling;
  TokenizerInfo tokenizer;
};

// Facts of a file's header, also of a model that this engine cannot run. Empty or 0 where the header lacks one.
struct ModelFileInfo {
  std::string architecture;           // "qwen3"
  std::string name;                   // general.name
  std::string weight_type;            // the type that holds most bytes, "Q4_K"
  std::optional<uint32_t> file_type;  // general.file_type: the mix of types, as llama.cpp numbers them
  std::string chat_template;          // Jinja
  std::string tokenizer;              // tokenizer.ggml.model
  std::string pre_tokenizer;          // tokenizer.ggml.pre
  uint64_t parameters = 0;            // of this file alone
  uint64_t file_bytes = 0;
  uint32_t context_trained = 0;
  uint32_t layers = 0;
  uint32_t embedding = 0;
  std::vector<SamplingKey> sampling;
  uint32_t parts = 1;  // files that the model is split into
};

// Reads the header only; every offset is checked against the file. FILE_ and GGUF_ codes.
Status describe_model_file(const std::string& path, ModelFileInfo* info);

struct LoadOptions {
  bool vocabulary_only = false;  // accept a file without weights, map nothing but the header
};

// How a text stands to a grammar.
enum class GrammarMatch {
  NONE,       // no text of the language begins so
  BEGINNING,  // some do
  WHOLE,      // it is one
};

// The texts that a sequence may say, compiled for one model's vocabulary. Immutable, and safe to share between threads.
class Grammar {
 public:
  virtual ~Grammar() = default;
  virtual GrammarMatch match(std::string_view text) const = 0;
};

// A model file, mapped read-only. Immutable after load, so it is safe to share between threads.
class Model {
 public:
  virtual ~Model() = default;

  static Status load(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model>* model);

  virtual const ModelInfo& info() const = 0;

  // Appends the ids of UTF-8 `words` to `ids`. BPE: each word is one match of the pre-tokenizer's regex. SPM: a word is
  // a whole text without special tokens; `add_space_prefix` is the caller's to apply. Special tokens are never parsed
  // here. Invalid UTF-8 is encoded byte by byte.
  virtual Status encode(std::span<const std::string_view> words, std::vector<int32_t>* ids) const = 0;

  // Appends the bytes of `ids` to `bytes`: not always whole UTF-8 characters. Control tokens are left out unless asked
  // for.
  virtual Status decode(std::span<const int32_t> ids, bool with_control_tokens, std::string* bytes) const = 0;

  // Compiles a grammar in GBNF (see sample/gbnf.h) for this vocabulary. GRAMMAR_INVALID, GRAMMAR_TOO_COMPLEX,
  // TOKENIZER_UNSUPPORTED: a model without a vocabulary.
  virtual Status compile_grammar(std::string_view gbnf, std::shared_ptr<const Grammar>* grammar) const = 0;

  // Not ok once the mapped file has been cut short, changed or failed to read (FILE_CHANGED, FILE_READ_FAILED).
  virtual Status health() const = 0;
  // health(), and whether the storage answers: reads a block of the file where a reading failed before, or where
  // `probes` is set. After a reading that failed it is ok once that place can be read again. Takes as long as the
  // storage does: not for a thread that others wait for.
  virtual Status check_storage(bool probes) const = 0;
};

// How one sequence draws its tokens. Source of each: see sample/sampler.h.
struct SamplerOptions {
  float temperature = 0.8f;         // 0..10; 0 is greedy, and then only penalties and biases apply
  int32_t top_k = 40;               // 0 is off
  float top_p = 0.95f;              // 0..1; 1 is off
  float min_p = 0.05f;              // 0..1; 0 is off
  float typical_p = 1.0f;           // 0..1; 1 is off
  float repetition_penalty = 1.0f;  // 0.01..10; 1 is off
  float frequency_penalty = 0.0f;   // -2..2
  float presence_penalty = 0.0f;    // -2..2
  int32_t penalty_last_n = 64;      // tokens looked back at, -1 for all
  uint64_t seed = 0;
  std::vector<std::pair<int32_t, float>> logit_bias;  // token id, -100..100 added to its logit; -100 forbids it
  std::shared_ptr<const Grammar> grammar;             // of the same model; null: anything may be said
  int32_t grammar_from = 0;                           // tokens of the sequence before the text that the grammar is for
  // Within a grammar a loop is left, and the text brought on towards its end (see sample/grammar.h): after one token or
  // two in turn have come so often, or more of them, up to 64, have filled so many tokens; 0: never. Else the caller
  // watches.
  int32_t loop_repeats = 0;
  int32_t loop_tokens = 0;
};

struct EngineOptions {
  int32_t threads = 0;            // 0: one per physical core this process may use
  int32_t decode_threads = 0;     // of them, for steps of few tokens, which wait for memory; 0: all
  int32_t max_sequences = 4;      // 1..256
  int32_t context_tokens = 2048;  // of one sequence; at most the context the model was trained for
  int32_t kv_tokens = 0;          // of all sequences; 0: max_sequences * context_tokens
  // Memory for sequences that only hold a prefix for later, beside those above. The engine makes of it prefix_sequences
  // more sequences and room for more kv_tokens; at most max_sequences of all take part in a step.
  uint64_t prefix_bytes = 0;
  int32_t prefix_sequences = 0;  // filled in by the engine
  // How keys and values are kept: "f16", or "q8_0" in 0.56 times the memory, at a small loss. The latter needs heads of
  // a multiple of 32.
  std::string kv_type = "f16";
  int32_t max_batch_tokens = 256;  // of one step, over all chunks; 1..4096
  std::string isa;                 // a name of compiled_isas() to force, empty for the best this CPU runs
  // How weights are read, to force: "streams:256", an order (streams or memory) and the bytes to fetch ahead. What it
  // leaves out the kernel set decides, until use_matmuls() says better.
  std::string reading;
  // Memory that the whole process may take; 0: as much as the machine and its control groups leave it. Weights that
  // do not fit are read from the file for each step.
  uint64_t memory_budget = 0;
  // Folder for counts of which experts are used, which the next run begins with; empty: none are kept.
  std::string counts_folder;
  float kept_share = -1;  // 0..1: the share of the weights that stays in memory, whatever fits; below 0: by the budget
  // Reads every named intermediate tensor [rows, cols] of each step, row-major; layer -1 is outside the layers. Called
  // on the engine's thread. For finding a wrong layer by comparing.
  std::function<void(std::string_view name, int layer, std::span<const float> data, size_t cols)> trace;
};

// Which tokens of a chunk a step returns the logits of.
enum class ChunkLogits { NONE, LAST, ALL };

// The work of one step. All spans have to live until `done` was called.
struct StepPlan {
  struct Chunk {
    int32_t sequence;                 // from open_sequence
    std::span<const int32_t> tokens;  // appended to the sequence, at least one
    bool sample = false;              // draw the next token after the last one
    ChunkLogits logits = ChunkLogits::NONE;
    // With `sample`: the last `drafts` tokens are drafts of what follows (speculative decoding, Leviathan et al. 2022,
    // arXiv:2211.17192). A token is drawn at each place, and the sequence keeps the drafts up to the first that is not
    // what was drawn: the same tokens as without drafts, in fewer steps. Fewer than the chunk's tokens. Models with
    // recurrent layers keep none. Not with ChunkLogits::LAST, which nobody could tell the token of.
    int32_t drafts = 0;
    bool hidden = false;      // the last layer's normed output of every token; not with logits or sample
    int32_t prompt_left = 0;  // tokens of the same prompt that later steps bring: where it ends checkpoints are useful
  };
  std::vector<Chunk> chunks;
};

// Why the grammar of a sequence let no token be drawn.
enum class StopReason {
  NONE,                 // one was drawn
  GRAMMAR_END,          // the text is complete, and the vocabulary has no token to say so
  GRAMMAR_LOOPS,        // the text goes round in circles, and is complete as it stands
  GRAMMAR_STUCK,        // no token leads on
  GRAMMAR_TOO_COMPLEX,  // the grammar is too ambiguous to be followed
};

struct ChunkResult {
  // The drawn tokens: with `sample` the kept drafts and the token after them, which is missing where `stopped` says
  // why.
  std::vector<int32_t> tokens;
  StopReason stopped = StopReason::NONE;
  std::vector<float> logits;  // [1 or all tokens of the chunk, n_vocab], row-major
  std::vector<float> hidden;  // [tokens of the chunk, n_embd], row-major
};

struct StepResult {
  std::vector<ChunkResult> chunks;  // in the plan's order
  double compute_ms = 0;
};

// The content of a file of PrefixSnapshot::save().
struct SnapshotInfo {
  std::vector<int32_t> tokens;
  // Lengths that can be gone on from, ascending; empty: any.
  std::vector<int32_t> resumable;
  uint64_t file_bytes = 0;
};

// The first tokens of a sequence as they were when the snapshot was taken, whatever becomes of the sequence. Any
// thread.
class PrefixSnapshot {
 public:
  virtual ~PrefixSnapshot() = default;  // gives the memory back, once no step runs
  virtual int32_t n_tokens() const = 0;
  // Writes keys, values and states to a file that appears when it is complete and on the disk, in the place of one that
  // had its name. `key`, of at most 64 bytes, is what restore_snapshot() has to be given. FILE_WRITE_FAILED,
  // ENGINE_CLOSED.
  virtual Status save(const std::string& path, const std::string& key, SnapshotInfo* info) = 0;
};

// Reads and checks the header of such a file, and that it has its length. PREFIX_FILE_INVALID, also for another key;
// FILE_OPEN_FAILED, FILE_READ_FAILED.
Status describe_snapshot_file(const std::string& path, const std::string& key, SnapshotInfo* info);

// How the matrices of one type and length of rows are multiplied with the columns of a step, which may be one (a token
// of an answer), few (of some answers) or many (a prompt). A way is a kernel set, an order of reading and the bytes
// that are fetched ahead: "avx2:streams:256". All give the same bits.
struct MatmulChoice {
  std::string type;  // "Q4_0"
  uint64_t row_length = 0;
  std::string one, few, many;
};

// The places of an engine's weights that do not all fit in memory. Counts are of all steps so far, unless said
// otherwise.
struct WeightResidency {
  uint64_t kept_bytes = 0;      // of weights that stay in memory
  uint64_t locked_bytes = 0;    // of them, those that the kernel may not take
  uint64_t resident_bytes = 0;  // of them, those that were in memory when somebody looked last
  uint64_t streamed_bytes = 0;  // of weights that each step reads from the file
  uint64_t ring_bytes = 0;      // of the buffers that they are read into
  uint64_t budget_bytes = 0;    // of the KV cache, activations and weights together
  std::string limit;            // what set it: "the machine's free memory"
  uint64_t read_bytes = 0;
  double reading_ms = 0;  // while the storage read
  double waited_ms = 0;   // while a step waited for it
};

// How the memory of an engine stands to what the system has. Bytes.
struct EngineMemory {
  uint64_t weights = 0;         // that a step may read
  uint64_t held = 0;            // the weights that stay in memory, and the ring
  uint64_t affordable = 0;      // what weights and ring may take at this moment, less what others lack already
  double stalled_percent = -1;  // of ten seconds, in which some program waited for memory; below 0: nobody says
};

// Runs one model for up to max_sequences sequences. One step at a time; while a step runs, every other method that
// changes sequences returns ENGINE_BUSY. A step that fails leaves the sequences as they were.
class Engine {
 public:
  virtual ~Engine() = default;  // waits for the running step, or change of memory

  static Status create(std::shared_ptr<const Model> model, const EngineOptions& options,
                       std::unique_ptr<Engine>* engine);

  virtual const EngineOptions& options() const = 0;              // with the defaults filled in
  virtual const char* isa() const = 0;                           // "avx2", "neon_dotprod", ...
  virtual std::optional<WeightResidency> residency() const = 0;  // none: the weights fit
  virtual EngineMemory memory() const = 0;
  // Weights and ring take at most so many bytes from now on: weights for which there is no room are read from the file
  // for each step. Answers are the same. Runs on a thread of its own, which calls `done` with OUT_OF_MEMORY or ok;
  // until then the engine is busy as with a step: some seconds where the storage does not answer. `done` calls no
  // method of the engine. ENGINE_BUSY, OUT_OF_MEMORY, and then it is not called.
  virtual Status fit_weights(uint64_t bytes, std::function<void(Status)> done) = 0;
  // Whether blocks of the KV cache that no sequence has hold memory, so that it is there when one needs them. Runs as
  // fit_weights() does.
  virtual Status hold_free_kv(bool holds, std::function<void(Status)> done) = 0;
  // How many threads steps take from now on, at most those that the engine was made with; `decode_threads` of them are
  // for steps of few tokens. OPTION_OUT_OF_RANGE, ENGINE_BUSY.
  virtual Status use_threads(int32_t threads, int32_t decode_threads) = 0;

  // How the kinds of the model's matrices are multiplied that hold most of its weights.
  virtual std::vector<MatmulChoice> matmuls() const = 0;
  // Multiplies so from the next step on. ENGINE_BUSY; ISA_UNKNOWN, ISA_UNSUPPORTED or OPTION_OUT_OF_RANGE, and then
  // nothing changes.
  virtual Status use_matmuls(std::span<const MatmulChoice> choices) = 0;

  virtual Status open_sequence(const SamplerOptions& sampler, int32_t* sequence) = 0;
  // A new sequence that shares the first `n_tokens` tokens of `source` (its KV blocks are not copied), or as many of
  // them as resumable_tokens() says.
  virtual Status fork_sequence(int32_t source, int32_t n_tokens, const SamplerOptions& sampler, int32_t* sequence) = 0;
  // Forgets all but the first `n_tokens` tokens, or as many of them as resumable_tokens() says.
  virtual Status truncate_sequence(int32_t sequence, int32_t n_tokens) = 0;
  // How many of the first `n_tokens` tokens the sequence can go on from: all, but in models with sliding windows or
  // recurrent layers, which can go back to their checkpoints only. Those lie at the ends of prompts, shortly before
  // them, every few hundred tokens of long ones, and where prompts were found to part before.
  virtual Status resumable_tokens(int32_t sequence, int32_t n_tokens, int32_t* resumable) const = 0;
  virtual Status set_sampler(int32_t sequence, const SamplerOptions& sampler) = 0;
  virtual Status close_sequence(int32_t sequence) = 0;
  virtual Status sequence_length(int32_t sequence, int32_t* n_tokens) const = 0;
  virtual int32_t free_kv_tokens() const = 0;

  // A hash of what keys and values depend on beside the tokens, 32 hex digits: the model's weights (a sample of each
  // tensor) and how they lie in memory. Reads a piece of each tensor the first time.
  virtual Status identify(std::string* identity) const = 0;
  // Takes a snapshot of the first `n_tokens` tokens of a sequence, or as many as resumable_tokens() says; KV_FULL. All
  // have to be gone before the engine is.
  virtual Status snapshot(int32_t sequence, int32_t n_tokens, std::unique_ptr<PrefixSnapshot>* snapshot) = 0;
  // Makes a sequence of the first `n_tokens` tokens of a file, or of as many as can be gone on from. Blocks until the
  // file is read and checked, while steps run; any thread. Errors of describe_snapshot_file(), KV_FULL, ENGINE_CLOSED.
  virtual Status restore_snapshot(const std::string& path, const std::string& key, int32_t n_tokens,
                                  const SamplerOptions& sampler, int32_t* sequence) = 0;
  // Lets running saves and restores end soon, with ENGINE_CLOSED.
  virtual void stop_transfers() = 0;

  // Runs the step on the engine's own thread and calls `done` there.
  virtual Status step(StepPlan plan, std::function<void(Status, StepResult)> done) = 0;
  // Runs step() and waits for its result.
  virtual Status step_and_wait(StepPlan plan, StepResult* result) = 0;
  // Ends the running step, if one runs, within the time of a layer: STOPPED. From any thread.
  virtual void stop_step() = 0;
};

// Bytes a second that `threads` threads read from memory: of several read patterns over a buffer far larger than the
// caches, the one with the best median of five. Takes a quarter of a second, on a slow board two.
double measure_read_bandwidth(int threads);

// The ways of multiplying matrices that this CPU can run, the usual one first: those that keep to `isa` and `reading`
// as EngineOptions have them. ISA_UNKNOWN, ISA_UNSUPPORTED, OPTION_OUT_OF_RANGE.
Status matmul_ways(const std::string& isa, const std::string& reading, std::vector<std::string>* ways);

struct MatmulTrial {
  std::string way;
  int32_t columns = 1;
  int32_t threads = 0;  // 0: one per physical core this process may use
};

struct MatmulSpeed {
  std::string type;
  uint64_t row_length = 0;
  double bytes_per_second = 0;  // of weights
};

// How fast each of the kinds that Engine::matmuls() tells is multiplied in one way. Reads up to 256 MB of the model's
// weights: at most a tenth of a second, once they are in memory.
Status measure_matmul(const std::shared_ptr<const Model>& model, const MatmulTrial& trial,
                      std::vector<MatmulSpeed>* speeds);

// Writes a GGUF file with random weights of a published model's shape ("llama-3.2-1b") in one type ("q4_0"), for
// benchmarks.
Status write_synthetic_model(const std::string& shape, const std::string& type, const std::string& path);

// Names of the kernel sets compiled into this build, best last.
std::vector<std::string> compiled_isas();
// The one that an engine with this EngineOptions::isa uses. ISA_UNKNOWN, ISA_UNSUPPORTED.
Status select_isa(const std::string& forced, std::string* isa);

}  // namespace hearth
