/**
 * Notices that an answer goes round in circles. Small models do that, no sampler at temperature 0 gets them out, and on a board
 * the end of the context is many minutes away. Answers within a grammar are the engine's to watch (native/sample/loop_watch.h).
 */
import type { SamplerOptions } from "../engine/contract.js";

/** The most tokens that a circle has: the loops that models fall into have one to some ten. */
const longestCircle = 16;
/** Circles of so many tokens are short: nobody means to say them twenty times. */
const shortCircle = 2;
/** But rules of dashes and indents are long, and meant. */
const patience = 4;

export interface LoopLimits {
  /** How often one token, or two in turn, come before that is a loop; 0: as `tokens` says. Four times that in rules and indents. */
  readonly repeats: number;
  /** How many tokens of nothing but a longer circle make a loop; 0: any number is none. */
  readonly tokens: number;
}

/** Who watches a request's answer: within a grammar the engine, which knows the ways out, else its LoopWatch. */
export function watchLoops<R extends { readonly sampler: SamplerOptions }>(
  request: R,
  { repeats, tokens }: LoopLimits,
  isFillerToken?: (token: number) => boolean,
): { readonly watched: R; readonly loopWatch: LoopWatch } {
  const { sampler } = request;
  if (!sampler.grammar) return { watched: request, loopWatch: new LoopWatch({ repeats, tokens }, isFillerToken) };
  const watched = { ...request, sampler: { ...sampler, loopRepeats: repeats, loopTokens: tokens } };
  return { watched, loopWatch: new LoopWatch({ repeats: 0, tokens: 0 }) };
}

/** White space, or what rules and frames are drawn with. */
export function isFiller(text: string): boolean {
  return /^[\s\-=_~*#+.|\u2000-\u2fff]+$/.test(text);
}

export class LoopWatch {
  readonly #limits: LoopLimits;
  readonly #isFiller: (token: number) => boolean;
  readonly #answer: number[] = [];
  /** By length of circle: how many of the last tokens equal those one circle before. */
  readonly #repeats = new Int32Array(longestCircle + 1);

  constructor(limits: LoopLimits, isFiller: (token: number) => boolean = () => false) {
    this.#limits = limits;
    this.#isFiller = isFiller;
  }

  /** The answer's next token; true when its last ones are one circle of at most 16, as often as the limits say. */
  loopsWith(token: number): boolean {
    for (let length = 1; length <= longestCircle; length++) {
      this.#repeats[length] = this.#answer.at(-length) === token ? (this.#repeats[length] ?? 0) + 1 : 0;
    }
    this.#answer.push(token);
    if (this.#answer.length > longestCircle) this.#answer.shift();
    const [, one = 0, two = 0] = this.#repeats;
    return this.#repeats.some((repeats, length) => {
      const isOfShortOnes = length > shortCircle && (one + 1 >= length || two + 2 >= length);
      if (isOfShortOnes && this.#limits.repeats > 0) return false;
      const limit = repeats > 0 ? this.#limitOf(length, repeats + length) : 0;
      return limit > 0 && repeats + length >= limit;
    });
  }

  /** In tokens; 0 for none. */
  #limitOf(length: number, filled: number): number {
    const { repeats, tokens } = this.#limits;
    if (length > shortCircle || repeats === 0) return tokens;
    const limit = repeats * length;
    if (filled < limit) return limit;
    return this.#answer.slice(-length).every(this.#isFiller) ? patience * limit : limit;
  }
}
