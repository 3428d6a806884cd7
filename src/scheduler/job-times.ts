/** The times at which one request got on, for the histograms. */
import type { Clock } from "../base/clock.js";
import type { SchedulerMetrics } from "./metrics.js";

export class JobTimes {
  readonly #clock: Clock;
  readonly #metrics: SchedulerMetrics;
  readonly #asked: number;
  #admitted: number | null = null;
  #firstToken: number | null = null;
  #lastToken = 0;

  constructor(clock: Clock, metrics: SchedulerMetrics) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#asked = clock.now();
  }

  /** It got a slot; again after it lost one, which counts as prefill. */
  admitted(): void {
    if (this.#admitted !== null) return;
    this.#admitted = this.#clock.now();
    this.#metrics.queueSeconds.observe(seconds(this.#admitted - this.#asked));
  }

  /** A step drew `count` tokens for it, which came at the same time: each took its share. */
  drew(count: number): void {
    const now = this.#clock.now();
    if (this.#firstToken === null) {
      this.#firstToken = now;
      this.#metrics.prefillSeconds.observe(seconds(now - (this.#admitted ?? now)));
      this.#metrics.firstTokenSeconds.observe(seconds(now - this.#asked));
    } else {
      for (let i = 0; i < count; i++) this.#metrics.tokenSeconds.observe(seconds((now - this.#lastToken) / count));
    }
    this.#lastToken = now;
  }

  ended(): void {
    if (this.#firstToken !== null) this.#metrics.decodeSeconds.observe(seconds(this.#clock.now() - this.#firstToken));
  }
}

const seconds = (ms: number) => ms / 1000;
