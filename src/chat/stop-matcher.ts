/**
 * Finds stop strings in a stream and holds back no more text than could become one. Aho and Corasick 1975: one automaton
 * for all strings, one transition a character, and the outcome does not depend on how the stream is cut into pieces.
 */

interface State {
  readonly next: Map<number, State>; // by UTF-16 code unit
  readonly depth: number; // the length of the stop string's beginning that this state stands for
  fail: State | null; // its longest proper suffix that begins a stop string too; null for the root
  stop: string | null; // the longest stop string that ends here
}

export interface StopResult {
  /** Can no longer be part of a stop string. */
  readonly text: string;
  /** The stop string that was met; `text` ends before it, and nothing may follow. */
  readonly stop: string | null;
}

export class StopMatcher {
  readonly #root: State;
  #state: State;
  #held = "";

  /** Empty strings never match. */
  constructor(stops: readonly string[]) {
    this.#root = build(stops);
    this.#state = this.#root;
  }

  /** The first stop string to be complete ends the stream; of several that end together the longest counts. */
  push(piece: string): StopResult {
    const text = this.#held + piece;
    for (let i = this.#held.length; i < text.length; i++) {
      this.#state = step(this.#state, text.charCodeAt(i));
      if (this.#state.stop === null) continue;
      const { stop } = this.#state;
      this.#held = "";
      this.#state = this.#root;
      return { text: text.slice(0, i + 1 - stop.length), stop };
    }
    const sure = text.length - this.#state.depth;
    this.#held = text.slice(sure);
    return { text: text.slice(0, sure), stop: null };
  }

  /** What was held back, once the stream has ended by itself. */
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

function build(stops: readonly string[]): State {
  const root: State = { next: new Map(), depth: 0, fail: null, stop: null };
  for (const stop of stops) {
    let state = root;
    for (let i = 0; i < stop.length; i++) {
      const unit = stop.charCodeAt(i);
      const next = state.next.get(unit) ?? { next: new Map(), depth: i + 1, fail: root, stop: null };
      state.next.set(unit, next);
      state = next;
    }
    if (state !== root) state.stop = stop;
  }
  // Breadth first: a state's suffix is shorter, so it is complete before the state is.
  const queue = [...root.next.values()];
  for (const state of queue) {
    state.stop ??= state.fail?.stop ?? null;
    for (const [unit, next] of state.next) {
      next.fail = state.fail ? step(state.fail, unit) : root;
      queue.push(next);
    }
  }
  return root;
}
