/**
 * Finds given texts in a stream and holds back no more of it than could become one of them. Aho and Corasick 1975: one automaton
 * for all texts, one transition a character, and the outcome does not depend on how the stream is cut into pieces.
 */

interface State {
  readonly next: Map<number, State>; // by UTF-16 code unit
  readonly depth: number; // the length of the wanted text's beginning that this state stands for
  fail: State | null; // its longest proper suffix that begins a wanted text too; null for the root
  match: string | null; // the longest wanted text that ends here
}

export interface TextMatch {
  /** Can no longer be part of a wanted text. */
  readonly text: string;
  /** The wanted text that was met; `text` ends before it. What comes after it is looked at anew with the next piece. */
  readonly match: string | null;
}

export class TextMatcher {
  readonly #root: State;
  #state: State;
  #held = "";

  /** Empty texts never match. */
  constructor(texts: readonly string[]) {
    this.#root = build(texts);
    this.#state = this.#root;
  }

  /** The first text to be complete ends the piece; of several that end together the longest counts. */
  push(piece: string): TextMatch {
    const text = this.#held + piece;
    for (let i = this.#held.length; i < text.length; i++) {
      this.#state = step(this.#state, text.charCodeAt(i));
      if (this.#state.match === null) continue;
      const { match } = this.#state;
      this.#held = "";
      this.#state = this.#root;
      return { text: text.slice(0, i + 1 - match.length), match };
    }
    const sure = text.length - this.#state.depth;
    this.#held = text.slice(sure);
    return { text: text.slice(0, sure), match: null };
  }

  /** The text that was held back, once the stream has ended by itself. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    this.#state = this.#root;
    return text;
  }
}

function step(from: State, unit: number): State {
  for (let state = from; ; state = state.fail) {
    const next = state.next.get(unit);
    if (next) return next;
    if (!state.fail) return state;
  }
}

function build(texts: readonly string[]): State {
  const root: State = { next: new Map(), depth: 0, fail: null, match: null };
  for (const wanted of texts) {
    let state = root;
    for (let i = 0; i < wanted.length; i++) {
      const unit = wanted.charCodeAt(i);
      const next = state.next.get(unit) ?? { next: new Map(), depth: i + 1, fail: root, match: null };
      state.next.set(unit, next);
      state = next;
    }
    if (state !== root) state.match = wanted;
  }
  // Breadth first: a state's suffix is shorter, so it is complete before the state is.
  const queue = [...root.next.values()];
  for (const state of queue) {
    state.match ??= state.fail?.match ?? null;
    for (const [unit, next] of state.next) {
      next.fail = state.fail ? step(state.fail, unit) : root;
      queue.push(next);
    }
  }
  return root;
}
