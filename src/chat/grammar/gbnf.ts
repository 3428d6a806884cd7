/** Writes grammars in GBNF (see native/sample/gbnf.h): rules with names, and the notation of literals and classes. */
import { HearthError } from "../../base/errors.js";

/** Code points, both ends included. */
export type Range = readonly [low: number, high: number];

/** The work that the grammar of one request may cost: a client's schemas must not hold up the others. */
export class WorkBudget {
  #left = 3_000_000; // characters that are written, of which the engine takes a third

  /** Throws GRAMMAR_TOO_COMPLEX. */
  spend(work: number): void {
    this.#left -= work;
    if (this.#left >= 0) return;
    throw new HearthError("GRAMMAR_TOO_COMPLEX", "The schemas of the request make a grammar of too many rules.");
  }
}

export class GrammarWriter {
  readonly budget = new WorkBudget();
  readonly #rules = new Map<string, string>();
  readonly #names = new Map<string, string>(); // by body
  readonly #lastNumbers = new Map<string, number>(); // by the name without it

  /** The name of the rule with this body; equal bodies share one. `hint` makes the name readable. */
  rule(hint: string, body: string): string {
    const known = this.#names.get(body);
    this.budget.spend(body.length);
    if (known !== undefined) return known;
    const name = this.reserve(hint);
    this.#names.set(body, name);
    this.#rules.set(name, body);
    return name;
  }

  /** A name whose body comes later, with `define`: for rules that refer to themselves. */
  reserve(hint: string): string {
    const base =
      hint
        .replace(/[^A-Za-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .slice(0, 32) || "rule";
    let name = base;
    for (let n = this.#lastNumbers.get(base) ?? 1; this.#rules.has(name); name = `${base}-${n}`) {
      this.#lastNumbers.set(base, ++n);
    }
    this.#rules.set(name, "");
    return name;
  }

  define(name: string, body: string): void {
    this.budget.spend(body.length);
    this.#rules.set(name, body);
  }

  render(): string {
    return [...this.#rules].map(([name, body]) => `${name} ::= ${body}\n`).join("");
  }
}

/** The text itself. */
export function literal(text: string): string {
  return `"${[...text].map((character) => escaped(character.codePointAt(0) ?? 0)).join("")}"`;
}

/** A JSON value in its shortest text. */
export function jsonLiteral(value: unknown): string {
  // A lone surrogate is escaped by JSON.stringify already.
  return literal(JSON.stringify(value));
}

/** One character of these ranges, or of none of them; surrogates are none. */
export function characterClass(ranges: readonly Range[], negated = false): string {
  return `[${negated ? "^" : ""}${ranges
    .flatMap(withoutSurrogates)
    .map(([low, high]) => (low === high ? escaped(low) : `${escaped(low)}-${escaped(high)}`))
    .join("")}]`;
}

/** One of several expressions, in parentheses where needed. */
export function choice(expressions: readonly string[]): string {
  const different = [...new Set(expressions)];
  return different.length === 1 ? String(different[0]) : `(${different.join(" | ")})`;
}

function withoutSurrogates([low, high]: Range): Range[] {
  const parts: Range[] = [
    [low, Math.min(high, 0xd7ff)],
    [Math.max(low, 0xe000), high],
  ];
  return parts.filter(([from, to]) => from <= to);
}

function escaped(codePoint: number): string {
  const isPlain = codePoint >= 0x20 && codePoint < 0x7f && !'"\\[]-^'.includes(String.fromCodePoint(codePoint));
  if (isPlain) return String.fromCodePoint(codePoint);
  return codePoint < 0x10000
    ? `\\u${codePoint.toString(16).padStart(4, "0")}`
    : `\\U${codePoint.toString(16).padStart(8, "0")}`;
}
