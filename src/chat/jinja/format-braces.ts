/** str.format(): replacement fields, their conversions and their specifications. */
import { budget } from "./budget.js";
import { ascii, repr, str } from "./display.js";
import { JinjaError, valueError } from "./errors.js";
import { formatValue } from "./format-spec.js";
import type { Kwargs, Value } from "./values.js";

/** How a field reaches into a value. */
export interface Reach {
  attribute(value: Value, name: string): Value;
  element(value: Value, key: Value): Value;
}

/** `named`: KeyError for what is not in it. */
export interface Fields {
  readonly args: readonly Value[];
  named(name: string): Value | undefined;
  readonly reach: Reach;
  /** The text that replaces a field; a Markup escapes it. */
  finish?(text: string, value: Value): string;
}

export const namedOf = (kwargs: Kwargs) => (name: string) => kwargs.get(name);

export function formatBraces(format: string, fields: Fields): string {
  return new Formatter(fields).format(format, 2);
}

class Formatter {
  readonly #fields: Fields;
  /** The number of the next field without a name; null when fields are numbered by hand. */
  #auto: number | null = 0;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  format(format: string, depth: number): string {
    if (depth < 0) throw valueError("Max string recursion exceeded");
    let result = "";
    for (let i = 0; i < format.length; ) {
      const char = format.charAt(i);
      if (char !== "{" && char !== "}") {
        const next = format.slice(i).search(/[{}]/);
        result += next < 0 ? format.slice(i) : format.slice(i, i + next);
        i = next < 0 ? format.length : i + next;
      } else if (format.charAt(i + 1) === char) {
        result += char;
        i += 2;
      } else if (char === "}") {
        throw valueError("Single '}' encountered in format string");
      } else {
        const end = fieldEnd(format, i + 1);
        result += this.#field(format.slice(i + 1, end), depth);
        i = end + 1;
      }
      budget().joinedText(result.length);
    }
    return result;
  }

  #field(field: string, depth: number): string {
    budget().step();
    const [, name = "", conversion, spec = ""] = /^([^!:[]*(?:\[[^\]]*\][^!:[]*)*)(?:!([^:]*))?(?::([\s\S]*))?$/.exec(
      field,
    ) ?? ["", field];
    const value = this.#convert(this.#value(name), conversion);
    const text = formatValue(value, this.format(spec, depth - 1));
    return this.#fields.finish ? this.#fields.finish(text, value) : text;
  }

  #value(name: string): Value {
    const [first = "", ...rest] = name.split(/(?=[.[])/);
    let value = this.#first(first);
    const path = name.slice(first.length);
    if (rest.length === 0) return value;
    const part = /\.([^.[]+)|\[([^\]]+)\](?=[.[]|$)/gy;
    let end = 0;
    for (const match of path.matchAll(part)) {
      end = match.index + match[0].length;
      const [, attribute, key = ""] = match;
      value =
        attribute === undefined
          ? this.#fields.reach.element(value, /^\d+$/.test(key) ? Number(key) : key)
          : this.#fields.reach.attribute(value, attribute);
    }
    if (end < path.length) throw valueError("Empty attribute in format string");
    return value;
  }

  #first(name: string): Value {
    let index: number | null = null;
    if (name === "") {
      if (this.#auto === null) {
        throw valueError("cannot switch from manual field specification to automatic field numbering");
      }
      index = this.#auto++;
    } else if (/^\d+$/.test(name)) {
      if (this.#auto) throw valueError("cannot switch from automatic field numbering to manual field specification");
      this.#auto = null;
      index = Number(name);
    }
    const value = index === null ? this.#fields.named(name) : this.#fields.args[index];
    if (value !== undefined) return value;
    if (index === null) throw new JinjaError("KeyError", repr(name));
    throw new JinjaError("IndexError", `Replacement index ${index} out of range for positional args tuple`);
  }

  #convert(value: Value, conversion: string | undefined): Value {
    if (conversion === undefined) return value;
    if (conversion === "s") return str(value);
    if (conversion === "r") return repr(value);
    if (conversion === "a") return ascii(value);
    throw valueError(`Unknown conversion specifier ${conversion}`);
  }
}

/** The end of the field that begins at `start`, with the fields in its specification. */
function fieldEnd(format: string, start: number): number {
  let depth = 1;
  for (let i = start; i < format.length; i++) {
    const char = format.charAt(i);
    if (char === "[" && depth === 1) {
      const close = format.indexOf("]", i);
      if (close > 0) i = close;
    } else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return i;
  }
  throw valueError(
    start === format.length ? "Single '{' encountered in format string" : "expected '}' before end of string",
  );
}
