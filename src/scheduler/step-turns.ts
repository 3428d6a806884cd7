/** Lets the engines of several models step one after the other: together they would fight for the same cores. */
export class StepTurns {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  /** Runs `step`, at once or when those that came before have ended, however they did. */
  async take<T>(step: () => Promise<T>): Promise<T> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    try {
      return await step();
    } finally {
      const next = this.#waiting.shift();
      // Handed over without a gap in which another one could slip in.
      if (next) next();
      else this.#isTaken = false;
    }
  }
}
