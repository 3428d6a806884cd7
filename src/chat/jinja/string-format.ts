/** str.format(), format_map() and maketrans(): fields reach into values as the sandbox allows it. */
import { textArgument } from "./arguments.js";
import { Dict } from "./dict.js";
import { typeError, valueError } from "./errors.js";
import { formatBraces, namedOf, type Reach } from "./format-braces.js";
import { escapeHtml } from "./html.js";
import type { Method } from "./methods.js";
import { codePoints } from "./text.js";
import { type Kwargs, Markup, rawStr, Undefined, type Value } from "./values.js";

/** HTML of a Markup stays as it is. */
const escaped = (text: string, value: Value): string => (value instanceof Markup ? text : escapeHtml(text));

const format =
  (reach: Reach): Method =>
  (self: Value, args: readonly Value[], kwargs: Kwargs) => {
    const text = formatBraces(rawStr(self as string | Markup), {
      ...{ args, named: namedOf(kwargs), reach },
      ...(self instanceof Markup ? { finish: escaped } : {}),
    });
    return self instanceof Markup ? new Markup(text) : text;
  };

const formatMap =
  (reach: Reach): Method =>
  (self: Value, args: readonly Value[], kwargs: Kwargs) => {
    const [mapping] = args;
    if (kwargs.size > 0) throw typeError("format_map() takes no keyword arguments");
    if (args.length !== 1 || mapping === undefined) {
      throw typeError(`format_map() takes exactly one argument (${args.length} given)`);
    }
    const named = (name: string) => {
      const value = reach.element(mapping, name);
      return value instanceof Undefined ? undefined : value;
    };
    return formatBraces(rawStr(self as string | Markup), { args: [], named, reach });
  };

function makeTrans(_self: Value, args: readonly Value[]): Value {
  const table = new Dict();
  const [from, to, without] = args;
  if (args.length === 1 && from instanceof Dict) {
    for (const [key, value] of from.entries())
      table.set(typeof key === "string" ? (key.codePointAt(0) ?? 0) : key, value);
    return table;
  }
  const [keys, values] = [codePoints(textArgument(from, "argument 1")), codePoints(textArgument(to, "argument 2"))];
  if (keys.length !== values.length) throw valueError("the first two maketrans arguments must have equal length");
  for (const [i, key] of keys.entries()) table.set(key.codePointAt(0) ?? 0, values[i]?.codePointAt(0) ?? 0);
  for (const key of without === undefined ? [] : codePoints(textArgument(without, "argument 3"))) {
    table.set(key.codePointAt(0) ?? 0, null);
  }
  return table;
}

export const formatMethods = (reach: Reach): ReadonlyMap<string, Method> =>
  new Map([
    ["format", format(reach)],
    ["format_map", formatMap(reach)],
    ["maketrans", makeTrans],
  ]);
