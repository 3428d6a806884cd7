/**
 * Finds special tokens in text: leftmost first, and of those that start together the longest. One walk of a trie a
 * position, so that hostile text costs at most its length times the longest token.
 */
import type { SpecialToken } from "../engine/contract.js";

interface Node {
  readonly children: Map<number, Node>; // by UTF-16 code unit
  id: number | null;
}

const newNode = (): Node => ({ children: new Map(), id: null });

export class SpecialTokens {
  readonly #root = newNode();
  readonly #starts: RegExp; // any first unit, so that the regex engine skips what is between tokens

  constructor(tokens: readonly SpecialToken[]) {
    for (const { id, text } of tokens) {
      let node = this.#root;
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        const child = node.children.get(unit) ?? newNode();
        node.children.set(unit, child);
        node = child;
      }
      if (node !== this.#root) node.id ??= id;
    }
    const units = [...this.#root.children.keys()].map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`);
    this.#starts = new RegExp(`[${units.join("")}]`, "g"); // an empty class matches nothing
  }

  /** The next place, from `at` on, of a token's first unit; -1 if there is none. */
  nextStart(text: string, at: number): number {
    this.#starts.lastIndex = at;
    return this.#starts.exec(text)?.index ?? -1;
  }

  /** The longest token that starts exactly at `at`; `cutShort` if more text could have made it another or a longer one. */
  matchAt(text: string, at: number): { id: number | null; end: number; cutShort: boolean } {
    let id: number | null = null;
    let end = at;
    let node = this.#root;
    for (let i = at; i < text.length; i++) {
      const child = node.children.get(text.charCodeAt(i));
      if (!child) return { id, end, cutShort: false };
      node = child;
      if (node.id !== null) {
        id = node.id;
        end = i + 1;
      }
    }
    return { id, end, cutShort: node.children.size > 0 };
  }

  /** The text as plain pieces (never empty) and token ids, in order, each when it is asked for. */
  *split(text: string): Generator<string | number> {
    let plainFrom = 0;
    for (let at = this.nextStart(text, 0); at >= 0; ) {
      const { id, end } = this.matchAt(text, at);
      if (id === null) {
        at = this.nextStart(text, at + 1);
        continue;
      }
      if (at > plainFrom) yield text.slice(plainFrom, at);
      yield id;
      plainFrom = end;
      at = this.nextStart(text, end);
    }
    if (plainFrom < text.length) yield text.slice(plainFrom);
  }
}
