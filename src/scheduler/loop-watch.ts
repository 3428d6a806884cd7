/**
 * Notices that an answer goes round in circles. Small models do that, no sampler at temperature 0 gets them out, and on a board
 * the end of the context is many minutes away.
 */

/** The most tokens that a circle has: the loops that models fall into have one to some ten. */
const longestCircle = 16;

export class LoopWatch {
  readonly #limit: number;
  readonly #answer: number[] = [];
  /** By length of circle: how many of the last tokens equal those one circle before. */
  readonly #repeats = new Int32Array(longestCircle + 1);

  /** `limit`: how many tokens of nothing else make a loop; 0: any number is none. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The answer's next token; true when its last `limit` tokens are one circle of at most 16, over and over. */
  loopsWith(token: number): boolean {
    if (this.#limit === 0) return false;
    let loops = false;
    for (let length = 1; length <= longestCircle; length++) {
      const repeats = this.#answer.at(-length) === token ? (this.#repeats[length] ?? 0) + 1 : 0;
      this.#repeats[length] = repeats;
      loops ||= repeats + length >= this.#limit;
    }
    this.#answer.push(token);
    if (this.#answer.length > longestCircle) this.#answer.shift();
    return loops;
  }
}
