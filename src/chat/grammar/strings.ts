/** Texts by their characters: any text, texts of a length, and texts that match a pattern, in whatever way characters are spelled. */
import { characterClass, choice, type GrammarWriter, literal, type Range } from "./gbnf.js";
import { lengthOf, type Pattern } from "./pattern.js";

/** How one character of a text is written. */
export interface Spelling {
  readonly any: string;
  /** One of the ranges; null where none can be written. */
  one(ranges: readonly Range[]): string | null;
}

const hex = "[0-9a-fA-F]";
const anyJsonCharacter = [
  '([^"\\\\\\x00-\\x1f\\x7f]',
  '"\\\\" (["\\\\/bfnrt]',
  `"u" ([0-9abcefABCEF] ${hex}{3}`,
  `[dD] [0-7] ${hex}{2}`,
  `[dD] [89abAB] ${hex}{2} "\\\\u" [dD] [c-fC-F] ${hex}{2})))`,
].join(" | ");

/** Within the quotes of JSON, as itself or escaped: valid UTF-8, and no half of a surrogate pair. */
export const jsonSpelling: Spelling = { any: anyJsonCharacter, one: jsonCharacter };

/** Characters spelled as themselves, without these code points and without control characters that texts do not have. */
export function plainSpelling(...excluded: readonly number[]): Spelling {
  const one = (ranges: readonly Range[]) => {
    const writable = without(ranges, [...excluded, ...unusual]);
    return writable.length === 0 ? null : characterClass(writable);
  };
  return { any: one([[0, lastCodePoint]]) ?? "[]", one };
}

const lastCodePoint = 0x10ffff;
const unusual = [...Array.from({ length: 0x20 }, (_, codePoint) => codePoint), 0x7f].filter(
  (codePoint) => !"\t\n\r".includes(String.fromCodePoint(codePoint)),
);

/** Any characters, from `least` to `most` of them. */
export function anyText(spelling: Spelling, least: number, most: number): string {
  return `${spelling.any}${bounds(least, most)}`;
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

/** A text that matches; null where none can be written. */
export function patternText(spelling: Spelling, pattern: Pattern): string | null {
  switch (pattern.kind) {
    case "class":
      return spelling.one(pattern.ranges);
    case "sequence": {
      const parts = pattern.parts.map((part) => patternText(spelling, part));
      if (parts.includes(null)) return null;
      return parts.length === 0 ? '""' : `(${parts.join(" ")})`;
    }
    case "choice": {
      const parts = pattern.parts.map((part) => patternText(spelling, part)).filter((part) => part !== null);
      return parts.length === 0 ? null : choice(parts);
    }
    case "repeat": {
      const part = patternText(spelling, pattern.part);
      if (part === null) return pattern.least === 0 ? '""' : null;
      return `(${part})${bounds(pattern.least, pattern.most)}`;
    }
  }
}

export interface Length {
  readonly least: number;
  readonly most: number;
}

/** Texts that match and have so many characters; null: too many states, or none can be written. */
export function patternTextWithin(
  writer: GrammarWriter,
  spelling: Spelling,
  pattern: Pattern,
  wanted: Length,
): string | null {
  const length = lengthOf(pattern);
  if (wanted.least <= length.least && length.most <= wanted.most) return patternText(spelling, pattern);
  const automaton = new PatternAutomaton();
  const end = automaton.state();
  const start = automaton.state();
  if (!automaton.add(pattern, start, end)) return null;
  return withLength(writer, spelling, { automaton, start, end }, wanted);
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
  spelling: Spelling,
  { automaton, start, end }: { automaton: PatternAutomaton; start: number; end: number },
  { least, most }: Length,
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
    writer.budget.spend(closure.size);
    const alternatives = closure.has(end) && length >= least ? ['""'] : [];
    if (length < most) {
      const next = most === Number.POSITIVE_INFINITY ? Math.min(length + 1, least) : length + 1;
      for (const step of [...closure].flatMap((reached) => automaton.steps[reached] ?? [])) {
        const read = step.ranges && spelling.one(step.ranges);
        if (read) alternatives.push(`${read} ${visit(step.target, next)}`);
      }
    }
    writer.define(name, alternatives.length > 0 ? alternatives.join(" | ") : "[]");
  }
  return first;
}

function jsonCharacter(ranges: readonly Range[]): string | null {
  const plain: Range[] = [];
  const escapes: string[] = [];
  for (const [low, high] of ranges) {
    let from = low;
    for (const codePoint of escapedCodePoints) {
      if (codePoint < low || codePoint > high) continue;
      if (codePoint > from) plain.push([from, codePoint - 1]);
      from = codePoint + 1;
      // A wide range brings control characters along; those that no text has are left out.
      if (low !== high && codePoint < 0x20 && !"\t\n\r".includes(String.fromCodePoint(codePoint))) continue;
      escapes.push(literal(shortEscapes[codePoint] ?? `\\u${codePoint.toString(16).padStart(4, "0")}`));
    }
    if (from <= high) plain.push([from, high]);
  }
  const written = [...(plain.length > 0 ? [characterClass(plain)] : []), ...escapes];
  return written.length > 0 ? choice(written) : null;
}

/** The ranges without these code points. */
export function without(ranges: readonly Range[], codePoints: readonly number[]): Range[] {
  return codePoints.reduce<Range[]>(
    (left, codePoint) =>
      left.flatMap(([low, high]): Range[] =>
        codePoint < low || codePoint > high
          ? [[low, high]]
          : [
              ...(low < codePoint ? [[low, codePoint - 1] as const] : []),
              ...(codePoint < high ? [[codePoint + 1, high] as const] : []),
            ],
      ),
    [...ranges],
  );
}

/** In ascending order: what cannot stand in a JSON string as itself. */
const escapedCodePoints = [...Array.from({ length: 0x20 }, (_, codePoint) => codePoint), 34, 92];

export function bounds(least: number, most: number): string {
  if (most !== Number.POSITIVE_INFINITY) return least === most ? `{${least}}` : `{${least},${most}}`;
  return least === 0 ? "*" : `{${least},}`;
}
