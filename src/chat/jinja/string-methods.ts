/** The methods of Python's str. On a Markup they give Markup, and toText the texts that they are given. */
import { bind, intArgument, textArgument } from "./arguments.js";
import { budget } from "./budget.js";
import { JinjaError, typeError, valueError } from "./errors.js";
import { escapeHtml } from "./html.js";
import { iterate } from "./iterate.js";
import type { Method } from "./methods.js";
import { searchMethods } from "./string-search.js";
import { predicates } from "./string-tests.js";
import { capitalized, codePoints, splitLines, stripEnd, stripStart, swapCase, textLength, titleCase } from "./text.js";
import { Bytes, isInt, isStr, type Kwargs, Markup, rawStr, Tuple, typeName, type Value } from "./values.js";

type TextMethod = (text: string, args: readonly (Value | undefined)[], toText: (value: Value) => string) => Value;

interface Signature {
  readonly parameters: readonly string[];
  readonly required?: number;
  readonly body: TextMethod;
}

const wrap = (value: Value): Value => {
  if (typeof value === "string") return new Markup(value);
  if (Array.isArray(value)) return value.map(wrap);
  return value instanceof Tuple ? new Tuple(value.items.map(wrap)) : value;
};

function method(name: string, { parameters, required = 0, body }: Signature): Method {
  return (self, args, kwargs) => {
    const text = rawStr(self as string | Markup);
    budget().text(text.length);
    const bound = bind(name, parameters, required, args, kwargs);
    if (!(self instanceof Markup)) return body(text, bound, (value) => textArgument(value, "argument"));
    return wrap(body(text, bound, (value) => (isStr(value) ? escapeHtml(value) : textArgument(value, "argument"))));
  };
}

const charsOf = (value: Value | undefined): string | null =>
  value === undefined || value === null ? null : textArgument(value, "strip arg");

const simple = (change: (text: string) => Value): Signature => ({ parameters: [], body: change });

function fill(value: Value | undefined): string {
  if (value === undefined) return " ";
  const char = textArgument(value, "The fill character");
  if (textLength(char) !== 1) throw typeError("The fill character must be exactly one character long");
  return char;
}

function padded(
  text: string,
  width: Value | undefined,
  char: Value | undefined,
  side: "left" | "right" | "both",
): string {
  const size = intArgument(width ?? 0);
  const missing = size - textLength(text);
  const filling = fill(char);
  if (missing <= 0) return text;
  budget().text(size);
  // Where it does not come out even, Python's center() takes more on the left for odd widths.
  const left = side === "left" ? 0 : side === "right" ? missing : Math.floor(missing / 2) + (missing & size & 1);
  return filling.repeat(left) + text + filling.repeat(missing - left);
}

function replaced(text: string, old: string, by: string, count: number): string {
  if (count < 0 || count >= Number.MAX_SAFE_INTEGER) {
    const found = old === "" ? textLength(text) + 1 : occurrences(text, old);
    budget().text(text.length + found * Math.max(0, by.length - old.length));
    if (old !== "") return found === 0 ? text : text.replaceAll(old, () => by);
    return (
      by +
      codePoints(text)
        .map((char) => char + by)
        .join("")
    );
  }
  const parts = old === "" ? ["", ...codePoints(text), ""] : text.split(old);
  const places = Math.min(count, parts.length - 1);
  budget().text(text.length + places * by.length);
  const end = old === "" ? parts.slice(places).join("") : parts.slice(places).join(old);
  return (
    parts
      .slice(0, places)
      .map((part) => part + by)
      .join("") + end
  );
}

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

export function joinTexts(separator: string, parts: readonly string[]): string {
  let length = separator.length * Math.max(0, parts.length - 1);
  for (const part of parts) length += part.length;
  budget().text(length);
  return parts.join(separator);
}

function join(separator: string, items: Value, toText: (value: Value) => string): string {
  const texts: string[] = [];
  for (const item of iterate(items)) {
    if (!isStr(item)) throw typeError(`sequence item ${texts.length}: expected str instance, ${typeName(item)} found`);
    texts.push(toText(item));
    budget().step();
  }
  return joinTexts(separator, texts);
}

function expandTabs(text: string, size: number): string {
  let column = 0;
  let result = "";
  for (const char of text) {
    if (char === "\t") {
      const spaces = size > 0 ? size - (column % size) : 0;
      budget().text(result.length + spaces);
      result += " ".repeat(spaces);
      column += spaces;
    } else {
      result += char;
      column = char === "\n" || char === "\r" ? 0 : column + 1;
    }
  }
  return result;
}

function encode(text: string, encoding: string): Bytes {
  const name = encoding.toLowerCase().replace(/_/g, "-");
  if (name === "utf-8" || name === "utf8") return new Bytes(new TextEncoder().encode(text));
  const limit = name === "ascii" ? 0x7f : name === "latin-1" || name === "iso-8859-1" ? 0xff : 0;
  if (limit === 0) throw new JinjaError("ValueError", `unknown encoding: ${encoding.slice(0, 100)}`);
  const codes = codePoints(text).map((char) => char.codePointAt(0) ?? 0);
  if (codes.some((code) => code > limit)) throw valueError(`'${name}' codec can't encode character`);
  return new Bytes(Uint8Array.from(codes));
}

function zfill(text: string, width: number): string {
  const missing = width - textLength(text);
  if (missing <= 0) return text;
  budget().text(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

function translate(text: string, mapping: Value): string {
  const lookup = (code: number): Value | undefined => {
    for (const [key, value] of iterateMapping(mapping)) if (key === code) return value;
    return undefined;
  };
  const result: string[] = [];
  for (const char of text) {
    const value = lookup(char.codePointAt(0) ?? 0);
    budget().step();
    if (value === undefined) result.push(char);
    else if (value !== null)
      result.push(isInt(value) ? String.fromCodePoint(Number(value)) : textArgument(value, "value"));
  }
  return joinTexts("", result);
}

function* iterateMapping(mapping: Value): Iterable<readonly [Value, Value]> {
  if (typeof mapping !== "object" || mapping === null || !("entries" in mapping)) throw typeError("not a mapping");
  yield* (mapping as { entries(): Iterable<[Value, Value]> }).entries();
}

const signatures: Record<string, Signature> = {
  upper: simple((text) => text.toUpperCase()),
  lower: simple((text) => text.toLowerCase()),
  casefold: simple((text) => text.toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ")),
  capitalize: simple(capitalized),
  title: simple(titleCase),
  swapcase: simple(swapCase),
  strip: { parameters: ["chars"], body: (text, [chars]) => stripEnd(stripStart(text, charsOf(chars)), charsOf(chars)) },
  lstrip: { parameters: ["chars"], body: (text, [chars]) => stripStart(text, charsOf(chars)) },
  rstrip: { parameters: ["chars"], body: (text, [chars]) => stripEnd(text, charsOf(chars)) },
  center: { parameters: ["width", "fillchar"], required: 1, body: (text, [w, c]) => padded(text, w, c, "both") },
  ljust: { parameters: ["width", "fillchar"], required: 1, body: (text, [w, c]) => padded(text, w, c, "left") },
  rjust: { parameters: ["width", "fillchar"], required: 1, body: (text, [w, c]) => padded(text, w, c, "right") },
  zfill: { parameters: ["width"], required: 1, body: (text, [width = 0]) => zfill(text, intArgument(width)) },
  expandtabs: { parameters: ["tabsize"], body: (text, [size = 8]) => expandTabs(text, intArgument(size)) },
  replace: {
    parameters: ["old", "new", "count"],
    required: 2,
    body: (text, [old = "", by = "", count = -1], toText) =>
      replaced(text, textArgument(old, "replace() argument 1"), toText(by), intArgument(count)),
  },
  join: { parameters: ["iterable"], required: 1, body: (text, [items = null], toText) => join(text, items, toText) },
  splitlines: {
    parameters: ["keepends"],
    body: (text, [keep = false]) => splitLines(text, intArgument(keep) !== 0),
  },
  removeprefix: {
    parameters: ["prefix"],
    required: 1,
    body: (text, [prefix]) => {
      const start = textArgument(prefix, "removeprefix() argument");
      return text.startsWith(start) ? text.slice(start.length) : text;
    },
  },
  removesuffix: {
    parameters: ["suffix"],
    required: 1,
    body: (text, [suffix]) => {
      const end = textArgument(suffix, "removesuffix() argument");
      return end !== "" && text.endsWith(end) ? text.slice(0, -end.length) : text;
    },
  },
  encode: {
    parameters: ["encoding", "errors"],
    body: (text, [encoding = "utf-8"]) => encode(text, textArgument(encoding, "encoding")),
  },
  translate: { parameters: ["table"], required: 1, body: (text, [mapping = null]) => translate(text, mapping) },
};

/** Only these take arguments by name. */
const named = new Set(["encode", "expandtabs", "splitlines"]);

function positionalOnly(name: string, body: Method): Method {
  return (self: Value, args: readonly Value[], kwargs: Kwargs) => {
    if (kwargs.size > 0 && !named.has(name)) throw typeError(`str.${name}() takes no keyword arguments`);
    return body(self, args, kwargs);
  };
}

export const stringMethods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ...Object.entries(signatures).map(([name, each]): [string, Method] => [
    name,
    positionalOnly(name, method(name, each)),
  ]),
  ...searchMethods,
  ...predicates,
]);
