/** json.dumps(): what `tojson` writes, in transformers' version of it, without HTML's escapes. */
import { budget } from "./budget.js";
import { ordered } from "./compare.js";
import { Dict } from "./dict.js";
import { typeError } from "./errors.js";
import { floatText, intText } from "./numbers.js";
import { Float, isInt, isStr, rawStr, Tuple, typeName, type Value } from "./values.js";

export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** One level's indent; null for all on one line. */
  readonly indent: string | null;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

export function jsonText(value: Value, options: JsonOptions): string {
  return new Writer(options).value(value, "\n");
}

class Writer {
  readonly #options: JsonOptions;

  constructor(options: JsonOptions) {
    this.#options = options;
  }

  /** `newline`: a line break and the indent of the value's own line. */
  value(value: Value, newline: string): string {
    budget().step();
    if (isStr(value)) return this.#text(rawStr(value));
    if (value === null) return "null";
    if (typeof value === "boolean") return String(value);
    if (isInt(value)) return intText(value);
    if (value instanceof Float) return numberText(value.value);
    if (Array.isArray(value)) return this.#list(value, newline);
    if (value instanceof Tuple) return this.#list(value.items, newline);
    if (value instanceof Dict) return this.#dict(value, newline);
    throw typeError(`Object of type ${typeName(value)} is not JSON serializable`);
  }

  #list(items: readonly Value[], newline: string): string {
    return this.#members("[", "]", items, newline, (item, inner) => this.value(item, inner));
  }

  #dict(dict: Dict, newline: string): string {
    const entries = [...dict.entries()];
    if (this.#options.sortKeys) entries.sort(([a], [b]) => (ordered("<", a, b) ? -1 : ordered("<", b, a) ? 1 : 0));
    return this.#members("{", "}", entries, newline, ([key, value], inner) => {
      const name = this.#text(keyText(key));
      return name + this.#options.keySeparator + this.value(value, inner);
    });
  }

  #members<T>(
    open: string,
    close: string,
    items: readonly T[],
    newline: string,
    write: (item: T, inner: string) => string,
  ): string {
    if (items.length === 0) return open + close;
    const { indent, itemSeparator } = this.#options;
    const inner = indent === null ? "" : newline + indent;
    budget().text(inner.length);
    let text = open + inner;
    for (const [i, item] of items.entries()) {
      text += (i === 0 ? "" : itemSeparator + inner) + write(item, inner);
      budget().joinedText(text.length);
    }
    return text + (indent === null ? "" : newline) + close;
  }

  #text(text: string): string {
    budget().text(text.length);
    const json = JSON.stringify(text);
    if (!this.#options.ensureAscii) return json;
    return json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? floatText(value) : value > 0 ? "Infinity" : "-Infinity";
}

function keyText(key: Value): string {
  if (isStr(key)) return rawStr(key);
  if (key === null) return "null";
  if (typeof key === "boolean") return String(key);
  if (isInt(key)) return intText(key);
  if (key instanceof Float) return numberText(key.value);
  throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}
