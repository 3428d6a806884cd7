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
import type { Engine, MatmulChoice, StepResult } from "../engine/contract.js";
import { Admission } from "./admission.js";
import type { StepAllowance } from "./allowance.js";
import type { DecodeSpeed } from "./decode-speed.js";
import { Job } from "./job.js";
import { JobTimes } from "./job-times.js";
import { watchLoops } from "./loop-watch.js";
import { MemoryChanges, type MemoryKind } from "./memory-changes.js";
import type { SchedulerMetrics } from "./metrics.js";
import type { PrefixSnapshots } from "./prefix-snapshots.js";
import { type RunningChunk, toStepPlan } from "./running-chunk.js";
import type { SequenceStream } from "./sequence-stream.js";
import { SlotTable } from "./slots.js";
import { SnapshotPolicy } from "./snapshot-policy.js";
import { StalledSteps } from "./stalled-steps.js";
import { StepOutcome } from "./step-outcome.js";
import { StepPlanner } from "./step-planner.js";
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
  /** How much of the machine steps may take; without it, all. */
  readonly allowance?: StepAllowance;
  /** Whether a token has no letters (see loop-watch.ts); without it none does. */
  readonly isFiller?: (token: number) => boolean;
  /** Reads a block of the model's file, to tell a step that takes long from storage that does not answer; without it nobody can. */
  readonly probeStorage?: () => Promise<void>;
  /** Keeps prefixes beyond the process; without it none outlives it. */
  readonly snapshots?: PrefixSnapshots | null;
}

/** From this on a step is so long that its tokens should be on their way before the next one takes all cores. */
const longStepMs = 10;

export type ThreadCounts = readonly [threads: number, decodeThreads: number];

export class Scheduler {
  readonly #engine: Engine;
  readonly #options: SchedulerOptions;
  readonly #dependencies: SchedulerDependencies;
  readonly #slots: SlotTable;
  readonly #snapshotPolicy: SnapshotPolicy;
  readonly #admission: Admission;
  readonly #planner: StepPlanner;
  readonly #outcome: StepOutcome;
  /** null: nobody can tell. */
  readonly #stalls: StalledSteps | null;
  #stepsCompleted = 0;
  #lastProgressAt: number;
  #looping = false;
  #draining = false;
  #whenIdle: Deferred<void> | null = null;
  /** Thread counts that suit the model, where somebody measured them, and those that the engine has. */
  #bestThreads: ThreadCounts;
  #usedThreads: ThreadCounts;
  #newMatmuls: readonly MatmulChoice[] | null = null;
  readonly #memoryChanges: MemoryChanges;

  constructor(engine: Engine, options: SchedulerOptions, dependencies: SchedulerDependencies) {
    this.#engine = engine;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#slots = new SlotTable(engine);
    const { threads, decodeThreads } = engine.options;
    this.#usedThreads = [threads, decodeThreads || threads];
    this.#bestThreads = this.#usedThreads;
    const { clock, logger, metrics, snapshots = null, probeStorage } = dependencies;
    this.#memoryChanges = new MemoryChanges(logger);
    this.#stalls = probeStorage ? new StalledSteps(clock, probeStorage) : null;
    const onRestored = () => this.#resumeLoop();
    const snapshotPolicy = new SnapshotPolicy(this.#slots, options.snapshots, {
      clock,
      metrics,
      snapshots,
      onRestored,
    });
    const { contextTokens } = this;
    const onFault = (error: unknown) => this.#reportFault(error);
    this.#snapshotPolicy = snapshotPolicy;
    this.#admission = new Admission(this.#slots, options, { clock, metrics, snapshotPolicy, contextTokens, onFault });
    this.#planner = new StepPlanner(engine, options, contextTokens, metrics);
    this.#outcome = new StepOutcome(contextTokens, metrics);
    this.#lastProgressAt = clock.now();
  }

  /** Tokens that one sequence can hold: its context, or all of the KV cache where that is smaller. */
  get contextTokens(): number {
    return Math.min(this.#engine.options.contextTokens, this.#engine.options.kvTokens);
  }

  get busySlots(): number {
    return this.#slots.busy.length;
  }

  get queueLength(): number {
    return this.#admission.waiting;
  }

  get decodeSpeed(): DecodeSpeed {
    return this.#planner.decodeSpeed;
  }

  /** The threads that suit the model, for steps of many tokens and of few; less may be allowed. */
  get bestThreads(): ThreadCounts {
    return this.#bestThreads;
  }

  progress(): SchedulerProgress {
    return { busy: this.#looping, stepsCompleted: this.#stepsCompleted, lastProgressAt: this.#lastProgressAt };
  }

  /** Throws QUEUE_FULL or SHUTTING_DOWN when the next request would get that. */
  checkAccepts(): void {
    if (this.#draining) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping and takes no new requests.");
    this.#admission.checkRoom();
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
    this.#admission.enqueue(job);
    this.#resumeLoop();
    this.#admission.report();
    return job.stream;
  }

  /** From the next step on; see Engine.useThreads. */
  useThreads(threads: number, decodeThreads: number): void {
    const most = this.#engine.options.threads;
    this.#bestThreads = [Math.min(threads, most), Math.min(decodeThreads, most)];
    this.decodeSpeed.reset();
  }

  /** From the next step on; see Engine.useMatmuls. */
  useMatmuls(choices: readonly MatmulChoice[]): void {
    this.#newMatmuls = choices;
    this.decodeSpeed.reset();
  }

  /** The tokens that idle slots hold, see SlotTable.idleTokens. */
  get idleKv(): { readonly idleTokens: number; readonly prefixTokens: number } {
    return this.#slots.idleTokens;
  }

  /** Gives back the memory of the KV cache that no request uses; `prefixesToo`: also of prompts that proved their use. */
  giveBackIdle(prefixesToo: boolean): void {
    const aim = `give back idle conversations${prefixesToo ? " and kept prompts" : ""}`;
    this.#changeMemory(prefixesToo ? "prefixes" : "idle", aim, () => {
      this.#slots.evictIdle(prefixesToo);
      return this.#engine.holdFreeKv(false);
    });
  }

  holdFreeKv(): void {
    this.#memoryChanges.drop("prefixes");
    this.#changeMemory("idle", "hold free room of the KV cache", () => this.#engine.holdFreeKv(true));
  }

  /** See Engine.fitWeights. */
  fitWeights(bytes: number): void {
    this.#changeMemory("weights", "keep another part of the weights in memory", () => this.#engine.fitWeights(bytes));
    this.decodeSpeed.reset();
  }

  #changeMemory(kind: MemoryKind, aim: string, make: () => Promise<void>): void {
    if (this.#draining) return; // the engine goes soon, and all its memory with it
    this.#memoryChanges.add(kind, { aim, make });
    this.#resumeLoop();
  }

  async #makeMemoryChanges(): Promise<void> {
    await this.#memoryChanges.make();
    this.#lastProgressAt = this.#dependencies.clock.now();
  }

  /** Takes no new work, lets running answers end within `limitMs`, then ends them. Resolves when no step runs. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    const stopping = () => new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    for (const job of this.#admission.clear()) job.fail(stopping());
    await settlesWithin(this.#idle(), limitMs, this.#dependencies.clock);
    for (const job of [...this.#admission.clear(), ...this.#slots.busy.map((slot) => slot.job)]) job.fail(stopping());
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
        if (!this.#memoryChanges.isEmpty) await this.#makeMemoryChanges();
        const rest = this.#draining ? null : this.#dependencies.allowance?.rest();
        if (rest) await rest;
        this.#releaseEnded();
        this.#admission.admitWaiting();
        const chunks = this.#planner.next(this.#slots.busy, this.#stepsCompleted, this.#dependencies.allowance?.stepMs);
        if (chunks.length > 0) await this.#step(chunks);
        else if (this.#memoryChanges.isEmpty && !this.#slots.busy.some(({ job }) => job.phase === "ended")) break;
      }
    } catch (error) {
      this.#failEverything(error);
    } finally {
      this.#looping = false;
      this.#admission.report();
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

  async #step(chunks: readonly RunningChunk[]): Promise<void> {
    const { health } = this.#dependencies;
    let result: StepResult;
    try {
      this.#useThreads();
      if (this.#newMatmuls) this.#engine.useMatmuls(this.#newMatmuls);
      this.#newMatmuls = null;
      const plan = toStepPlan(chunks);
      const { turns } = this.#dependencies;
      const run = () => {
        const step = this.#engine.step(plan);
        return this.#stalls?.watch(step, (silentMs) => this.#giveUpStalled(chunks, silentMs)) ?? step;
      };
      result = await (turns ? turns.take(run) : run());
    } catch (error) {
      await this.#recover(chunks, error);
      return;
    } finally {
      this.#lastProgressAt = this.#dependencies.clock.now();
    }
    this.#stepsCompleted++;
    this.#dependencies.allowance?.worked(result.computeMs);
    health.setHealthy("engine");
    this.#planner.observe(chunks, result, this.#usedThreads[1] === this.#bestThreads[1]);
    for (const [i, chunk] of chunks.entries()) {
      const ofChunk = result.chunks[i];
      if (ofChunk) this.#outcome.apply(chunk, ofChunk);
    }
    if (result.computeMs >= longStepMs) await nextTurn(); // of the event loop: readers run before it
  }

  /** The best numbers of threads, as far as they are allowed. */
  #useThreads(): void {
    const most = this.#dependencies.allowance?.threads ?? Number.POSITIVE_INFINITY;
    const [threads, decodeThreads] = this.#bestThreads.map((best) => Math.min(best, most)) as [number, number];
    if (threads === this.#usedThreads[0] && decodeThreads === this.#usedThreads[1]) return;
    this.#engine.useThreads(threads, decodeThreads);
    this.#usedThreads = [threads, decodeThreads];
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

  /** The step cannot be ended; whoever waits for it, or for its turn, need not wait any longer. What it computes is dropped. */
  #giveUpStalled(chunks: readonly RunningChunk[], silentMs: number): void {
    const error = new HearthError(
      "FILE_READ_FAILED",
      `The model's storage has not answered for ${Math.round(silentMs / 1000)} seconds.`,
    );
    this.#reportFault(error);
    for (const { of } of chunks) of.job.fail(error);
    for (const job of this.#admission.clear()) job.fail(error);
    this.#admission.report();
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
      this.#admission.putBack(job);
      metrics.preemptions.inc();
      logger.info({ tokens: job.history.length }, "the KV cache is full: a request goes back to the queue");
    } else if (job.generatedTokens > 0) job.end("length");
    else job.fail(error);
  }

  #cancel(job: Job): void {
    if (job.phase === "ended") return;
    this.#admission.remove(job);
    job.fail(cancelled());
    this.#resumeLoop(); // gives the slot back, at once or after the running step
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
    for (const job of this.#admission.clear()) job.fail(fault);
    for (const slot of this.#slots.busy) {
      slot.job.fail(fault);
      this.#slots.release(slot);
    }
  }
}

function cancelled(): HearthError {
  return new HearthError("REQUEST_CANCELLED", "The request was cancelled.");
}
