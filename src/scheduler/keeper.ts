/**
 * Moves prefixes between the slots and the shelf: reads one back before a request that it spares much is admitted, and writes
 * those that proved their use once nobody has asked for anything for a while. Knows slots and tokens, no files.
 */
import type { Clock } from "../base/clock.js";
import type { Job } from "./job.js";
import type { SchedulerMetrics } from "./metrics.js";
import type { KeeperOptions, PrefixShelf, ShelfMatch } from "./shelf.js";
import type { SlotTable } from "./slots.js";

export interface KeeperDependencies {
  readonly clock: Clock;
  readonly metrics: SchedulerMetrics;
  readonly shelf: PrefixShelf | null;
  /** A request that had to wait for a prefix need not wait any more. */
  readonly onRestored: () => void;
}

export class PrefixKeeper {
  readonly #slots: SlotTable;
  readonly #options: KeeperOptions;
  readonly #dependencies: KeeperDependencies;
  /** By the stored prefix. */
  readonly #restores = new Map<string, Promise<void>>();
  #saving: Promise<void> | null = null;
  #resting = false;
  #wakes = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(slots: SlotTable, options: KeeperOptions, dependencies: KeeperDependencies) {
    this.#slots = slots;
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** A prefix is being written: what its sequence had is in use until then. */
  get saving(): Promise<void> | null {
    return this.#saving;
  }

  /** Whether the job has to wait for a prefix from the shelf. To be asked between steps. */
  holdsBack(job: Job): boolean {
    const { shelf, onRestored } = this.#dependencies;
    if (job.restoring || shelf === null) return job.restoring;
    if (job.askedShelf) return false;
    job.askedShelf = true;
    const match = shelf.find(job.history, job.reusableTokens);
    if (!match || match.tokens - this.#slots.mostKept(job) < this.#options.minTokens) return false;
    job.restoring = true;
    void this.#restoreOnce(shelf, match).then(() => {
      job.restoring = false;
      onRestored();
    });
    return true;
  }

  /** Nothing is to be done any more: the time until prefixes are written begins. */
  rest(): void {
    if (this.#resting || this.#dependencies.shelf === null) return;
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
    const { shelf } = this.#dependencies;
    if (shelf === null) return;
    while (this.#resting) {
      if (this.#saving !== null) {
        await this.#saving;
        continue;
      }
      const next = this.#slots.unsaved.find(({ tokens }) => shelf.wants(tokens));
      if (!next) return;
      const began = this.#wakes;
      this.#saving = shelf.save(next, () => this.#wakes === began);
      await this.#saving;
      this.#saving = null;
      // Once, until it is used again: what cannot be written now, or made room for another one, is not worth more.
      if (this.#wakes === began) this.#slots.markSaved(next.sequence);
    }
  }

  #restoreOnce(shelf: PrefixShelf, match: ShelfMatch): Promise<void> {
    let running = this.#restores.get(match.id);
    if (running === undefined) {
      running = this.#restore(shelf, match).finally(() => this.#restores.delete(match.id));
      this.#restores.set(match.id, running);
    }
    return running;
  }

  async #restore(shelf: PrefixShelf, match: ShelfMatch): Promise<void> {
    const slot = this.#slots.reserve(match.kvTokens);
    if (slot === null) return;
    const restored = await shelf.restore(match);
    this.#slots.fill(slot, restored);
    if (!restored) return;
    this.#dependencies.metrics.prefixRestores.inc();
    this.#dependencies.metrics.restoredTokens.inc(restored.tokens.length);
  }
}
