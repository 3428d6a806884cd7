/** The methods of str that look for other texts in it: find and its like, split and its like. Places are in code points. */
import { bind, intArgument, textArgument } from "./arguments.js";
import { budget } from "./budget.js";
import { typeError, valueError } from "./errors.js";
import type { Method } from "./methods.js";
import { isSpace, pointsBefore, textLength, textSlice } from "./text.js";
import { type Kwargs, Markup, rawStr, Tuple, typeName, type Value } from "./values.js";

interface Window {
  readonly text: string;
  /** In code points, of the window's beginning; one that lies behind the end leaves nothing to find. */
  readonly start: number;
  readonly isBeyond: boolean;
}

function windowOf(text: string, start: Value | undefined, stop: Value | undefined): Window {
  const isWhole = (start === undefined || start === null || start === 0) && (stop === undefined || stop === null);
  if (isWhole) return { text, start: 0, isBeyond: false };
  const size = textLength(text);
  const place = (value: Value | undefined, otherwise: number) => {
    if (value === undefined || value === null) return otherwise;
    const at = intArgument(value);
    return at < 0 ? Math.max(0, at + size) : at;
  };
  const from = place(start, 0);
  const to = Math.min(size, place(stop, size));
  return { text: from < to ? textSlice(text, from, to) : "", start: from, isBeyond: from > to };
}

/** In code points from the text's beginning, -1 if it is not there. */
function search(text: string, args: readonly (Value | undefined)[], last: boolean): number {
  const part = textArgument(args[0], "argument 1");
  const window = windowOf(text, args[1], args[2]);
  if (window.isBeyond) return -1;
  const at = last ? window.text.lastIndexOf(part) : window.text.indexOf(part);
  return at < 0 ? -1 : window.start + pointsBefore(window.text, at);
}

function countOf(text: string, args: readonly (Value | undefined)[]): number {
  const part = textArgument(args[0], "argument 1");
  const window = windowOf(text, args[1], args[2]);
  if (window.isBeyond) return 0;
  return part === "" ? textLength(window.text) + 1 : window.text.split(part).length - 1;
}

function beginsOrEnds(name: "startswith" | "endswith", text: string, args: readonly (Value | undefined)[]): boolean {
  const [wanted = null, start, stop] = args;
  const window = windowOf(text, start, stop);
  const parts = wanted instanceof Tuple ? wanted.items : [wanted];
  return parts.some((part) => {
    if (typeof part !== "string" && !(part instanceof Markup)) {
      const of = wanted instanceof Tuple ? "tuple for " : "";
      throw typeError(
        `${of}${name} ${of ? "must only contain str" : "first arg must be str or a tuple of str"}, not ${typeName(part)}`,
      );
    }
    if (window.isBeyond) return false;
    return name === "startswith" ? window.text.startsWith(rawStr(part)) : window.text.endsWith(rawStr(part));
  });
}

const endless = Number.MAX_SAFE_INTEGER;

function split(
  text: string,
  [separator = null, most = -1]: readonly (Value | undefined)[],
  fromRight: boolean,
): string[] {
  const limit = intArgument(most) < 0 ? endless : intArgument(most);
  if (separator === null) return fromRight ? splitSpaceRight(text, limit) : splitSpace(text, limit);
  const by = textArgument(separator, "sep");
  if (by === "") throw valueError("empty separator");
  const parts = text.split(by);
  budget().list(parts.length);
  if (parts.length - 1 <= limit) return parts;
  if (fromRight) {
    const at = parts.length - limit;
    return [parts.slice(0, at).join(by), ...parts.slice(at)];
  }
  return [...parts.slice(0, limit), parts.slice(limit).join(by)];
}

function splitSpace(text: string, limit: number): string[] {
  const parts: string[] = [];
  let i = 0;
  while (i < text.length) {
    while (i < text.length && isSpace(text.charAt(i))) i++;
    if (i >= text.length) break;
    if (parts.length >= limit) {
      let end = text.length;
      while (isSpace(text.charAt(end - 1))) end--;
      // The last part keeps the white space at its end.
      parts.push(text.slice(i, end === text.length ? end : text.length));
      break;
    }
    const start = i;
    while (i < text.length && !isSpace(text.charAt(i))) i++;
    parts.push(text.slice(start, i));
    budget().list(parts.length);
  }
  return parts;
}

function splitSpaceRight(text: string, limit: number): string[] {
  const parts: string[] = [];
  let i = text.length;
  while (i > 0) {
    while (i > 0 && isSpace(text.charAt(i - 1))) i--;
    if (i === 0) break;
    if (parts.length >= limit) {
      parts.push(text.slice(0, i));
      break;
    }
    const end = i;
    while (i > 0 && !isSpace(text.charAt(i - 1))) i--;
    parts.push(text.slice(i, end));
  }
  return parts.reverse();
}

function partition(text: string, separator: string, last: boolean): Tuple {
  if (separator === "") throw valueError("empty separator");
  const at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at < 0) return new Tuple(last ? ["", "", text] : [text, "", ""]);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

type Body = (text: string, args: readonly (Value | undefined)[]) => Value;

function found(body: Body): Body {
  return (text, args) => {
    const at = body(text, args);
    if (at === -1) throw valueError("substring not found");
    return at;
  };
}

const place = ["sub", "start", "end"];
const bodies: Record<string, readonly [readonly string[], number, Body]> = {
  find: [place, 1, (text, args) => search(text, args, false)],
  rfind: [place, 1, (text, args) => search(text, args, true)],
  index: [place, 1, found((text, args) => search(text, args, false))],
  rindex: [place, 1, found((text, args) => search(text, args, true))],
  count: [place, 1, countOf],
  startswith: [place, 1, (text, args) => beginsOrEnds("startswith", text, args)],
  endswith: [place, 1, (text, args) => beginsOrEnds("endswith", text, args)],
  split: [["sep", "maxsplit"], 0, (text, args) => split(text, args, false)],
  rsplit: [["sep", "maxsplit"], 0, (text, args) => split(text, args, true)],
  partition: [["sep"], 1, (text, [by]) => partition(text, textArgument(by, "sep"), false)],
  rpartition: [["sep"], 1, (text, [by]) => partition(text, textArgument(by, "sep"), true)],
};

const markedUp = (value: Value): Value => {
  const wrap = (each: Value) => (typeof each === "string" ? new Markup(each) : each);
  if (Array.isArray(value)) return value.map(wrap);
  return value instanceof Tuple ? new Tuple(value.items.map(wrap)) : value;
};

export const searchMethods: readonly [string, Method][] = Object.entries(bodies).map(
  ([name, [names, required, body]]) => [
    name,
    (self: Value, args: readonly Value[], kwargs: Kwargs) => {
      if (kwargs.size > 0 && !name.endsWith("split")) throw typeError(`str.${name}() takes no keyword arguments`);
      const text = rawStr(self as string | Markup);
      budget().text(text.length);
      const result = body(text, bind(name, names, required, args, kwargs));
      return self instanceof Markup ? markedUp(result) : result;
    },
  ],
);
