/**
 * Any text up to a marker: an automaton for all markers at once (Aho and Corasick 1975), with a rule for each beginning of
 * one. What a marker opens is read as the caller says; the text before it is free.
 */
import { characterClass, type GrammarWriter, type Range } from "./gbnf.js";

export interface Marker {
  readonly text: string;
  /** Control tokens of this text: models mean them, while the text could also come letter by letter. */
  readonly tokens: readonly number[];
  /** The rule that follows; null where the marker must not come. */
  readonly rule: string | null;
}

/** Text that may end anywhere, and in which any marker may come. */
export function freeText(writer: GrammarWriter, markers: readonly Marker[]): TextAutomaton {
  const automaton = new TextAutomaton(writer, markers);
  for (const [prefix, name] of automaton.names) {
    writer.define(name, ['""', ...automaton.steps(prefix), automaton.silent(name)].join(" | "));
  }
  return automaton;
}

/** The rule of text up to the first end, which it reads as well. `never` cannot stand in it. */
export function enclosedText(writer: GrammarWriter, end: Omit<Marker, "rule">, never: readonly string[] = []): string {
  const ended = writer.rule("ended", '""');
  const forbidden = never.map((text): Marker => ({ text, tokens: [], rule: null }));
  const automaton = new TextAutomaton(writer, [{ ...end, rule: ended }, ...forbidden]);
  for (const [prefix, name] of automaton.names) writer.define(name, automaton.steps(prefix).join(" | "));
  return automaton.start;
}

/** A rule for each beginning of a marker. */
export class TextAutomaton {
  readonly names: ReadonlyMap<string, string>;
  /** The characters of the markers. */
  readonly units: readonly string[];
  readonly #markers: readonly Marker[];

  constructor(writer: GrammarWriter, markers: readonly Marker[]) {
    const prefixes = new Set([""]);
    for (const { text } of markers) {
      const units = [...text];
      for (let length = 1; length < units.length; length++) prefixes.add(units.slice(0, length).join(""));
    }
    this.names = new Map([...prefixes].map((prefix) => [prefix, writer.reserve("text")]));
    this.#markers = markers;
    this.units = [...new Set(markers.flatMap(({ text }) => [...text]))];
  }

  get start(): string {
    return this.names.get("") ?? "";
  }

  /** The characters that may follow this beginning, without those that the caller handles itself. */
  steps(prefix: string, without: readonly string[] = []): string[] {
    const next = new Map<string, Range[]>(); // what leads to a rule
    const others: string[] = []; // lead there as any character does
    for (const unit of this.units.filter((candidate) => !without.includes(candidate))) {
      const target = this.#target(prefix + unit);
      if (target === null || target !== this.start) others.push(unit);
      if (target !== null && target !== this.start) next.set(target, [...(next.get(target) ?? []), single(unit)]);
    }
    return [
      ...[...next].map(([target, ranges]) => `${characterClass(ranges)} ${target}`),
      `${characterClass([...others, ...without].map(single), true)} ${this.start}`,
      ...this.tokenSteps(),
    ];
  }

  /** Markers as control tokens. */
  tokenSteps(): string[] {
    return this.#markers.flatMap(({ tokens, rule }) =>
      tokens.length > 0 && rule ? [`<[${tokens.join(",")}]> ${rule}`] : [],
    );
  }

  /** Tokens without a text, of which some vocabularies have many, change nothing of what was read. */
  silent(name: string): string {
    const named = this.#markers.flatMap(({ tokens }) => tokens);
    return `<[^${named.length > 0 ? named.join(",") : 0}]> ${name}`;
  }

  /** The marker's beginning that this character leads to. */
  next(prefix: string, unit: string): string {
    return longestSuffix(prefix + unit, this.names);
  }

  #target(read: string): string | null {
    const complete = this.#markers.find(({ text }) => read.endsWith(text));
    return complete ? complete.rule : (this.names.get(longestSuffix(read, this.names)) ?? this.start);
  }
}

function longestSuffix(text: string, prefixes: ReadonlyMap<string, string>): string {
  const units = [...text];
  for (let from = 0; from < units.length; from++) {
    const suffix = units.slice(from).join("");
    if (prefixes.has(suffix)) return suffix;
  }
  return "";
}

export function single(unit: string): Range {
  const codePoint = unit.codePointAt(0) ?? 0;
  return [codePoint, codePoint];
}
