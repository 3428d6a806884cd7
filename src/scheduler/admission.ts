/**
 * Admission decides which requests may wait, in which order they get a slot, and when there is room for one: free slots, the KV cache,
 * and prefixes that are on their way. It tells those that wait their places, and must not know steps.
 */
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { FairQueue } from "./fair-queue.js";
import type { Job } from "./job.js";
import { GaugeShare, type SchedulerMetrics } from "./metrics.js";
import type { BusySlot, SlotTable } from "./slots.js";
import type { SnapshotPolicy } from "./snapshot-policy.js";
import type { SchedulerOptions } from "./types.js";

export interface AdmissionDependencies {
  readonly clock: Clock;
  readonly metrics: SchedulerMetrics;
  readonly snapshotPolicy: SnapshotPolicy;
  /** Tokens that one sequence can hold. */
  readonly contextTokens: number;
  /** Is told why a request that had its turn got no slot. */
  readonly onFault: (error: unknown) => void;
}

/** KV room that a job needs beside its history to be admitted while others run, so that it is not sent back at once. */
const headroomTokens = 64;
/** The longest wait of a timer; also no limit. */
const maxTimerMs = 2_147_483_647;

export class Admission {
  readonly #slots: SlotTable;
  readonly #options: SchedulerOptions;
  readonly #dependencies: AdmissionDependencies;
  readonly #queue = new FairQueue<Job>();
  readonly #slotsBusy: GaugeShare;
  readonly #queueLength: GaugeShare;
  #admissions = 0;

  constructor(slots: SlotTable, options: SchedulerOptions, dependencies: AdmissionDependencies) {
    this.#slots = slots;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#slotsBusy = new GaugeShare(dependencies.metrics.slotsBusy);
    this.#queueLength = new GaugeShare(dependencies.metrics.queueLength);
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Throws QUEUE_FULL when one request more would be too many. */
  checkRoom(): void {
    // Jobs that have a slot waiting for them are in the queue only until the next step is planned.
    const waiting = this.#queue.length - this.#slots.vacancies;
    if (waiting < this.#options.maxQueued) return;
    throw new HearthError("QUEUE_FULL", `${this.#queue.length} requests wait already.`);
  }

  /** Queues a request, for as long as it and the configuration let it wait. */
  enqueue(job: Job): void {
    const { clock } = this.#dependencies;
    this.#queue.push(job);
    const limitMs = Math.min(job.request.demand?.maxQueueMs ?? maxTimerMs, this.#options.maxQueueMs || maxTimerMs);
    if (limitMs < maxTimerMs) job.limitWait(limitMs, clock, () => this.#giveUp(job, limitMs));
  }

  /** Queues a job again that has lost its slot to older ones. */
  putBack(job: Job): void {
    job.phase = "queued";
    this.#queue.putBack(job);
  }

  /** Forgets a job that nobody wants any more. */
  remove(job: Job): void {
    this.#queue.remove(job);
  }

  /** Takes out all that wait. */
  clear(): Job[] {
    return this.#queue.clear();
  }

  /** Gives slots in the queue's order; only those whose prefix is on its way, from disk or by another request, let others pass. */
  admitWaiting(): void {
    const { snapshotPolicy } = this.#dependencies;
    const { minTokens } = this.#options.snapshots;
    for (const job of [...this.#queue]) {
      if (this.#slots.vacancies === 0) break;
      if (snapshotPolicy.mustWait(job) || this.#slots.isBeingRead(job, minTokens)) continue;
      if (this.#slots.vacancies === 0 || !this.#hasRoomFor(job)) break;
      this.#queue.remove(job);
      this.#admit(job);
    }
    this.report();
  }

  /** Tells those that wait their places, and the metrics how many wait and run. */
  report(): void {
    let position = 0;
    for (const job of this.#queue) job.reportPosition(++position);
    this.#slotsBusy.set(this.#slots.busy.length);
    this.#queueLength.set(this.#queue.length);
  }

  /** A whole context is always enough: where the KV cache has one for every slot, no request waits for room. */
  #hasRoomFor(job: Job): boolean {
    const running = this.#slots.busy.length;
    const wanted = job.history.length + headroomTokens * (running + 1);
    const needed = Math.min(wanted, this.#dependencies.contextTokens);
    return running === 0 || this.#slots.reclaimableTokens() >= needed;
  }

  #admit(job: Job): void {
    let slot: BusySlot;
    try {
      slot = this.#slots.admit(job);
    } catch (error) {
      job.fail(error);
      this.#dependencies.onFault(error);
      return;
    }
    job.stopWaiting();
    job.times.admitted();
    if (job.admission === 0) this.#count(job, slot.tokens.length);
    job.phase = "prefill";
    job.reportPrompt(slot.tokens.length);
    if (slot.tokens.length === job.history.length) job.end("stop"); // a warm-up whose whole prompt was there
  }

  #count(job: Job, cachedTokens: number): void {
    const { metrics } = this.#dependencies;
    job.admission = ++this.#admissions;
    job.cachedTokens = cachedTokens;
    metrics.cachedTokens.inc(cachedTokens);
    if (cachedTokens > 0) metrics.prefixHits.inc();
  }

  /** The job has waited as long as it may. */
  #giveUp(job: Job, limitMs: number): void {
    if (job.phase !== "queued" || !this.#queue.remove(job)) return;
    this.#dependencies.metrics.queueTimeouts.inc();
    job.fail(new HearthError("QUEUE_TIMEOUT", `No slot became free within ${Math.ceil(limitMs / 1000)} seconds.`));
    this.report();
  }
}
