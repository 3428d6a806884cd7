/** The times that the parts of an answer took, told from its events. */
import type { Clock } from "../base/clock.js";
import type { GenerationEvent, Usage } from "./types.js";

export interface Timings {
  readonly usage: Usage;
  /** From the request to the first token of the prompt: the model was loaded, or others had the slots. 0 for other servers. */
  readonly waitMs: number;
  /** Reading the prompt, up to the first token of the answer. */
  readonly promptMs: number;
  readonly generateMs: number;
}

export class Stopwatch {
  readonly #clock: Clock;
  readonly #asked: number;
  #admitted: number | null = null;
  #answering: number | null = null;
  #timings: Timings | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#asked = clock.now();
  }

  /** null before the answer is done. */
  get timings(): Timings | null {
    return this.#timings;
  }

  take(event: GenerationEvent): void {
    const now = this.#clock.now();
    if (event.type === "prompt") this.#admitted ??= now;
    else if (event.type === "started") this.#answering ??= now;
    else if (event.type === "done") {
      const answering = this.#answering ?? now;
      // Another server does not say when it began to read the prompt; the wait there is a part of its reading then.
      const admitted = this.#admitted ?? (this.#answering === null ? now : this.#asked);
      this.#timings = {
        usage: event.usage,
        waitMs: admitted - this.#asked,
        promptMs: answering - admitted,
        generateMs: now - answering,
      };
    }
  }
}
