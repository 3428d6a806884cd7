/** Changes of an engine's memory that wait for the moment between two steps: of each kind the newest. Knows no engine. */
import type { Logger } from "../base/logger.js";

export type MemoryKind = "idle" | "prefixes" | "weights";

export interface MemoryChange {
  /** For the log: "give back idle conversations". */
  readonly aim: string;
  readonly make: () => Promise<void>;
}

export class MemoryChanges {
  readonly #logger: Logger;
  readonly #waiting = new Map<MemoryKind, MemoryChange>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** In place of one of its kind that waits, of which a step that hangs would gather many. */
  add(kind: MemoryKind, change: MemoryChange): void {
    this.#waiting.delete(kind);
    this.#waiting.set(kind, change);
  }

  drop(kind: MemoryKind): void {
    this.#waiting.delete(kind);
  }

  /** Makes those that wait at the call, one after the other: of more that come meanwhile, steps need not wait for all. */
  async make(): Promise<void> {
    for (const [kind, change] of [...this.#waiting]) {
      if (this.#waiting.get(kind) !== change) continue; // a newer one took its place
      this.#waiting.delete(kind);
      try {
        await change.make();
      } catch (error) {
        this.#logger.warn({ err: error, aim: change.aim }, "the engine's memory could not be changed");
      }
    }
  }
}
