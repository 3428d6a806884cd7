/**
 * Speculation without a second model: an answer that repeats its prompt or itself (a summary, a tool call over a list of
 * devices) is drafted from what followed its last tokens before (prompt lookup decoding, Saxena 2023). The engine keeps a
 * draft only where it would have drawn the same. Pure: knows tokens and times, not the engine.
 */

/** Tokens that have to be the same for what followed them to be a draft; one matches by chance too often. */
const leastMatch = 2;
/** Longer matches are not told apart. */
const longestMatch = 32;
/** Earlier places that are looked at, the newest ones. */
const maxPlaces = 256;
/** Drafts a step at most; beyond this a step of any model costs more than it brings. */
export const maxDrafts = 15;

/** The weight of the newest draft in the share of right ones. */
const learningRate = 0.2;
/** By the length of the match, in doublings: two or three tokens, four to seven, and so on. */
const initialRightShares = [0.5, 0.7, 0.8, 0.9, 0.9];

/** A continuation of a history of `length` tokens: the tokens that followed `from` in it before. */
interface Proposal {
  readonly length: number;
  readonly from: number;
  readonly tokens: readonly number[];
  /** Which of the shares it is judged by. */
  readonly share: number;
}

/** Drafts for one sequence, and how often they were right. */
export class Drafter {
  /** The last two tokens of a place -> the newest such place, and for each place the one before it (0: none). */
  readonly #newest = new Map<number, number>();
  readonly #older: number[] = [];
  #indexed = leastMatch;
  /** Places where a draft was wrong once: what is before them goes on in more than one way. */
  readonly #forks = new Set<number>();
  readonly #rightShares = [...initialRightShares];
  #last: Proposal | null = null;

  /** Up to `limit` tokens that may follow `history`, which only grows between calls. */
  propose(history: readonly number[], limit: number): readonly number[] {
    const { length } = history;
    this.#learn(history);
    for (; this.#indexed < length; this.#indexed++) {
      const key = lastTwo(history, this.#indexed);
      this.#older[this.#indexed] = this.#newest.get(key) ?? 0;
      this.#newest.set(key, this.#indexed);
    }
    this.#last = null;
    const match = limit > 0 && length >= leastMatch ? this.#longestMatch(history) : null;
    if (!match) return [];
    const { from } = match;
    const tokens: number[] = [];
    // A match that reaches the end of the history is a loop, and goes round it.
    for (let i = from; tokens.length < limit && (i === from || !this.#forks.has(i)); i++) {
      tokens.push(history[i] ?? tokens[i - length] ?? 0);
    }
    const share = this.#forks.has(from) ? 0 : Math.floor(Math.log2(match.tokens)) - 1;
    this.#last = { length, from, tokens, share };
    return tokens;
  }

  /** Judges the last proposal by what came, whether the engine was given it or not. */
  #learn(history: readonly number[]): void {
    if (!this.#last) return;
    const { length, from, tokens, share: at } = this.#last;
    let share = this.#rightShares[at] ?? 0;
    for (let i = 0; i < tokens.length && length + i < history.length; i++) {
      const right = tokens[i] === history[length + i];
      share += learningRate * (Number(right) - share);
      if (right) continue;
      this.#forks.add(from + i).add(length + i);
      break;
    }
    this.#rightShares[at] = share;
  }

  /** The earlier place whose last tokens equal the most of the history's last ones; the newest of several. */
  #longestMatch(history: readonly number[]): { from: number; tokens: number } | null {
    let longest = { from: 0, tokens: 0 };
    let from = this.#newest.get(lastTwo(history, history.length)) ?? 0;
    for (let places = 0; from > 0 && places < maxPlaces && longest.tokens < longestMatch; places++) {
      const tokens = countEqualBefore(history, from);
      if (tokens > longest.tokens) longest = { from, tokens };
      from = this.#older[from] ?? 0;
    }
    return longest.tokens > 0 ? longest : null;
  }

  /** How many of the last proposal make the most tokens a second of a step that has `columns` tokens without them. */
  bestDrafts(cost: StepCost, columns: number): number {
    if (!this.#last) return 0;
    const { tokens, share: at } = this.#last;
    const share = this.#rightShares[at] ?? 0;
    let best = 0;
    let bestRate = columns / cost.estimate(columns);
    let gain = 0;
    for (let drafts = 1; drafts <= tokens.length; drafts++) {
      gain += share ** drafts;
      const rate = (columns + gain) / cost.estimate(columns + drafts);
      if (rate > bestRate) [best, bestRate] = [drafts, rate];
    }
    return best;
  }
}

/** The cost of a decoding step by the number of its tokens, learned from the steps before. */
export class StepCost {
  readonly #ms: (number | undefined)[] = [];

  observe(columns: number, computeMs: number): void {
    const known = this.#ms[columns];
    this.#ms[columns] = known === undefined ? computeMs : known + 0.2 * (computeMs - known);
  }

  /** Whether anything was measured. */
  get known(): boolean {
    return this.#ms.length > 0;
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

/** The two tokens before `end` as one number: ids are far below 2^26. */
function lastTwo(history: readonly number[], end: number): number {
  return (history[end - 2] ?? 0) * 2 ** 26 + (history[end - 1] ?? 0);
}

/** How many tokens before `end` are those at the end of the history, up to `longestMatch`. */
function countEqualBefore(history: readonly number[], end: number): number {
  let tokens = 0;
  while (tokens < longestMatch && tokens < end && history[end - 1 - tokens] === history[history.length - 1 - tokens]) {
    tokens++;
  }
  return tokens;
}
