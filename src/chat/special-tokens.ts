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
  }

  /** Where, from `at` on, a token's first unit stands next; -1 if nowhere. */
  nextStart(text: string, at: number): number {
    for (let i = at; i < text.length; i++) {
      if (this.#root.children.has(text.charCodeAt(i))) return i;
    }
    return -1;
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

  /** The text as plain pieces (never empty) and token ids, in order. */
  split(text: string): (string | number)[] {
    const pieces: (string | number)[] = [];
    let plainFrom = 0;
    for (let at = this.nextStart(text, 0); at >= 0; ) {
      const { id, end } = this.matchAt(text, at);
      if (id === null) {
        at = this.nextStart(text, at + 1);
        continue;
      }
      if (at > plainFrom) pieces.push(text.slice(plainFrom, at));
      pieces.push(id);
      plainFrom = end;
      at = this.nextStart(text, end);
    }
    if (plainFrom < text.length) pieces.push(text.slice(plainFrom));
    return pieces;
  }
}
