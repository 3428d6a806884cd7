/**
 * Any text up to a marker: an automaton for all markers at once (Aho and Corasick 1975), with a rule for each beginning of
 * one. What a marker opens is read as the caller says; the text before it is free.
 */
import { characterClass, type GrammarWriter, type Range } from "./gbnf.js";

export interface Marker {
  readonly text: string;
  /** Control tokens of this text: models mean them, while the text could also come letter by letter. */
  readonly tokens: readonly number[];
  /** The rule that follows. */
  readonly rule: string;
}

/** The rule of text that may end anywhere, and the rule of its beginning where that is not to be one of these characters. */
export function freeText(writer: GrammarWriter, markers: readonly Marker[], notFirst: readonly string[] = []) {
  const prefixes = new Set([""]);
  for (const { text } of markers) {
    const units = [...text];
    for (let length = 1; length < units.length; length++) prefixes.add(units.slice(0, length).join(""));
  }
  const names = new Map([...prefixes].map((prefix) => [prefix, writer.reserve("text")]));
  const named = markers.flatMap(({ tokens }) => tokens);
  const units = [...new Set(markers.flatMap(({ text }) => [...text]))];
  const start = names.get("") ?? "";
  // Tokens without a text, of which some vocabularies have many, change nothing of what was read.
  const silent = `<[^${named.length > 0 ? named.join(",") : 0}]>`;
  const body = (prefix: string, name: string, without: readonly string[]): string => {
    const next = new Map<string, Range[]>(); // what leads to a rule
    for (const unit of units.filter((candidate) => !without.includes(candidate))) {
      const read = prefix + unit;
      const complete = markers.find(({ text }) => read.endsWith(text));
      const target = complete?.rule ?? names.get(longestSuffix(read, prefixes)) ?? start;
      next.set(target, [...(next.get(target) ?? []), single(unit)]);
    }
    return [
      '""',
      ...[...next].map(([target, ranges]) => `${characterClass(ranges)} ${target}`),
      `${characterClass([...units, ...without].map(single), true)} ${start}`,
      ...markers.filter(({ tokens }) => tokens.length > 0).map(({ tokens, rule }) => `<[${tokens.join(",")}]> ${rule}`),
      `${silent} ${name}`,
    ].join(" | ");
  };
  for (const [prefix, name] of names) writer.define(name, body(prefix, name, []));
  if (notFirst.length === 0) return { text: start, beginning: start };
  const beginning = writer.reserve("beginning");
  writer.define(beginning, body("", beginning, notFirst));
  return { text: start, beginning };
}

function longestSuffix(text: string, prefixes: ReadonlySet<string>): string {
  const units = [...text];
  for (let from = 0; from < units.length; from++) {
    const suffix = units.slice(from).join("");
    if (prefixes.has(suffix)) return suffix;
  }
  return "";
}

function single(unit: string): Range {
  const codePoint = unit.codePointAt(0) ?? 0;
  return [codePoint, codePoint];
}
