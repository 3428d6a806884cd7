/**
 * Changes one value in the text of a configuration file and leaves all else as its owner wrote it: comments, order, white space; and
 * finds the line of one. Pure.
 * Whoever uses it reads the result again before it is kept: TOML has more ways to write a key than this knows.
 */
import type { OptionKey } from "./options.js";

/** `value` in TOML's notation: `"0.0.0.0:11434"`. */
export function withValue(text: string, key: OptionKey, value: string): string {
  const lines = text.split("\n");
  const { table, name } = parts(key);
  const places = tables(lines);
  const at = find(lines, places, key);
  if (at !== undefined) {
    lines[at] =
      `${/^\s*/.exec(lines[at] ?? "")?.[0]}${nameOf(lines[at] ?? "")} = ${value}${commentOf(lines[at] ?? "")}`;
    return lines.join("\n");
  }
  const ofTable = places.find(({ name: within }) => within === table && within !== "");
  if (ofTable) {
    lines.splice(ofTable.from, 0, `${name} = ${value}`);
    return lines.join("\n");
  }
  const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  if (table === "") return `${key} = ${value}\n${before}`;
  return `${before}${before === "" ? "" : "\n"}[${table}]\n${name} = ${value}\n`;
}

/** The number of the line, from 1, that sets an option on a line of its own; null where none does. */
export function lineOf(text: string, key: OptionKey): number | null {
  const lines = text.split("\n");
  const at = find(lines, tables(lines), key);
  return at === undefined ? null : at + 1;
}

function parts(key: OptionKey): { table: string; name: string } {
  const dot = key.indexOf(".");
  return { table: dot < 0 ? "" : key.slice(0, dot), name: key.slice(dot + 1) };
}

/** The line that sets the option, in its table or with the table's name before its own. */
function find(lines: readonly string[], places: readonly Place[], key: OptionKey): number | undefined {
  const { table, name } = parts(key);
  for (const { name: within, from, to } of places) {
    const wanted = within === "" ? key : within === table ? name : null;
    const at = lines.findIndex((line, i) => i >= from && i < to && wanted !== null && keyOf(line) === wanted);
    if (at >= 0) return at;
  }
  return undefined;
}

interface Place {
  /** Empty for what stands before the first table. */
  readonly name: string;
  /** The lines of its keys: from, and the one behind the last. */
  readonly from: number;
  readonly to: number;
}

function tables(lines: readonly string[]): readonly Place[] {
  const places: { name: string; from: number; to: number }[] = [{ name: "", from: 0, to: lines.length }];
  for (const [i, line] of lines.entries()) {
    const header = /^\s*\[{1,2}\s*([^\]]*?)\s*\]{1,2}\s*(#.*)?$/.exec(line);
    if (!header) continue;
    const last = places.at(-1);
    if (last) last.to = i;
    const isList = line.trim().startsWith("[[");
    places.push({ name: isList ? `[]${header[1]}` : unquoted(header[1] ?? ""), from: i + 1, to: lines.length });
  }
  return places;
}

/** The key of a line, its parts without quotes; null for other lines. */
function keyOf(line: string): string | null {
  const name = nameOf(line);
  return name === "" ? null : unquoted(name);
}

function nameOf(line: string): string {
  return /^\s*([\w"'.-]+(?:\s*\.\s*[\w"'-]+)*)\s*=/.exec(line)?.[1] ?? "";
}

function unquoted(name: string): string {
  return name
    .split(".")
    .map((part) => part.trim().replace(/^(["'])(.*)\1$/, "$2"))
    .join(".");
}

/** The comment behind a value, with the space before it; a # in a string is none. */
function commentOf(line: string): string {
  const value = /=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^#"']*?)(\s*#.*)?$/.exec(line);
  return value?.[2] ?? "";
}
