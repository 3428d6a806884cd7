/**
 * Patterns of JSON Schema (ECMAScript regular expressions) without what an automaton cannot do: back references, lookaround,
 * word boundaries. Parsed by hand, so that no pattern is ever matched by backtracking.
 */
import type { Range } from "./gbnf.js";

export type Pattern =
  | { readonly kind: "class"; readonly ranges: readonly Range[] }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly parts: readonly Pattern[] }
  /** `most` may be Infinity. */
  | { readonly kind: "repeat"; readonly part: Pattern; readonly least: number; readonly most: number };

const maxDepth = 50;
const maxRepeat = 100_000;
const lastCodePoint = 0x10ffff;
const everything: readonly Range[] = [[0, lastCodePoint]];
const anyText: Pattern = {
  kind: "repeat",
  part: { kind: "class", ranges: everything },
  least: 0,
  most: Number.POSITIVE_INFINITY,
};

const digits: readonly Range[] = [[0x30, 0x39]];
const wordCharacters: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaces: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classEscapes: Readonly<Record<string, readonly Range[]>> = {
  d: digits,
  D: complement(digits),
  w: wordCharacters,
  W: complement(wordCharacters),
  s: spaces,
  S: complement(spaces),
};
const characterEscapes: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };

/** The pattern of a whole text that `source` matches somewhere. `fail` throws, with the part of it that is not supported. */
export function parsePattern(source: string, fail: (what: string) => never): Pattern {
  return new PatternParser(source, fail, anyText).parse();
}

/** The pattern of a text that `source` matches as a whole, with or without anchors. `fail` as above. */
export function parseWholePattern(source: string, fail: (what: string) => never): Pattern {
  return new PatternParser(source, fail, null).parse();
}

/** How many characters a text that matches has. */
export function lengthOf(pattern: Pattern): { least: number; most: number } {
  switch (pattern.kind) {
    case "class":
      return { least: 1, most: 1 };
    case "sequence":
      return pattern.parts
        .map(lengthOf)
        .reduce((a, b) => ({ least: a.least + b.least, most: a.most + b.most }), { least: 0, most: 0 });
    case "choice":
      return pattern.parts
        .map(lengthOf)
        .reduce((a, b) => ({ least: Math.min(a.least, b.least), most: Math.max(a.most, b.most) }));
    case "repeat": {
      const { least, most } = lengthOf(pattern.part);
      return { least: least * pattern.least, most: most === 0 ? 0 : most * pattern.most };
    }
  }
}

class PatternParser {
  readonly #units: readonly string[]; // code points
  readonly #fail: (what: string) => never;
  /** May stand where the pattern has no anchor; null: nothing may. */
  readonly #around: Pattern | null;
  #at = 0;

  constructor(source: string, fail: (what: string) => never, around: Pattern | null) {
    this.#units = [...source];
    this.#fail = fail;
    this.#around = around;
  }

  parse(): Pattern {
    const alternatives: Pattern[] = [];
    do alternatives.push(this.#anchored());
    while (this.#take("|"));
    if (this.#at < this.#units.length) this.#fail('a ")" without its "("');
    return choiceOf(alternatives);
  }

  /** An alternative at the top: where it is not anchored, anything may stand before and after. */
  #anchored(): Pattern {
    const atStart = this.#take("^");
    const body = this.#sequence(0);
    const atEnd = this.#take("$");
    if (atEnd && this.#peek() !== undefined && this.#peek() !== "|") this.#fail('"$" before the end');
    const around = (isAnchored: boolean) => (isAnchored || !this.#around ? [] : [this.#around]);
    return { kind: "sequence", parts: [...around(atStart), body, ...around(atEnd)] };
  }

  #peek(): string | undefined {
    return this.#units[this.#at];
  }

  #take(unit: string): boolean {
    if (this.#peek() !== unit) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const unit = this.#units[this.#at++];
    return unit ?? this.#fail("an end in its middle");
  }

  #alternatives(depth: number): Pattern {
    const parts: Pattern[] = [];
    do parts.push(this.#sequence(depth));
    while (this.#take("|"));
    return choiceOf(parts);
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    for (;;) {
      const unit = this.#peek();
      if (unit === undefined || unit === "|" || unit === ")") break;
      if (unit === "$" && depth === 0) break;
      parts.push(this.#quantified(this.#atom(depth)));
    }
    const [only] = parts;
    return parts.length === 1 && only ? only : { kind: "sequence", parts };
  }

  #atom(depth: number): Pattern {
    const unit = this.#next();
    switch (unit) {
      case "(":
        return this.#group(depth);
      case "[":
        return { kind: "class", ranges: this.#class() };
      case ".":
        return { kind: "class", ranges: complement(lineEnds) };
      case "\\":
        return { kind: "class", ranges: this.#escape(false) };
      case "^":
      case "$":
        return this.#fail(`"${unit}" within the pattern`);
      case "*":
      case "+":
      case "?":
      case "{":
        return this.#fail(`"${unit}" with nothing to repeat`);
      default:
        return { kind: "class", ranges: [single(unit)] };
    }
  }

  #group(depth: number): Pattern {
    if (depth >= maxDepth) this.#fail(`more than ${maxDepth} levels of groups`);
    if (this.#take("?")) {
      if (this.#take("<")) {
        if (this.#peek() === "=" || this.#peek() === "!") this.#fail("lookbehind");
        while (this.#next() !== ">");
      } else if (!this.#take(":"))
        this.#fail(this.#peek() === "=" || this.#peek() === "!" ? "lookahead" : `the group "(?${this.#next()}"`);
    }
    const inner = this.#alternatives(depth + 1);
    if (!this.#take(")")) this.#fail('a "(" without its ")"');
    return inner;
  }

  #quantified(part: Pattern): Pattern {
    const bounds = this.#quantifier();
    if (!bounds) return part;
    this.#take("?"); // lazy or greedy, the same texts match
    const [least, most] = bounds;
    if (least > most) this.#fail("a repetition with its bounds in the wrong order");
    return { kind: "repeat", part, least, most };
  }

  #quantifier(): [least: number, most: number] | null {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    if (!this.#take("{")) return null;
    const least = this.#number();
    let most = least;
    if (this.#take(",")) most = this.#peek() === "}" ? Number.POSITIVE_INFINITY : this.#number();
    if (!this.#take("}")) this.#fail('a "{" without its "}"');
    return [least, most];
  }

  #number(): number {
    let text = "";
    while (/^\d$/.test(this.#peek() ?? "")) text += this.#next();
    const value = Number(text);
    if (text === "" || value > maxRepeat) this.#fail(`the repetition {${text}`);
    return value;
  }

  #class(): Range[] {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const low = this.#classAtom();
      const isRange = this.#peek() === "-" && this.#units[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const [from, to] = [oneOf(low), oneOf(this.#classAtom())];
      if (from === null || to === null || from > to) this.#fail("a range of characters that is none");
      else ranges.push([from, to]);
    }
    return negated ? complement(ranges) : ranges;
  }

  #classAtom(): readonly Range[] {
    const unit = this.#next();
    return unit === "\\" ? this.#escape(true) : [single(unit)];
  }

  #escape(inClass: boolean): readonly Range[] {
    const unit = this.#next();
    const named = classEscapes[unit];
    if (named) return named;
    const character = characterEscapes[unit];
    if (character !== undefined) return [[character, character]];
    if (unit === "x") return [this.#hexadecimal(2)];
    if (unit === "u") return [this.#unicode()];
    if (inClass && unit === "b") return [[8, 8]];
    if (/^[A-Za-z0-9]$/.test(unit)) this.#fail(`the escape "\\${unit}"`);
    return [single(unit)];
  }

  #unicode(): Range {
    if (!this.#take("{")) return this.#hexadecimal(4);
    let text = "";
    while (!this.#take("}")) text += this.#next();
    const value = /^[\da-fA-F]{1,6}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
    if (!(value <= lastCodePoint)) this.#fail(`the escape "\\u{${text}}"`);
    return [value, value];
  }

  #hexadecimal(length: number): Range {
    const text = this.#units.slice(this.#at, this.#at + length).join("");
    if (!/^[\da-fA-F]+$/.test(text) || text.length < length) this.#fail(`the escape "${text}"`);
    this.#at += length;
    const value = Number.parseInt(text, 16);
    return [value, value];
  }
}

function choiceOf(parts: readonly Pattern[]): Pattern {
  const [only] = parts;
  return parts.length === 1 && only ? only : { kind: "choice", parts };
}

function single(unit: string): Range {
  const codePoint = unit.codePointAt(0) ?? 0;
  return [codePoint, codePoint];
}

function oneOf(ranges: readonly Range[]): number | null {
  const [range] = ranges;
  return ranges.length === 1 && range && range[0] === range[1] ? range[0] : null;
}

/** The code points in none of the ranges. */
function complement(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  let next = 0;
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (low > next) result.push([next, low - 1]);
    next = Math.max(next, high + 1);
  }
  if (next <= lastCodePoint) result.push([next, lastCodePoint]);
  return result;
}
