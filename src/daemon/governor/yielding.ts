/**
 * Gives processors to other programs when somebody waits for one, and takes them back when nobody does: one thread at a time, sooner
 * given than taken, and seldomer and seldomer taken back where that made others wait at once. Pure: no clock, no sensors.
 */

/** The part of the time in which somebody waits: above it others need room, below it nobody does. */
const crowded = 0.25;
const free = 0.08;
/** How long it has to be crowded before a thread is given, and free before one is taken. */
const giveAfterMs = 2000;
const takeAfterMs = 10_000;
const longestTakeAfterMs = 300_000;
/** The time over which the waiting is averaged. */
const averagedMs = 3000;
/** A thread that was taken back and has to be given again within this time was taken too soon. */
const tooSoonMs = 30_000;

export class Yielding {
  readonly #most: number;
  #threads: number;
  #average: number | null = null;
  #crowdedMs = 0;
  #freeMs = 0;
  #sinceTakenMs = Number.POSITIVE_INFINITY;
  #takeAfterMs = takeAfterMs;

  /** `most`: the threads that there are when nobody else wants one. */
  constructor(most: number) {
    this.#most = most;
    this.#threads = most;
  }

  get threads(): number {
    return this.#threads;
  }

  /** `waiting`: the part of the last `elapsedMs` in which somebody waited for a processor. Returns the threads to use. */
  observe(waiting: number, elapsedMs: number): number {
    const weight = Math.min(1, elapsedMs / averagedMs);
    this.#average = this.#average === null ? waiting : this.#average + weight * (waiting - this.#average);
    this.#crowdedMs = this.#average > crowded ? this.#crowdedMs + elapsedMs : 0;
    this.#freeMs = this.#average < free ? this.#freeMs + elapsedMs : 0;
    this.#sinceTakenMs += elapsedMs;
    if (this.#crowdedMs >= giveAfterMs && this.#threads > 1) this.#give();
    else if (this.#freeMs >= this.#takeAfterMs && this.#threads < this.#most) this.#take();
    return this.#threads;
  }

  #give(): void {
    this.#threads--;
    this.#crowdedMs = 0;
    const wasTooSoon = this.#sinceTakenMs < tooSoonMs;
    this.#takeAfterMs = wasTooSoon ? Math.min(2 * this.#takeAfterMs, longestTakeAfterMs) : takeAfterMs;
    this.#sinceTakenMs = Number.POSITIVE_INFINITY;
  }

  #take(): void {
    this.#threads++;
    this.#freeMs = 0;
    this.#sinceTakenMs = 0;
  }
}
