/**
 * Keeps text of users from becoming control tokens on its way through a chat template.
 *
 * A template mixes its own text, in which control tokens are meant ("<|im_start|>"), with text of users, in which they are
 * not, and hands back one string. Templates also look into user text (trim it, split it at "</think>"), so it cannot stand
 * as a placeholder while the template runs. Instead a mark, a character that occurs nowhere else, is put into user text
 * wherever a control token begins in it, and at an edge where the text could be one part of a control token whose other
 * parts come from the text beside it. Special tokens are then found with the marks in place, and the marks are dropped.
 */
import type { SpecialToken } from "../engine/contract.js";
import { SpecialTokens } from "./special-tokens.js";

// Unicode's noncharacters: never assigned, meant for such use within a program.
const markCandidates = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i));

/** A character that is in none of `texts`; null if they hold all candidates. */
export function chooseMark(texts: readonly string[]): string | null {
  return markCandidates.find((mark) => !texts.some((text) => text.includes(mark))) ?? null;
}

export class Shield {
  readonly #tokens: SpecialTokens;
  readonly #suffixes = new Set<string>(); // proper ones, of all control tokens
  readonly #longest: number;
  readonly #joined: string;

  constructor(special: readonly SpecialToken[]) {
    const control = special.filter((token) => token.control);
    this.#tokens = new SpecialTokens(control);
    this.#longest = control.reduce((longest, { text }) => Math.max(longest, text.length), 0);
    // Without its first unit, so that what is found in it is not at a token's start.
    this.#joined = control.map(({ text }) => text.slice(1)).join("\0");
    for (const { text } of control) {
      for (let i = 1; i < text.length; i++) this.#suffixes.add(text.slice(i));
    }
  }

  /** Every string of a JSON value, keys too, with marks where they are needed. */
  apply<T>(value: T, mark: string): T;
  apply(value: unknown, mark: string): unknown {
    if (typeof value === "string") return this.#text(value, mark);
    if (Array.isArray(value)) return value.map((item) => this.apply(item, mark));
    if (typeof value !== "object" || value === null || value instanceof Number) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.#text(key, mark), this.apply(item, mark)]),
    );
  }

  #text(text: string, mark: string): string {
    const word = isWord(text);
    let result = !word && this.#continuesToken(text) ? mark : "";
    let from = 0;
    let endsInToken = false;
    for (let at = this.#tokens.nextStart(text, 0); at >= 0; at = this.#tokens.nextStart(text, at + 1)) {
      const { id, cutShort } = this.#tokens.matchAt(text, at);
      endsInToken ||= cutShort && !word;
      if (id === null) continue;
      result += text.slice(from, at + 1) + mark;
      from = at + 1;
    }
    return result + text.slice(from) + (endsInToken ? mark : "");
  }

  /** Whether the text's beginning is the end, or all of it the middle, of a control token. */
  #continuesToken(text: string): boolean {
    if (text.length < this.#longest && this.#joined.includes(text)) return true;
    for (let length = Math.min(text.length, this.#longest); length > 0; length--) {
      if (this.#suffixes.has(text.slice(0, length))) return true;
    }
    return false;
  }
}

/**
 * Templates compare words ("function", "string", "name") that may be part of a control token's name. A word becomes a token
 * only if the template itself writes the brackets around it, as templates do with roles; then that is what it wants.
 */
function isWord(text: string): boolean {
  return /^\w*$/.test(text);
}
