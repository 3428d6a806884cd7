/**
 * Runs many requests through one engine by continuous batching: each step carries the next token of every answer and a
 * piece of every prompt. Token ids in, token ids out; no protocol and no text. The event loop never waits for a step.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Deferred, deferred, settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";
import type { ChunkResult, Engine, MatmulChoice, StepResult, StopReason } from "../engine/contract.js";
import { DecodeSpeed } from "./decode-speed.js";
import { FairQueue } from "./fair-queue.js";
import { Job } from "./job.js";
import { JobTimes } from "./job-times.js";
import { logprobs } from "./logprobs.js";
import { watchLoops } from "./loop-watch.js";
import { GaugeShare, type SchedulerMetrics } from "./metrics.js";
import { PromptPacing } from "./prefill-pacing.js";
import type { PrefixSnapshots } from "./prefix-snapshots.js";
import { type RunningChunk, toStepPlan } from "./running-chunk.js";
import type { SequenceStream } from "./sequence-stream.js";
import { type BusySlot, SlotTable } from "./slots.js";
import { SnapshotPolicy } from "./snapshot-policy.js";
import { maxDrafts, StepCost } from "./speculation.js";
import { plan } from "./step-plan.js";
import type { StepTurns } from "./step-turns.js";
import type { SchedulerOptions, SchedulerProgress, SequenceRequest } from "./types.js";

export interface SchedulerDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The condition `engine` is unhealthy while steps fail for a reason that is not the request's. */
  readonly health: Health;
  readonly metrics: SchedulerMetrics;
  /** Shared by the schedulers of one process; without it, this one is alone. */
  readonly turns?: StepTurns;
  /** Whether a token has no letters (see loop-watch.ts); without it none does. */
  readonly isFiller?: (token: number) => boolean;
  /** Keeps prefixes beyond the process; without it none outlives it. */
  readonly snapshots?: PrefixSnapshots | null;
}

/** KV room that a job needs beside its history to be admitted while others run, so that it is not sent back at once. */
const admissionHeadroomTokens = 64;
/** The longest wait of a timer; also no limit. */
const maxTimerMs = 2_147_483_647;
/** From this on a step is so long that its tokens should be on their way before the next one takes all cores. */
const longStepMs = 10;
/** KV room a stream below which none has drafts: the block that its drafts may start. */
const draftHeadroomTokens = 32;

export class Scheduler {
  readonly decodeSpeed = new DecodeSpeed();
  readonly #engine: Engine;
  readonly #options: SchedulerOptions;
  readonly #dependencies: SchedulerDependencies;
  readonly #slots: SlotTable;
  readonly #snapshotPolicy: SnapshotPolicy;
  readonly #pacing: PromptPacing;
  readonly #decodeCost = new StepCost();
  readonly #queue = new FairQueue<Job>();
  readonly #slotsBusy: GaugeShare;
  readonly #queueLength: GaugeShare;
  #admissions = 0;
  #stepsCompleted = 0;
  #lastProgressAt: number;
  #looping = false;
  #draining = false;
  #whenIdle: Deferred<void> | null = null;
  /** Thread counts that the engine is to have before its next step. */
  #newThreads: readonly [threads: number, decodeThreads: number] | null = null;
  #newMatmuls: readonly MatmulChoice[] | null = null;

  constructor(engine: Engine, options: SchedulerOptions, dependencies: SchedulerDependencies) {
    this.#engine = engine;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#pacing = new PromptPacing(options.maxGapMs, options.prefillStepMs, engine.residency() !== null);
    this.#slots = new SlotTable(engine);
    const { clock, metrics, snapshots = null } = dependencies;
    const onRestored = () => this.#resumeLoop();
    this.#snapshotPolicy = new SnapshotPolicy(this.#slots, options.snapshots, {
      clock,
      metrics,
      snapshots,
      onRestored,
    });
    this.#lastProgressAt = dependencies.clock.now();
    this.#slotsBusy = new GaugeShare(dependencies.metrics.slotsBusy);
    this.#queueLength = new GaugeShare(dependencies.metrics.queueLength);
  }

  /** Tokens that one sequence can hold: its context, or all of the KV cache where that is smaller. */
  get contextTokens(): number {
    return Math.min(this.#engine.options.contextTokens, this.#engine.options.kvTokens);
  }

  get busySlots(): number {
    return this.#slots.busy.length;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  progress(): SchedulerProgress {
    return { busy: this.#looping, stepsCompleted: this.#stepsCompleted, lastProgressAt: this.#lastProgressAt };
  }

  /** Throws QUEUE_FULL or SHUTTING_DOWN when the next request would get that. */
  checkAccepts(): void {
    if (this.#draining) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping and takes no new requests.");
    // Jobs that have a slot waiting for them are in the queue only until the loop comes round.
    const waiting = this.#queue.length - this.#slots.vacancies;
    if (waiting >= this.#options.maxQueued) {
      throw new HearthError("QUEUE_FULL", `${this.#queue.length} requests wait already.`);
    }
  }

  /**
   * Starts a request, or queues it. The stream throws what ended it early: REQUEST_CANCELLED, SHUTTING_DOWN, or what the
   * engine said. Throws CONTEXT_OVERFLOW, QUEUE_FULL and SHUTTING_DOWN at once.
   */
  submit(request: SequenceRequest): SequenceStream {
    this.checkAccepts();
    if (request.signal?.aborted) throw cancelled();
    if (request.prompt.length === 0)
      throw new HearthError("REQUEST_INVALID", "The prompt is empty.", { param: "input" });
    if (request.prompt.length > this.contextTokens) {
      const message = `The prompt has ${request.prompt.length} tokens and the context holds ${this.contextTokens}.`;
      throw new HearthError("CONTEXT_OVERFLOW", message, { param: "input" });
    }
    const { clock, metrics, isFiller } = this.#dependencies;
    const { watched, loopWatch } = watchLoops(request, this.#options.loops, isFiller);
    const watches = { times: new JobTimes(clock, metrics), loopWatch };
    const job = new Job(watched, watches, {
      onCancel: (cancelledJob) => this.#cancel(cancelledJob),
      onRead: () => this.#resumeLoop(),
    });
    this.#queue.push(job);
    const limitMs = Math.min(request.maxQueueMs ?? maxTimerMs, this.#options.maxQueueMs || maxTimerMs);
    if (limitMs < maxTimerMs) job.limitWait(limitMs, this.#dependencies.clock, () => this.#giveUp(job, limitMs));
    this.#resumeLoop();
    this.#reportQueue();
    return job.stream;
  }

  /** From the next step on; see Engine.useThreads. */
  useThreads(threads: number, decodeThreads: number): void {
    const most = this.#engine.options.threads;
    this.#newThreads = [Math.min(threads, most), Math.min(decodeThreads, most)];
    this.decodeSpeed.reset();
  }

  /** From the next step on; see Engine.useMatmuls. */
  useMatmuls(choices: readonly MatmulChoice[]): void {
    this.#newMatmuls = choices;
    this.decodeSpeed.reset();
  }

  /** Takes no new work, lets running answers end within `limitMs`, then ends them. Resolves when no step runs. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    const stopping = () => new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    for (const job of this.#queue.clear()) job.fail(stopping());
    await settlesWithin(this.#idle(), limitMs, this.#dependencies.clock);
    for (const job of [...this.#queue.clear(), ...this.#slots.busy.map((slot) => slot.job)]) job.fail(stopping());
    this.#resumeLoop();
    await this.#idle();
  }

  /** Writes the snapshots that are worth it, within `limitMs`. After `drain`. */
  async saveSnapshots(limitMs: number): Promise<void> {
    await settlesWithin(this.#snapshotPolicy.saveAll(), limitMs, this.#dependencies.clock);
    this.#snapshotPolicy.wake();
  }

  /** Resolves when no slot is busy and no step runs. */
  #idle(): Promise<void> {
    if (!this.#looping && this.busySlots === 0) return Promise.resolve();
    this.#whenIdle ??= deferred<void>();
    return this.#whenIdle.promise;
  }

  #resumeLoop(): void {
    if (this.#looping) return;
    this.#looping = true;
    this.#snapshotPolicy.wake();
    this.#lastProgressAt = this.#dependencies.clock.now();
    void this.#loop();
  }

  async #loop(): Promise<void> {
    try {
      for (;;) {
        this.#releaseEnded();
        this.#admitQueued();
        const chunks = this.#planStep();
        if (chunks.length > 0) await this.#step(chunks);
        else if (!this.#slots.busy.some(({ job }) => job.phase === "ended")) break;
      }
    } catch (error) {
      this.#failEverything(error);
    } finally {
      this.#looping = false;
      this.#reportQueue();
      if (this.busySlots === 0) {
        this.#snapshotPolicy.rest();
        this.#whenIdle?.resolve();
        this.#whenIdle = null;
      }
    }
  }

  #releaseEnded(): void {
    for (const slot of this.#slots.busy) {
      if (slot.job.phase === "ended") this.#slots.release(slot);
    }
  }

  /** In the queue's order; only those whose prefix is on its way, from disk or by another request, let others pass. */
  #admitQueued(): void {
    for (const job of [...this.#queue]) {
      if (this.#slots.vacancies === 0) break;
      const { minTokens } = this.#options.snapshots;
      if (this.#snapshotPolicy.mustWait(job) || this.#slots.isBeingRead(job, minTokens)) continue;
      if (this.#slots.vacancies === 0 || !this.#hasRoomFor(job)) break;
      this.#queue.remove(job);
      this.#admit(job);
    }
    this.#reportQueue();
  }

  /** A whole context is always enough: where the KV cache has one for every slot, no request waits for room. */
  #hasRoomFor(job: Job): boolean {
    const running = this.busySlots;
    const needed = Math.min(job.history.length + admissionHeadroomTokens * (running + 1), this.contextTokens);
    return running === 0 || this.#slots.reclaimableTokens() >= needed;
  }

  #admit(job: Job): void {
    let slot: BusySlot;
    try {
      slot = this.#slots.admit(job);
    } catch (error) {
      job.fail(error);
      this.#reportFault(error);
      return;
    }
    job.stopWaiting();
    job.times.admitted();
    if (job.admission === 0) this.#countAdmission(job, slot.tokens.length);
    job.phase = "prefill";
    this.#reportPrompt(slot);
    if (slot.tokens.length === job.history.length) job.end("stop"); // a warm-up whose whole prompt was there
  }

  #countAdmission(job: Job, cachedTokens: number): void {
    const { metrics } = this.#dependencies;
    job.admission = ++this.#admissions;
    job.cachedTokens = cachedTokens;
    metrics.cachedTokens.inc(cachedTokens);
    if (cachedTokens > 0) metrics.prefixHits.inc();
  }

  #planStep(): RunningChunk[] {
    const { maxUnreadTokens } = this.#options;
    const ready = this.#slots.busy.filter(({ job }) => job.phase !== "ended" && job.stream.unread < maxUnreadTokens);
    const { maxBatchTokens } = this.#engine.options;
    const decoding = ready.filter(({ job }) => job.phase === "decode");
    const drafted = this.#draft(decoding);
    const columns = [...drafted.values()].reduce((sum, drafts) => sum + drafts.length, decoding.length);
    const planned = plan(
      ready.map(({ index, job, tokens }) => ({
        index,
        phase: job.phase === "decode" ? "decode" : "prefill",
        pendingTokens: job.history.length - tokens.length,
        drafts: drafted.get(index)?.length ?? 0,
        admission: job.admission,
        sample: job.wantsAnswer,
      })),
      {
        batchTokens: maxBatchTokens,
        prefillTokens: this.#promptTokens(columns, maxBatchTokens),
        turn: this.#stepsCompleted,
      },
    );
    return planned.flatMap((chunk) => {
      const of = ready.find(({ index }) => index === chunk.slot);
      if (!of) return [];
      const start = of.tokens.length;
      const drafts = drafted.get(of.index)?.slice(0, chunk.drafts) ?? [];
      return [
        { ...chunk, of, ids: Int32Array.from([...of.job.history.slice(start, start + chunk.tokens), ...drafts]) },
      ];
    });
  }

  /** The prompt tokens of the next step, in which answers have `columns` tokens. Answers go alone until their own cost is known. */
  #promptTokens(columns: number, limit: number): number {
    if (columns === 0) return this.#pacing.alone(limit);
    return this.#decodeCost.known ? this.#pacing.beside(this.#decodeCost.estimate(columns), limit) : 0;
  }

  /** The draft of each answer, by slot. Nothing while KV room is short: a draft must not drive anybody out. */
  #draft(decoding: readonly BusySlot[]): Map<number, number[]> {
    const drafted = new Map<number, number[]>();
    if (!this.#options.speculation || this.#engine.freeKvTokens() < decoding.length * draftHeadroomTokens)
      return drafted;
    let columns = decoding.length;
    for (const { index, job } of decoding) {
      if (job.request.topLogprobs !== undefined) continue;
      const wanted = job.request.maxTokens - job.generatedTokens - 1;
      const limit = Math.min(maxDrafts, wanted, this.contextTokens - job.history.length);
      const proposed = job.drafter.propose(job.history, limit);
      const drafts = proposed.slice(0, job.drafter.bestDrafts(this.#decodeCost, columns));
      drafted.set(index, drafts);
      columns += drafts.length;
    }
    return drafted;
  }

  async #step(chunks: readonly RunningChunk[]): Promise<void> {
    const { health } = this.#dependencies;
    let result: StepResult;
    try {
      if (this.#newThreads) this.#engine.useThreads(...this.#newThreads);
      this.#newThreads = null;
      if (this.#newMatmuls) this.#engine.useMatmuls(this.#newMatmuls);
      this.#newMatmuls = null;
      const plan = toStepPlan(chunks);
      const { turns } = this.#dependencies;
      result = await (turns ? turns.take(() => this.#engine.step(plan)) : this.#engine.step(plan));
    } catch (error) {
      await this.#recover(chunks, error);
      return;
    } finally {
      this.#lastProgressAt = this.#dependencies.clock.now();
    }
    this.#stepsCompleted++;
    health.setHealthy("engine");
    this.#measure(chunks, result);
    for (const [i, chunk] of chunks.entries()) {
      const ofChunk = result.chunks[i];
      if (ofChunk) this.#apply(chunk, ofChunk);
    }
    if (result.computeMs >= longStepMs) await nextTurn(); // of the event loop: readers run before it
  }

  /** Only the requests of the failed step suffer; the engine left their sequences as they were. */
  async #recover(chunks: readonly RunningChunk[], error: unknown): Promise<void> {
    if (error instanceof HearthError && error.code === "KV_FULL") {
      await this.#makeRoom(error);
      return;
    }
    this.#reportFault(error);
    for (const { of } of chunks) {
      of.job.fail(error);
      this.#slots.evict(of);
      this.#slots.release(of);
    }
  }

  /** Idle slots give way first, then the youngest request goes back to the queue; one that is alone has to end. */
  async #makeRoom(error: HearthError): Promise<void> {
    const { metrics, logger } = this.#dependencies;
    if (this.#slots.evictCheapest()) {
      metrics.evictions.inc();
      return;
    }
    if (this.#snapshotPolicy.saving !== null) {
      await this.#snapshotPolicy.saving; // and with it what it holds in the KV cache
      return;
    }
    const [first, ...others] = this.#slots.busy;
    if (!first) return;
    const youngest = others.reduce((a, b) => (b.job.admission > a.job.admission ? b : a), first);
    const { job } = youngest;
    this.#slots.evict(youngest);
    this.#slots.release(youngest);
    if (job.phase === "ended") return;
    if (others.length > 0) {
      job.phase = "queued";
      this.#queue.putBack(job);
      metrics.preemptions.inc();
      logger.info({ tokens: job.history.length }, "the KV cache is full: a request goes back to the queue");
    } else if (job.generatedTokens > 0) job.end("length");
    else job.fail(error);
  }

  #apply(chunk: RunningChunk, { tokens: drawn, stopped, logits, hidden }: ChunkResult): void {
    const { of: slot, ids, tokens, drafts } = chunk;
    const { job } = slot;
    const right = Math.max(0, stopped ? drawn.length : drawn.length - 1); // the engine drew on after each right draft
    if (slot.tokens.length === 0) job.pooling?.reset(); // it lost its slot, and reads its prompt again
    slot.tokens.push(...ids.subarray(0, tokens + right));
    job.pooling?.add(hidden, tokens);
    if (job.phase === "decode") this.#countDrafts(drafts, right);
    if (job.phase === "ended") return; // cancelled while the step ran
    if (job.phase === "prefill") this.#reportPrompt(slot);
    if (drawn.length > 0) job.times.drew(drawn.length);
    for (const token of drawn) this.#take(job, token, logits);
    if (stopped) this.#endByGrammar(job, stopped);
    else if (!chunk.sample && slot.tokens.length === job.history.length) this.#endOfPrompt(job);
  }

  #reportPrompt({ job, tokens }: BusySlot): void {
    const total = job.request.prompt.length;
    // A job that came back to the queue reads its own answer again too; the client saw its prompt read before.
    if (job.generatedTokens === 0) {
      job.stream.push({ type: "prompt", read: tokens.length, cached: job.cachedTokens, total });
    }
  }

  #countDrafts(drafts: number, right: number): void {
    this.#dependencies.metrics.drafts.inc(drafts);
    this.#dependencies.metrics.acceptedDrafts.inc(right);
  }

  /** No token was drawn. */
  #endByGrammar(job: Job, reason: StopReason): void {
    if (job.phase === "ended") return; // by a token drawn in the same step
    if (reason === "grammarEnd") job.end("stop");
    else if (reason === "grammarLoops") job.end("length");
    else if (reason === "grammarTooComplex")
      job.fail(new HearthError("GRAMMAR_TOO_COMPLEX", "The grammar is too ambiguous to be followed."));
    else job.fail(new HearthError("FORMAT_STUCK", "No token of the model leads on in the format that was asked for."));
  }

  #endOfPrompt(job: Job): void {
    if (job.pooling) job.stream.push({ type: "pooled", mean: job.pooling.mean });
    job.end("stop");
  }

  /** `logits`: that the token was drawn from, where the job wants to know. */
  #take(job: Job, token: number, logits: Float32Array): void {
    if (job.phase === "ended") return; // by a token drawn in the same step
    job.phase = "decode";
    if (job.request.stopTokens.has(token)) {
      job.end("stop");
      return;
    }
    job.history.push(token);
    const { topLogprobs } = job.request;
    const scores = topLogprobs === undefined ? {} : logprobs(logits, token, topLogprobs);
    job.stream.push({ type: "token", token, ...scores });
    this.#dependencies.metrics.generatedTokens.inc();
    const isFull = job.history.length > this.contextTokens;
    const isOver = job.generatedTokens >= job.request.maxTokens || isFull;
    if (job.loopWatch.loopsWith(token) || isOver) job.end("length");
  }

  /** It waited as long as it may. */
  #giveUp(job: Job, limitMs: number): void {
    if (job.phase !== "queued" || !this.#queue.remove(job)) return;
    this.#dependencies.metrics.queueTimeouts.inc();
    job.fail(new HearthError("QUEUE_TIMEOUT", `No slot became free within ${Math.ceil(limitMs / 1000)} seconds.`));
    this.#reportQueue();
  }

  #cancel(job: Job): void {
    if (job.phase === "ended") return;
    this.#queue.remove(job);
    job.fail(cancelled());
    this.#resumeLoop(); // gives the slot back, at once or after the running step
  }

  #measure(chunks: readonly RunningChunk[], { computeMs }: StepResult): void {
    const { metrics } = this.#dependencies;
    const prefilled = chunks.filter(({ of }) => of.job.phase !== "decode");
    const promptTokens = prefilled.reduce((sum, chunk) => sum + chunk.tokens, 0);
    const columns = chunks.reduce((sum, { of, ids }) => sum + (of.job.phase === "decode" ? ids.length : 0), 0);
    if (prefilled.length === 0) {
      this.#decodeCost.observe(columns, computeMs);
      if (columns === 1) this.decodeSpeed.observe(computeMs);
    }
    metrics.stepSeconds.observe(computeMs / 1000);
    metrics.promptTokens.inc(promptTokens);
    const decodeMs = columns > 0 ? this.#decodeCost.estimate(columns) : null;
    if (promptTokens > 0) this.#pacing.observe({ promptTokens, decodeMs, computeMs });
  }

  /** Faults of the request are its client's to mend; the others are the daemon's, and shown. */
  #reportFault(error: unknown): void {
    const fault = error instanceof HearthError ? error : new HearthError("INTERNAL", String(error), { cause: error });
    if (fault.kind.status < 500) return;
    this.#dependencies.logger.error({ code: fault.code, err: fault }, "an engine step failed");
    this.#dependencies.health.setUnhealthy("engine", `${fault.code}: ${fault.message}`);
  }

  /** A bug in this class: no request may wait for ever because of it. */
  #failEverything(error: unknown): void {
    const fault = new HearthError("INTERNAL", `The scheduler failed: ${String(error)}`, { cause: error });
    this.#reportFault(fault);
    for (const job of this.#queue.clear()) job.fail(fault);
    for (const slot of this.#slots.busy) {
      slot.job.fail(fault);
      this.#slots.release(slot);
    }
  }

  #reportQueue(): void {
    let position = 0;
    for (const job of this.#queue) job.reportPosition(++position);
    this.#slotsBusy.set(this.busySlots);
    this.#queueLength.set(this.#queue.length);
  }
}

function cancelled(): HearthError {
  return new HearthError("REQUEST_CANCELLED", "The request was cancelled.");
}
