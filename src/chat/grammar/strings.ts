/** What stands between the quotes of a JSON string: any text, texts of a length, and texts that match a pattern. */
import { characterClass, choice, type GrammarWriter, literal, type Range } from "./gbnf.js";
import { lengthOf, type Pattern } from "./pattern.js";

/** One character as itself or escaped: valid UTF-8, and no half of a surrogate pair. */
const hex = "[0-9a-fA-F]";
const anyCharacter = [
  '([^"\\\\\\x00-\\x1f\\x7f]',
  '"\\\\" (["\\\\/bfnrt]',
  `"u" ([0-9abcefABCEF] ${hex}{3}`,
  `[dD] [0-7] ${hex}{2}`,
  `[dD] [89abAB] ${hex}{2} "\\\\u" [dD] [c-fC-F] ${hex}{2})))`,
].join(" | ");

/** Any characters, from `least` to `most` of them. */
export function anyText(least: number, most: number): string {
  return least === 0 && most === Number.POSITIVE_INFINITY
    ? `${anyCharacter}*`
    : `${anyCharacter}${bounds(least, most)}`;
}

/** JSON's escapes that are not their character's number. */
const shortEscapes: Readonly<Record<number, string>> = {
  8: "\\b",
  9: "\\t",
  10: "\\n",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** A text that matches. */
export function patternText(pattern: Pattern): string {
  switch (pattern.kind) {
    case "class":
      return characters(pattern.ranges);
    case "sequence":
      return pattern.parts.length === 0 ? '""' : `(${pattern.parts.map(patternText).join(" ")})`;
    case "choice":
      return choice(pattern.parts.map(patternText));
    case "repeat":
      return `(${patternText(pattern.part)})${bounds(pattern.least, pattern.most)}`;
  }
}

/** Texts that match and have from `least` to `most` characters; null: too many states. */
export function patternTextWithin(writer: GrammarWriter, pattern: Pattern, least: number, most: number): string | null {
  const length = lengthOf(pattern);
  if (least <= length.least && length.most <= most) return patternText(pattern);
  const automaton = new PatternAutomaton();
  const end = automaton.state();
  const start = automaton.state();
  if (!automaton.add(pattern, start, end)) return null;
  return withLength(writer, automaton, start, end, least, most);
}

const maxStates = 2000;
const maxRules = 20_000;

interface Step {
  readonly ranges: readonly Range[] | null; // null: reads nothing
  readonly target: number;
}

class PatternAutomaton {
  readonly steps: Step[][] = [];

  state(): number {
    this.steps.push([]);
    return this.steps.length - 1;
  }

  /** False: too many states. */
  add(pattern: Pattern, from: number, to: number): boolean {
    if (this.steps.length > maxStates) return false;
    switch (pattern.kind) {
      case "class":
        this.steps[from]?.push({ ranges: pattern.ranges, target: to });
        return true;
      case "choice":
        return pattern.parts.every((part) => this.add(part, from, to));
      case "sequence": {
        let at = from;
        for (const part of pattern.parts) {
          const next = this.state();
          if (!this.add(part, at, next)) return false;
          at = next;
        }
        this.#skip(at, to);
        return true;
      }
      case "repeat":
        return this.#repeat(pattern, from, to);
    }
  }

  #repeat({ part, least, most }: Pattern & { kind: "repeat" }, from: number, to: number): boolean {
    let at = from;
    for (let i = 0; i < least; i++) {
      const next = this.state();
      if (!this.add(part, at, next)) return false;
      at = next;
    }
    if (most === Number.POSITIVE_INFINITY) {
      const loop = this.state();
      this.#skip(at, loop);
      this.#skip(loop, to);
      return this.add(part, loop, loop);
    }
    for (let i = least; i < most; i++) {
      this.#skip(at, to);
      const next = this.state();
      if (!this.add(part, at, next)) return false;
      at = next;
    }
    this.#skip(at, to);
    return true;
  }

  #skip(from: number, to: number): void {
    this.steps[from]?.push({ ranges: null, target: to });
  }

  /** The states that are reached from one without reading. */
  closure(state: number): Set<number> {
    const reached = new Set([state]);
    for (const at of reached) {
      for (const { ranges, target } of this.steps[at] ?? []) if (!ranges) reached.add(target);
    }
    return reached;
  }
}

/** The automaton times a count of the characters, as one rule for each pair. */
function withLength(
  writer: GrammarWriter,
  automaton: PatternAutomaton,
  start: number,
  end: number,
  least: number,
  most: number,
): string | null {
  const names = new Map<string, string>();
  const open: { state: number; length: number; name: string }[] = [];
  const visit = (state: number, length: number): string => {
    const key = `${state},${length}`;
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = writer.reserve("p");
    names.set(key, name);
    open.push({ state, length, name });
    return name;
  };
  const first = visit(start, 0);
  for (let at = 0; at < open.length; at++) {
    if (open.length > maxRules) return null;
    const { state, length, name } = open[at] ?? { state: 0, length: 0, name: "" };
    const closure = automaton.closure(state);
    const alternatives = closure.has(end) && length >= least ? ['""'] : [];
    if (length < most) {
      const next = most === Number.POSITIVE_INFINITY ? Math.min(length + 1, least) : length + 1;
      for (const step of [...closure].flatMap((reached) => automaton.steps[reached] ?? [])) {
        if (step.ranges) alternatives.push(`${characters(step.ranges)} ${visit(step.target, next)}`);
      }
    }
    writer.define(name, alternatives.length > 0 ? alternatives.join(" | ") : "[]");
  }
  return first;
}

/** One character of the ranges as JSON writes it. */
function characters(ranges: readonly Range[]): string {
  const plain: Range[] = [];
  const escapes: string[] = [];
  for (const [low, high] of ranges) {
    let from = low;
    for (const codePoint of escapedCodePoints) {
      if (codePoint < low || codePoint > high) continue;
      if (codePoint > from) plain.push([from, codePoint - 1]);
      from = codePoint + 1;
      // Of the control characters that a wide range brings along only those that texts have.
      if (low !== high && codePoint < 0x20 && !"\t\n\r".includes(String.fromCodePoint(codePoint))) continue;
      escapes.push(literal(shortEscapes[codePoint] ?? `\\u${codePoint.toString(16).padStart(4, "0")}`));
    }
    if (from <= high) plain.push([from, high]);
  }
  return choice([characterClass(plain), ...escapes]);
}

/** In ascending order: what cannot stand in a JSON string as itself. */
const escapedCodePoints = [...Array.from({ length: 0x20 }, (_, codePoint) => codePoint), 34, 92];

export function bounds(least: number, most: number): string {
  if (most !== Number.POSITIVE_INFINITY) return least === most ? `{${least}}` : `{${least},${most}}`;
  return least === 0 ? "*" : `{${least},}`;
}
