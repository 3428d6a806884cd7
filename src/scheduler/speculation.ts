/**
 * Speculation without a second model: an answer that repeats its prompt or itself (a summary, a tool call over a list of
 * devices) is guessed from what followed its last tokens before (prompt lookup decoding, Saxena 2023). The engine keeps a
 * guess only where it would have drawn the same. Pure: knows tokens and times, not the engine.
 */

/** Tokens that have to be the same for what followed them to be a guess: two match by chance too often. */
const matchTokens = 3;
/** Guesses a step at most; beyond this a step of any model costs more than it brings. */
export const maxDrafts = 15;

/** The weight of the newest guess in the share of right ones. */
const learningRate = 0.15;
const initialRightShare = 0.7;
/** Where a sequence that does not guess drifts to, so that it tries again when its text has changed. */
const restingRightShare = 0.4;
const driftRate = 0.005;

/** Guesses for one sequence, and how often they were right. */
export class Drafter {
  /** Hash of `matchTokens` tokens -> where the last ones like them end. */
  readonly #ends = new Map<number, number>();
  #indexed = matchTokens;
  #rightShare = initialRightShare;

  /** Up to `limit` tokens that may follow `history`, which only grows between calls. */
  propose(history: readonly number[], limit: number): number[] {
    const { length } = history;
    for (; this.#indexed < length; this.#indexed++) this.#ends.set(hashBefore(history, this.#indexed), this.#indexed);
    if (limit <= 0 || length < matchTokens) return [];
    const end = this.#ends.get(hashBefore(history, length));
    if (end === undefined || !endsAlike(history, end)) return [];
    const guesses: number[] = [];
    // A match that reaches the end of the history is a loop, and goes round it.
    for (let i = end; guesses.length < limit; i++) guesses.push(history[i] ?? guesses[i - length] ?? 0);
    return guesses;
  }

  observe(guesses: number, right: number): void {
    for (let i = 0; i < right; i++) this.#rightShare += learningRate * (1 - this.#rightShare);
    if (right < guesses) this.#rightShare -= learningRate * this.#rightShare;
    if (guesses === 0) this.#rightShare += driftRate * (restingRightShare - this.#rightShare);
  }

  /** How many guesses make the most tokens a second of a step that has `columns` tokens without them. */
  bestDrafts(cost: StepCost, columns: number, limit: number): number {
    let best = 0;
    let bestRate = columns / cost.estimate(columns);
    let gain = 0;
    for (let drafts = 1; drafts <= limit; drafts++) {
      gain += this.#rightShare ** drafts;
      const rate = (columns + gain) / cost.estimate(columns + drafts);
      if (rate > bestRate) [best, bestRate] = [drafts, rate];
    }
    return best;
  }
}

/** What a decoding step costs by the number of its tokens, learned from the steps before. */
export class StepCost {
  readonly #ms: (number | undefined)[] = [];

  observe(columns: number, computeMs: number): void {
    const known = this.#ms[columns];
    this.#ms[columns] = known === undefined ? computeMs : known + 0.2 * (computeMs - known);
  }

  /** In milliseconds, or in steps of one token where nothing was measured. */
  estimate(columns: number): number {
    const below = this.#nearest(columns, -1);
    const above = this.#nearest(columns, 1);
    if (below && above) {
      const share = above.columns === below.columns ? 0 : (columns - below.columns) / (above.columns - below.columns);
      return below.ms + share * (above.ms - below.ms);
    }
    // Decoding waits for the weights, so another token costs little: an optimist's slope, that one step corrects.
    const [from, ms] = below ? [below.columns, below.ms] : above ? [above.columns, above.ms] : [1, 1];
    return ms * Math.max(0.1, 1 + 0.1 * (columns - from));
  }

  #nearest(columns: number, direction: 1 | -1): { columns: number; ms: number } | null {
    const last = this.#ms.length - 1;
    for (let at = direction < 0 ? Math.min(columns, last) : columns; at > 0 && at <= last; at += direction) {
      const ms = this.#ms[at];
      if (ms !== undefined) return { columns: at, ms };
    }
    return null;
  }
}

/** FNV-1a over the `matchTokens` tokens before `end`. */
function hashBefore(history: readonly number[], end: number): number {
  let hash = 2166136261;
  for (let i = end - matchTokens; i < end; i++) hash = Math.imul(hash ^ (history[i] ?? 0), 16777619);
  return hash;
}

function endsAlike(history: readonly number[], end: number): boolean {
  for (let i = 1; i <= matchTokens; i++) {
    if (history[end - i] !== history[history.length - i]) return false;
  }
  return true;
}
