// The engine: its thread, its sequences, and step() - a batch through the model, then each sequence's sampler.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "engine/loaded_model.h"
#include "engine/matmul_kinds.h"
#include "engine/memory_layout.h"
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

constexpr uint64_t kAmple = 2;       // so many times what an engine needs at most is ample memory
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
    if (memory_thread_.joinable()) memory_thread_.join();
    if (thread_.joinable()) thread_.join();
  }

  Status start(const MatmulWay& way) {
    const MemoryBudget budget = memory_budget(options_.memory_budget);
    const MemoryLayout layout = lay_out_memory(*model_->architecture(), options_, shape_, way, budget);
    options_ = layout.options;
    const kv::SequenceLimits limits{options_.kv_tokens, options_.max_sequences, options_.context_tokens,
                                    options_.max_batch_tokens, options_.prefix_sequences};
    HEARTH_RETURN_IF_ERROR(kv::Sequences::create(shape_, limits, &sequences_));
    HEARTH_RETURN_IF_ERROR(Scratch::create(layout.pass.scratch_bytes, &scratch_));
    HEARTH_RETURN_IF_ERROR(take_memory(layout, budget));
    HEARTH_RETURN_IF_ERROR(weights_.create(layout, budget));
    thread_ = std::thread([this] { work(); });
    return {};
  }

  const EngineOptions& options() const override { return options_; }
  const char* isa() const override { return kernels_->name; }

  std::optional<WeightResidency> residency() const override { return weights_.report(); }
  EngineMemory memory() const override { return weights_.memory(); }

  Status fit_weights(uint64_t bytes, std::function<void(Status)> done) override {
    return change_memory(
        "keep another part of the weights in memory", [this, bytes] { return weights_.fit(bytes); }, std::move(done));
  }

  Status hold_free_kv(bool holds, std::function<void(Status)> done) override {
    const auto change = [this, holds]() -> Status {
      if (holds) return sequences_.cache().touch_free(UINT64_MAX);
      sequences_.cache().release_free();
      return {};
    };
    return change_memory(holds ? "hold free room of the KV cache" : "give back free room of the KV cache", change,
                         std::move(done));
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
    step_done_ = std::move(done);
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
    return {Code::ENGINE_BUSY, step_done_ ? "A step is running." : "The engine's memory is being changed."};
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

  // Runs `change` on a thread of its own; `aim` completes "not enough memory to". The engine's thread will not do:
  // threads that read weights are made by this one, and take from it their place and priority.
  Status change_memory(const char* aim, std::function<Status()> change, std::function<void(Status)> done) {
    std::lock_guard lock(mutex_);
    HEARTH_RETURN_IF_ERROR(check_idle());
    if (memory_thread_.joinable()) memory_thread_.join();  // it called `done` last
    try {
      memory_thread_ = std::thread([this, aim, change = std::move(change), done = std::move(done)] {
        Status status;
        try {
          status = change();
        } catch (const std::exception&) {  // no memory, or no thread
          status = {Code::OUT_OF_MEMORY, std::string("There was not enough memory to ") + aim + "."};
        }
        {
          const std::lock_guard ending(mutex_);
          end_work();
        }
        done(std::move(status));
      });
    } catch (const std::system_error&) {
      return {Code::OUT_OF_MEMORY, std::string("There is no thread to ") + aim + "."};
    }
    busy_ = true;
    return {};
  }

  // Ends what the engine is busy with. Under the lock.
  void end_work() {
    for (const std::function<void()>& change : std::exchange(changes_, {})) change();
    busy_ = false;
  }

  // Runs `change` at once, or when what runs has ended, and waits for it. Not for the engine's own threads.
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
      changed_.wait(lock, [this] { return step_done_ || stop_; });
      if (!step_done_) return;
      // Nothing else touches the sequences while busy_ is set, so the step runs without the lock.
      lock.unlock();
      StepResult result;
      Status status = run_guarded(&result);
      lock.lock();
      const auto done = std::exchange(step_done_, nullptr);
      plan_ = {};
      end_work();
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
    forward(batch);
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

  void forward(const Batch& batch) {
    pool_.use(batch.tokens.size() <= kDecodeTokens ? decode_threads_ : threads_);
    const PassResources resources{.kernels = kernels_,
                                  .matmuls = &matmuls_,
                                  .pool = &pool_,
                                  .scratch = &scratch_,
                                  .cache = &sequences_.cache(),
                                  .states = &sequences_.states(),
                                  .residency = weights_.residency(),
                                  .matrices = nullptr,
                                  .experts = nullptr,
                                  .trace = &options_.trace,
                                  .stop = &stop_step_,
                                  .context_tokens = options_.context_tokens};
    Pass pass(resources, batch, logits_.data(), hidden_.data());
    model_->architecture()->forward(pass);
  }

  // Memory that was counted on is taken at once when it is short: later it might be somebody else's.
  Status take_memory(const MemoryLayout& layout, const MemoryBudget& budget) {
    const uint64_t kv_bytes = std::min(layout.needs.kv_bytes, most_kv_bytes(budget));
    if (layout.weights.all() + layout.needs.kv_bytes + layout.needs.scratch_bytes <= budget.bytes / kAmple) return {};
    HEARTH_RETURN_IF_ERROR(scratch_.touch());
    return sequences_.cache().touch_free(kv_bytes);
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
  bool busy_ = false;  // with a step, or a change of memory
  bool stop_ = false;
  std::atomic<bool> stop_step_{false};
  StepPlan plan_;                                      // of the running step
  std::function<void(Status, StepResult)> step_done_;  // null: no step runs
  std::vector<std::function<void()>> changes_;         // of sequences, to be made when nothing runs
  std::thread thread_, memory_thread_;
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
    HEARTH_RETURN_IF_ERROR(impl->start(way));
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
