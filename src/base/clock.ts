/**
 * Time as a dependency: what waits takes a `Clock`, so that tests drive it. Milliseconds everywhere.
 */

export interface Clock {
  /** Milliseconds of a clock that never jumps; only differences mean anything. */
  now(): number;
  /** Milliseconds since 1970. */
  wallTime(): number;
  /** Calls `action` once after `delayMs`; the result cancels it. Does not keep the process alive. */
  after(delayMs: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until `advance` moves it. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { at: this.#now + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on and runs what falls due, in the order of its times, letting promises settle after each. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.action();
      await settled();
    }
    this.#now = end;
    await settled();
  }
}

/** Resolves after all promises that are ready to continue have done so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
