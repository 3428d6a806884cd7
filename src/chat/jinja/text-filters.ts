/** Filters of text. */

import { getSlice } from "./access.js";
import { intArgument, noKwargs, textArgument } from "./arguments.js";
import { budget } from "./budget.js";
import { Dict } from "./dict.js";
import { str } from "./display.js";
import type { Filter } from "./environment.js";
import { JinjaError, typeError } from "./errors.js";
import { filter } from "./filter-table.js";
import { iterable, iterate, len, truthy } from "./iterate.js";
import { binary } from "./operators.js";
import { stringMethods } from "./string-methods.js";
import { isSpace, splitLines, textLength } from "./text.js";
import { isStr, type Kwargs, Markup, rawStr, Slice, Tuple, typeName, type Value } from "./values.js";
import { wrapText } from "./wrap.js";

/** A text as it is, all else as it prints. */
const soft = (value: Value): string | Markup => (isStr(value) ? value : str(value));

export function callMethod(value: Value, name: string, args: readonly Value[]): Value {
  const method = stringMethods.get(name);
  if (!method || !isStr(value)) throw typeError(`'${typeName(value)}' object has no attribute '${name}'`);
  return method(value, args, noKwargs);
}

const asMethod = (name: string, method = name): [string, Filter] =>
  filter(name, "", (value) => callMethod(soft(value), method, []));

/** Words begin behind white space, hyphens and opening brackets. */
function title(value: Value): string {
  let result = "";
  let atStart = true;
  const text = rawStr(soft(value));
  budget().text(text.length);
  for (const char of text) {
    const isBreak = "-({[<".includes(char) || isSpace(char);
    result += isBreak ? char : atStart ? char.toUpperCase() : char.toLowerCase();
    atStart = isBreak;
  }
  return result;
}

function indent(value: Value, [width = 4, first = false, blank = false]: readonly (Value | undefined)[]): Value {
  const indention = isStr(width) ? rawStr(width) : String(binary("*", " ", intArgument(width)));
  if (!isStr(value)) binary("+", value, "\n"); // raises what Python raises
  const lines = splitLines(`${rawStr(soft(value))}\n`, false);
  budget().text(rawStr(soft(value)).length + lines.length * indention.length);
  const [head = "", ...rest] = lines;
  const indented = rest.map((line) => (line !== "" || truthy(blank) ? indention + line : line));
  const text = (truthy(first) ? indention : "") + [head, ...indented].join("\n");
  return value instanceof Markup ? new Markup(text) : text;
}

function truncate(value: Value, args: readonly (Value | undefined)[]): Value {
  const [length = 255, killWords = false, end = "...", leeway = null] = args;
  const size = intArgument(length);
  const room = leeway === null ? 5 : intArgument(leeway);
  const tail = textArgument(end, "end");
  const assert = (right: boolean, message: string) => {
    if (!right) throw new JinjaError("ValueError", message);
  };
  assert(size >= textLength(tail), `expected length >= ${textLength(tail)}, got ${size}`);
  assert(room >= 0, `expected leeway >= 0, got ${room}`);
  if (len(value) <= size + room) return value;
  const cut = getSlice(value, new Slice(null, size - textLength(tail), null));
  if (truthy(killWords)) return binary("+", cut, end);
  const words = callMethod(cut, "rsplit", [" ", 1]);
  return binary("+", Array.isArray(words) ? (words[0] ?? "") : "", end);
}

function wordWrap(value: Value, args: readonly (Value | undefined)[]): string {
  const [width = 79, breakLong = true, wrap = null, hyphens = true] = args;
  if (!isStr(value)) throw typeError(`'${typeName(value)}' object has no attribute 'splitlines'`);
  const by = wrap === null ? "\n" : textArgument(wrap, "wrapstring");
  const options = { width: intArgument(width), breakLongWords: truthy(breakLong), breakOnHyphens: truthy(hyphens) };
  const lines = splitLines(rawStr(value), false).map((line) => wrapText(line, options).join(by));
  budget().text(lines.reduce((sum, line) => sum + line.length + by.length, 0));
  return lines.join(by);
}

const unreserved = /[A-Za-z0-9_.~-]/;

function quoteUrl(value: Value, forQuery: boolean): string {
  const text = str(value);
  budget().text(text.length * 3);
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => {
    const char = String.fromCharCode(byte);
    if (unreserved.test(char) || (char === "/" && !forQuery)) return char;
    return forQuery && char === " " ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return bytes.join("");
}

function urlEncode(value: Value): string {
  if (isStr(value) || !iterable(value)) return quoteUrl(value, false);
  const pairs = value instanceof Dict ? [...value.entries()] : [...iterate(value)].map((pair) => [...iterate(pair)]);
  return pairs
    .map(([key, item, ...more]) => {
      if (key === undefined || item === undefined || more.length > 0) throw typeError("urlencode takes pairs");
      return `${quoteUrl(key, true)}=${quoteUrl(item, true)}`;
    })
    .join("&");
}

function format(value: Value, args: readonly Value[], kwargs: Kwargs): Value {
  if (args.length > 0 && kwargs.size > 0) {
    throw typeError("can't handle positional and keyword arguments at the same time");
  }
  const named = new Dict();
  for (const [key, item] of kwargs) named.set(key, item);
  return binary("%", soft(value), kwargs.size > 0 ? named : new Tuple(args));
}

function countWords(value: Value): number {
  const text = rawStr(soft(value));
  budget().text(text.length);
  return text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
}

export const textFilters: readonly [string, Filter][] = [
  asMethod("upper"),
  asMethod("lower"),
  asMethod("capitalize"),
  filter("title", "", title),
  filter("trim", "chars", (value, [chars = null]) => callMethod(soft(value), "strip", [chars])),
  filter("center", "width", (value, [width = 80]) => callMethod(soft(value), "center", [width])),
  filter("string", "", soft),
  filter("indent", "width first blank", indent),
  filter("truncate", "length killwords end leeway", truncate),
  filter("wordwrap", "width break_long_words wrapstring break_on_hyphens", wordWrap),
  filter("wordcount", "", countWords),
  filter("urlencode", "", urlEncode),
  ["format", format],
];

export { soft };
