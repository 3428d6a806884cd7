/**
 * Work for the time when nobody uses the models: it begins when that was so for a while, and is told to stop as soon as
 * somebody comes. It must not know what the work is.
 */
import type { Clock } from "../base/clock.js";

/** Runs until it is done or the signal aborts, and never rejects. */
export type IdleWork = (signal: AbortSignal) => Promise<void>;

export class IdleTime {
  readonly #clock: Clock;
  readonly #afterMs: number;
  #work: IdleWork | null = null;
  #users = 0;
  #cancelTimer: (() => void) | null = null;
  #running: { readonly abort: AbortController; readonly done: Promise<void> } | null = null;

  /** The work begins `afterMs` after the last user left. */
  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock;
    this.#afterMs = afterMs;
  }

  /** From now on `work` is done once in each idle time. */
  start(work: IdleWork): void {
    this.#work = work;
    this.#wait();
  }

  enter(): void {
    this.#users++;
    this.#interrupt();
  }

  leave(): void {
    this.#users--;
    this.#wait();
  }

  /** Resolves when the work has stopped. */
  async stop(): Promise<void> {
    this.#work = null;
    const { done } = this.#running ?? {};
    this.#interrupt();
    await done;
  }

  #interrupt(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#running?.abort.abort();
  }

  #wait(): void {
    if (this.#users > 0 || this.#work === null) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(this.#afterMs, () => this.#run());
  }

  #run(): void {
    this.#cancelTimer = null;
    if (this.#work === null) return;
    if (this.#running) {
      this.#wait(); // it was told to stop and has not yet
      return;
    }
    const abort = new AbortController();
    const done = this.#work(abort.signal).finally(() => {
      this.#running = null;
    });
    this.#running = { abort, done };
  }
}
