/**
 * Notices that a step hangs because the storage does not answer: the kernel lets nobody give up the reading of a mapped page. A step
 * that merely takes long is none of these: reading a block tells them apart. Knows neither jobs nor plans.
 */
import { settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";

/** Steps end sooner on boards, but for long prompts. */
const suspiciousMs = 20_000;
const againMs = 10_000;
/** A storage that needs longer for a block has gone. */
const blockLimitMs = 5000;

/** `probe` reads a block and settles when the storage answers, with or without an error. */
export class StalledSteps {
  readonly #clock: Clock;
  readonly #probe: () => Promise<void>;

  constructor(clock: Clock, probe: () => Promise<void>) {
    this.#clock = clock;
    this.#probe = probe;
  }

  /** Resolves or rejects as the step does; meanwhile `onStall` is called, each time that the storage turns out to be gone. */
  async watch<T>(step: Promise<T>, onStall: (silentMs: number) => void): Promise<T> {
    const startedAt = this.#clock.now();
    let isOver = false;
    let cancel = () => {};
    const look = async () => {
      const probed = this.#probe();
      const outcome = await settlesWithin(probed, blockLimitMs, this.#clock);
      if (outcome === "late" && !isOver) onStall(this.#clock.now() - startedAt);
      await probed.catch(() => undefined); // one at a time: each takes a thread until the storage answers
      if (!isOver) cancel = this.#clock.after(againMs, () => void look());
    };
    cancel = this.#clock.after(suspiciousMs, () => void look());
    try {
      return await step;
    } finally {
      isOver = true;
      cancel();
    }
  }
}
