/** The speed of answers in steps that carry one token; that of other steps depends on what they carry. Pure. */

/** Before so many steps the speed is not known; a moving average of about as many. */
const window = 32;

export class DecodeSpeed {
  #ms = 0;
  #steps = 0;

  observe(computeMs: number): void {
    this.#steps++;
    this.#ms += (computeMs - this.#ms) / Math.min(this.#steps, window);
  }

  /** null while too few were seen. */
  get tokensPerSecond(): number | null {
    return this.#steps < window ? null : 1000 / Math.max(this.#ms, 1e-6);
  }

  /** With other threads it is another speed. */
  reset(): void {
    this.#ms = 0;
    this.#steps = 0;
  }
}
