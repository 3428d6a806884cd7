// The engine: its thread, its sequences, and step() - a batch through the model, then each sequence's sampler.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <unordered_map>

#include "engine/loaded_model.h"
#include "engine/matmul_kinds.h"
#include "engine/memory_division.h"
#include "engine/options.h"
#include "engine/resident_weights.h"
#include "engine/snapshots.h"
#include "engine/step_plan.h"
#include "engine/step_result.h"
#include "include/engine.h"
#include "kernels/dispatch.h"
#include "kv/sequences.h"
#include "model/pass.h"
#include "model/resident_product.h"
#include "model/scratch.h"
#include "sample/sampler.h"
#include "threads/pool.h"

namespace hearth {
namespace {

constexpr int32_t kStreamedBatchTokens = 512;  // of a step at least, where weights are streamed
constexpr uint64_t kAmple = 2;                 // so many times what an engine needs at most is ample memory
constexpr size_t kDecodeTokens = 8;  // a step of at most so many waits for the weights, a larger one for the cores

class EngineImpl final : public Engine {
 public:
  EngineImpl(std::shared_ptr<const LoadedModel> model, const EngineOptions& options, kv::Shape shape,
             const MatmulWay& way)
      : model_(std::move(model)),
        options_(options),
        shape_(std::move(shape)),
        kernels_(way.kernels),
        matmuls_(way),
        pool_(options.threads),
        threads_(options.threads),
        decode_threads_(options.decode_threads) {}

  ~EngineImpl() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    std::vector<Matrix> matrices;
    std::vector<Experts> experts;
    size_t scratch = scratch_bytes(&matrices, &experts);
    weights_.measure(std::move(matrices), experts);
    if (weights_.has_to_stream(needs(scratch))) {
      // One reading of what is streamed serves all tokens of a step.
      options_.max_batch_tokens =
          std::max(options_.max_batch_tokens, std::min(kStreamedBatchTokens, options_.context_tokens));
      scratch = scratch_bytes(nullptr, nullptr);
    }
    const kv::SequenceLimits limits{options_.kv_tokens, options_.max_sequences, options_.context_tokens,
                                    options_.max_batch_tokens, options_.prefix_sequences};
    HEARTH_RETURN_IF_ERROR(kv::Sequences::create(shape_, limits, &sequences_));
    HEARTH_RETURN_IF_ERROR(Scratch::create(scratch, &scratch_));
    HEARTH_RETURN_IF_ERROR(take_memory(needs(scratch)));
    HEARTH_RETURN_IF_ERROR(weights_.create(needs(scratch)));
    thread_ = std::thread([this] { work(); });
    return {};
  }

  const EngineOptions& options() const override { return options_; }
  const char* isa() const override { return kernels_->name; }

  std::optional<WeightResidency> residency() const override { return weights_.report(); }
  EngineMemory memory() const override { return weights_.memory(); }

  Status fit_weights(uint64_t bytes) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    try {
      return weights_.fit(bytes);
    } catch (const std::exception&) {  // no memory, or no thread
      return {Code::OUT_OF_MEMORY, "There was not enough memory to read weights ahead of their use."};
    }
  }

  Status hold_free_kv(bool holds) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    if (holds) return sequences_.cache().touch_free(UINT64_MAX);
    sequences_.cache().release_free();
    return {};
  }

  Status use_threads(int32_t threads, int32_t decode_threads) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_range("threads", threads, 1, options_.threads));
    HEARTH_RETURN_IF_ERROR(check_range("decode_threads", decode_threads, 1, threads));
    threads_ = threads;
    decode_threads_ = decode_threads;
    return {};
  }

  std::vector<MatmulChoice> matmuls() const override {
    std::lock_guard lock(mutex_);
    std::vector<MatmulChoice> choices;
    for (const MatmulKind& kind : matmul_kinds(*model_)) choices.push_back(choice_of(kind, matmuls_));
    return choices;
  }

  Status use_matmuls(std::span<const MatmulChoice> choices) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    MatmulPlan changed = matmuls_;
    for (const MatmulChoice& choice : choices) HEARTH_RETURN_IF_ERROR(set_choice(choice, &changed));
    matmuls_ = std::move(changed);
    return {};
  }

  Status open_sequence(const SamplerOptions& options, int32_t* id) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_can_open());
    Sampler sampler;
    HEARTH_RETURN_IF_ERROR(Sampler::create(options, model_->n_drawable(), &sampler));
    *id = sequences_.open();
    samplers_.emplace(*id, std::move(sampler));
    return {};
  }

  Status fork_sequence(int32_t source_id, int32_t n_tokens, const SamplerOptions& options, int32_t* id) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_can_open());
    HEARTH_RETURN_IF_ERROR(check_prefix(source_id, n_tokens));
    Sampler sampler = samplers_.at(source_id);
    sampler.truncate(sequences_.resumable(*sequences_.find(source_id), n_tokens));
    HEARTH_RETURN_IF_ERROR(sampler.configure(options));
    HEARTH_RETURN_IF_ERROR(sequences_.fork(source_id, n_tokens, id));
    samplers_.emplace(*id, std::move(sampler));
    return {};
  }

  Status truncate_sequence(int32_t id, int32_t n_tokens) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_prefix(id, n_tokens));
    kv::Sequence* sequence = sequences_.find(id);
    sequences_.truncate(sequence, n_tokens);
    samplers_.at(id).truncate(sequence->table.n_tokens);
    return {};
  }

  Status resumable_tokens(int32_t id, int32_t n_tokens, int32_t* resumable) const override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_prefix(id, n_tokens));
    *resumable = sequences_.resumable(*sequences_.find(id), n_tokens);
    return {};
  }

  Status set_sampler(int32_t id, const SamplerOptions& options) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_known(sequences_, id));
    return samplers_.at(id).configure(options);
  }

  Status close_sequence(int32_t id) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_known(sequences_, id));
    sequences_.close(id);
    samplers_.erase(id);
    return {};
  }

  Status sequence_length(int32_t id, int32_t* n_tokens) const override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_known(sequences_, id));
    *n_tokens = sequences_.find(id)->table.n_tokens;
    return {};
  }

  int32_t free_kv_tokens() const override {
    std::lock_guard lock(mutex_);
    return sequences_.free_tokens();
  }

  Status identify(std::string* identity) const override { return model_->fingerprint(shape_.describe(), identity); }

  Status snapshot(int32_t id, int32_t n_tokens, std::unique_ptr<PrefixSnapshot>* snapshot) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_prefix(id, n_tokens));
    return snapshots_.take(id, n_tokens, samplers_.at(id).history(), snapshot);
  }

  Status restore_snapshot(const std::string& path, const std::string& key, int32_t n_tokens,
                          const SamplerOptions& options, int32_t* id) override {
    HEARTH_RETURN_IF_ERROR(check_range("n_tokens of a prefix", n_tokens, 1, options_.context_tokens));
    Sampler sampler;
    HEARTH_RETURN_IF_ERROR(Sampler::create(options, model_->n_drawable(), &sampler));
    kv::Sequence restored;
    std::vector<int32_t> tokens;
    HEARTH_RETURN_IF_ERROR(snapshots_.restore(path, key, n_tokens, &restored, &tokens));
    sampler.accept(tokens);
    Status status;
    when_idle([&] {
      status = check_has_room();
      if (!status.ok()) return sequences_.discard(&restored);
      *id = sequences_.adopt(std::move(restored));
      samplers_.emplace(*id, std::move(sampler));
    });
    return status;
  }

  void stop_transfers() override { snapshots_.stop(); }

  Status step(StepPlan plan, std::function<void(Status, StepResult)> done) override {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    HEARTH_RETURN_IF_ERROR(check_plan(plan, options_, model_->architecture()->dimensions().n_vocab, sequences_));
    busy_ = true;
    stop_step_ = false;
    plan_ = std::move(plan);
    if (sequences_.states().used()) drop_drafts(&plan_);
    done_ = std::move(done);
    changed_.notify_all();
    return {};
  }

  Status step_and_wait(StepPlan plan, StepResult* result) override {
    std::promise<Status> ended;
    HEARTH_RETURN_IF_ERROR(step(std::move(plan), [&](Status status, StepResult r) {
      *result = std::move(r);
      ended.set_value(std::move(status));
    }));
    return ended.get_future().get();
  }

  void stop_step() override { stop_step_ = true; }

 private:
  Status check_prefix(int32_t id, int32_t n_tokens) const {
    HEARTH_RETURN_IF_ERROR(check_known(sequences_, id));
    return check_range("n_tokens of a prefix", n_tokens, 0, sequences_.find(id)->table.n_tokens);
  }

  Status check_idle() const {
    if (!busy_) return {};
    return {Code::ENGINE_BUSY, "A step is running."};
  }

  Status check_can_open() const {
    HEARTH_RETURN_IF_ERROR(check_idle());
    return check_has_room();
  }

  Status check_has_room() const {
    const auto most = static_cast<size_t>(options_.max_sequences) + options_.prefix_sequences;
    if (sequences_.size() < most) return {};
    return {Code::OPTION_OUT_OF_RANGE, "All " + std::to_string(most) + " sequences of the engine are open."};
  }

  // Runs `change` at once, or when the running step has ended, and waits for it. Not for the engine's own thread.
  void when_idle(const std::function<void()>& change) {
    std::unique_lock lock(mutex_);
    if (!busy_) return change();
    std::promise<void> ran;
    changes_.push_back([&] {
      change();
      ran.set_value();
    });
    lock.unlock();
    ran.get_future().wait();
  }

  void work() {
    lower_thread_priority();
    keep_to_place(0, nullptr);
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return busy_ || stop_; });
      if (!busy_) return;
      // Nothing else touches the sequences while busy_ is set, so the step runs without the lock.
      lock.unlock();
      StepResult result;
      Status status = run_guarded(&result);
      lock.lock();
      const auto done = std::move(done_);
      plan_ = {};
      for (const std::function<void()>& change : std::exchange(changes_, {})) change();
      busy_ = false;
      lock.unlock();
      done(std::move(status), std::move(result));
      lock.lock();
    }
  }

  Status run_guarded(StepResult* result) {
    try {
      return run(result);
    } catch (PassFailed& failure) {
      release_reserved();
      return std::move(failure.status);
    } catch (const PassStopped&) {
      release_reserved();
      return {Code::STOPPED, "The step was stopped."};
    } catch (const std::exception&) {  // no memory, or no thread to read weights with
      release_reserved();
      return {Code::OUT_OF_MEMORY, "There was not enough memory for the step."};
    }
  }

  Status run(StepResult* result) {
    const auto began = std::chrono::steady_clock::now();
    HEARTH_RETURN_IF_ERROR(weights_.prepare());
    Batch batch;
    if (Status status = build_batch(plan_, &sequences_, &batch); !status.ok()) {
      release_reserved();
      return status;
    }
    const auto& dimensions = model_->architecture()->dimensions();
    logits_.resize((batch.outputs.size() - batch.n_hidden) * dimensions.n_vocab);
    hidden_.resize(batch.n_hidden * dimensions.n_embd);
    forward(batch, &scratch_, hidden_.data());
    // Pages that could not be read were zeros: then nothing that was computed may be used.
    Status status = weights_.check();
    if (status.ok()) status = draw(result);
    if (!status.ok()) {
      release_reserved();
      return status;
    }
    commit();
    result->compute_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    return {};
  }

  void forward(const Batch& batch, Scratch* scratch, float* hidden, std::vector<Matrix>* matrices = nullptr,
               std::vector<Experts>* experts = nullptr) {
    pool_.use(batch.tokens.size() <= kDecodeTokens ? decode_threads_ : threads_);
    const PassResources resources{.kernels = kernels_,
                                  .matmuls = &matmuls_,
                                  .pool = &pool_,
                                  .scratch = scratch,
                                  .cache = &sequences_.cache(),
                                  .states = &sequences_.states(),
                                  .residency = weights_.residency(),
                                  .matrices = matrices,
                                  .experts = experts,
                                  .trace = &options_.trace,
                                  .stop = &stop_step_,
                                  .context_tokens = options_.context_tokens};
    Pass pass(resources, batch, logits_.data(), hidden);
    model_->architecture()->forward(pass);
  }

  MemoryNeeds needs(size_t scratch_bytes) const {
    const uint64_t n_sequences = uint64_t(options_.max_sequences) + uint64_t(options_.prefix_sequences);
    const uint64_t logits = uint64_t(options_.max_sequences) * model_->architecture()->dimensions().n_vocab;
    return {.kv_bytes = shape_.bytes_per_token() * options_.kv_tokens + kv::Sequences::most_bytes(shape_) * n_sequences,
            .scratch_bytes = scratch_bytes + logits * sizeof(float)};
  }

  // Memory that was counted on is taken at once when it is short: later it might be somebody else's.
  Status take_memory(const MemoryNeeds& needs) {
    const uint64_t budget = weights_.budget().bytes;
    if (weights_.bytes() + needs.kv_bytes + needs.scratch_bytes <= budget / kAmple) return {};
    HEARTH_RETURN_IF_ERROR(scratch_.touch());
    return sequences_.cache().touch_free(std::min(needs.kv_bytes, most_kv_bytes(weights_.budget())));
  }

  // The size of the largest batch's activations, and the matrices that a pass multiplies with, in order: found by a
  // pass that only counts.
  size_t scratch_bytes(std::vector<Matrix>* matrices, std::vector<Experts>* experts) {
    const auto rows = static_cast<size_t>(options_.max_batch_tokens);
    Batch batch;
    batch.tokens.resize(rows);
    batch.positions.resize(rows);
    batch.outputs.resize(rows);
    Scratch counting;
    forward(batch, &counting, nullptr, matrices, experts);
    return counting.peak();
  }

  Status draw(StepResult* result) {
    const auto& dimensions = model_->architecture()->dimensions();
    StepRows rows{.logits = logits_.data(),
                  .hidden = hidden_.data(),
                  .n_vocab = dimensions.n_vocab,
                  .n_embd = dimensions.n_embd,
                  .n_drawable = model_->n_drawable()};
    kept_.clear();
    for (const StepPlan::Chunk& chunk : plan_.chunks) {
      Sampler* sampler = &samplers_.at(chunk.sequence);
      ChunkResult& of = result->chunks.emplace_back();
      HEARTH_RETURN_IF_ERROR(take_chunk(chunk, sampler, &rows, &of, &kept_.emplace_back()));
    }
    return {};
  }

  void commit() {
    for (size_t i = 0; i < plan_.chunks.size(); ++i) {
      const StepPlan::Chunk& chunk = plan_.chunks[i];
      sequences_.commit(sequences_.find(chunk.sequence), kept_[i]);
      if (!chunk.sample) samplers_.at(chunk.sequence).accept(chunk.tokens);
    }
  }

  // Takes back what a failed step reserved and accepted.
  void release_reserved() {
    for (const StepPlan::Chunk& chunk : plan_.chunks) {
      kv::Sequence* sequence = sequences_.find(chunk.sequence);
      sequences_.abandon(sequence);
      samplers_.at(chunk.sequence).truncate(sequence->table.n_tokens);
    }
  }

  const std::shared_ptr<const LoadedModel> model_;
  EngineOptions options_;               // constant once started
  const kv::Shape shape_;               // of the KV cache, in its type
  const HearthKernels* const kernels_;  // for all but matrix products
  MatmulPlan matmuls_;
  Pool pool_;
  int32_t threads_;  // of the pool's, those in use
  int32_t decode_threads_;
  ResidentWeights weights_{model_, options_};
  Scratch scratch_;
  kv::Sequences sequences_;
  Snapshots snapshots_{&sequences_, [this](const std::function<void()>& change) { when_idle(change); }};
  std::unordered_map<int32_t, Sampler> samplers_;  // by sequence
  std::vector<float> logits_;                      // [outputs of the step, n_vocab]
  std::vector<float> hidden_;                      // [tokens of the step whose hidden states are wanted, n_embd]
  std::vector<int32_t> kept_;                      // [chunks of the step] tokens that its sequence keeps

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  bool stop_ = false;
  std::atomic<bool> stop_step_{false};
  StepPlan plan_;  // of the running step
  std::function<void(Status, StepResult)> done_;
  std::vector<std::function<void()>> changes_;  // to be made when the running step has ended
  std::thread thread_;
};

}  // namespace

Status Engine::create(std::shared_ptr<const Model> model, const EngineOptions& options,
                      std::unique_ptr<Engine>* engine) {
  // Model::load makes nothing else.
  auto loaded = std::static_pointer_cast<const LoadedModel>(std::move(model));
  if (loaded->architecture() == nullptr) {
    return {Code::MODEL_HAS_NO_WEIGHTS, "The model was loaded for its vocabulary only."};
  }
  MatmulWay way;
  HEARTH_RETURN_IF_ERROR(parse_matmul_way(options.isa + ":" + options.reading, &way));
  EngineOptions complete = options;
  kv::Shape shape;
  HEARTH_RETURN_IF_ERROR(complete_options(loaded->architecture()->dimensions(), &complete, &shape));
  complete.isa = way.kernels->name;
  try {
    auto impl = std::make_unique<EngineImpl>(std::move(loaded), complete, std::move(shape), way);
    HEARTH_RETURN_IF_ERROR(impl->start());
    *engine = std::move(impl);
    return {};
  } catch (const std::exception&) {  // bad_alloc, or no thread to be had
    return {Code::OUT_OF_MEMORY, "The engine could not start its threads or reserve its memory."};
  }
}

std::vector<std::string> compiled_isas() { return kernel_names(); }

Status select_isa(const std::string& forced, std::string* isa) {
  const HearthKernels* kernels = nullptr;
  HEARTH_RETURN_IF_ERROR(select_kernels(forced, &kernels));
  *isa = kernels->name;
  return {};
}

}  // namespace hearth
