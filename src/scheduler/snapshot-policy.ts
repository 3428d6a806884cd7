/**
 * Decides which prefix snapshots are read and written: a snapshot is restored before a request that it spares much is admitted,
 * and prefixes that proved their use are saved once no client has asked for anything for a while. Knows slots and tokens, no files.
 */
import type { Clock } from "../base/clock.js";
import type { Job } from "./job.js";
import type { SchedulerMetrics } from "./metrics.js";
import type { PrefixSnapshots, SnapshotMatch, SnapshotPolicyOptions } from "./prefix-snapshots.js";
import type { SlotTable } from "./slots.js";

export interface SnapshotPolicyDependencies {
  readonly clock: Clock;
  readonly metrics: SchedulerMetrics;
  readonly snapshots: PrefixSnapshots | null;
  /** A request that waited for a snapshot need not wait any more. */
  readonly onRestored: () => void;
}

export class SnapshotPolicy {
  readonly #slots: SlotTable;
  readonly #options: SnapshotPolicyOptions;
  readonly #dependencies: SnapshotPolicyDependencies;
  /** By the snapshot's id. */
  readonly #restores = new Map<string, Promise<void>>();
  #saving: Promise<void> | null = null;
  #resting = false;
  #wakes = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(slots: SlotTable, options: SnapshotPolicyOptions, dependencies: SnapshotPolicyDependencies) {
    this.#slots = slots;
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** A snapshot is being written: its KV blocks are in use until then. */
  get saving(): Promise<void> | null {
    return this.#saving;
  }

  /** Whether the job has to wait until a snapshot is restored. To be asked between steps. */
  mustWait(job: Job): boolean {
    const { snapshots, onRestored } = this.#dependencies;
    if (job.restoring || snapshots === null) return job.restoring;
    if (job.lookedForSnapshot) return false;
    job.lookedForSnapshot = true;
    const match = snapshots.find(job.history, job.reusableTokens);
    if (!match || match.tokens - this.#slots.mostReusable(job) < this.#options.minTokens) return false;
    job.restoring = true;
    void this.#restoreOnce(snapshots, match).then(() => {
      job.restoring = false;
      onRestored();
    });
    return true;
  }

  /** Nothing is to be done any more: the time until snapshots are written begins. */
  rest(): void {
    if (this.#resting || this.#dependencies.snapshots === null) return;
    this.#resting = true;
    this.#cancelTimer = this.#dependencies.clock.after(this.#options.idleMs, () => void this.saveAll());
  }

  wake(): void {
    this.#wakes++;
    this.#resting = false;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** Writes what is worth it, one after the other, for as long as nothing else is to be done. */
  async saveAll(): Promise<void> {
    const { snapshots } = this.#dependencies;
    if (snapshots === null) return;
    while (this.#resting) {
      if (this.#saving !== null) {
        await this.#saving;
        continue;
      }
      const next = this.#slots.unsaved.find(({ tokens }) => snapshots.wants(tokens));
      if (!next) return;
      const began = this.#wakes;
      this.#saving = snapshots.save(next, () => this.#wakes === began);
      await this.#saving;
      this.#saving = null;
      // Once, until it is used again: what cannot be written now, or made room for another one, is not worth more.
      if (this.#wakes === began) this.#slots.markSaved(next.sequence);
    }
  }

  #restoreOnce(snapshots: PrefixSnapshots, match: SnapshotMatch): Promise<void> {
    let running = this.#restores.get(match.id);
    if (running === undefined) {
      running = this.#restore(snapshots, match).finally(() => this.#restores.delete(match.id));
      this.#restores.set(match.id, running);
    }
    return running;
  }

  async #restore(snapshots: PrefixSnapshots, match: SnapshotMatch): Promise<void> {
    const slot = this.#slots.reserve(match.kvTokens);
    if (slot === null) return;
    const restored = await snapshots.restore(match);
    this.#slots.fill(slot, restored);
    if (!restored) return;
    this.#dependencies.metrics.prefixRestores.inc();
    this.#dependencies.metrics.restoredTokens.inc(restored.tokens.length);
  }
}
