/** Filters that make another value of any one: numbers, JSON, defaults, attributes. */
import { attributeOf, getAttribute } from "./access.js";
import { intArgument, textArgument } from "./arguments.js";
import { budget } from "./budget.js";
import { needFloat, toFloat, toInt } from "./conversions.js";
import { repr, str } from "./display.js";
import type { Filter } from "./environment.js";
import { JinjaError, typeError, valueError } from "./errors.js";
import { filter } from "./filter-table.js";
import { iterate, truthy } from "./iterate.js";
import { type JsonOptions, jsonText } from "./json-text.js";
import { fixedText, floatToInt, numeric, roundFloat, roundInt } from "./numbers.js";
import { absolute, binary } from "./operators.js";
import { prettyText } from "./pretty.js";
import { Float, isStr, rawStr, typeName, Undefined, type Value } from "./values.js";

function jsonOptions([ascii = false, indent = null, separators = null, sorted = false]: readonly (
  | Value
  | undefined
)[]): JsonOptions {
  const step = indent === null ? null : isStr(indent) ? rawStr(indent) : spaces(intArgument(indent));
  const [item, key] = separators === null ? [step === null ? ", " : ",", ": "] : [...iterate(separators)];
  return {
    ensureAscii: truthy(ascii),
    indent: step,
    itemSeparator: textArgument(item, "item separator"),
    keySeparator: textArgument(key, "key separator"),
    sortKeys: truthy(sorted),
  };
}

function spaces(count: number): string {
  budget().text(count);
  return " ".repeat(Math.max(0, count));
}

function round(value: Value, [precision = 0, method = "common"]: readonly (Value | undefined)[]): Value {
  if (!["common", "ceil", "floor"].includes(str(method))) throw valueError("method must be common, ceil or floor");
  const number = numeric(value);
  if (number === undefined) throw roundError(value);
  if (method === "common") {
    const places = intArgument(precision);
    return number instanceof Float ? roundFloat(number.value, places) : roundInt(number, places);
  }
  const unit = binary("**", 10, precision);
  const scaled = numeric(binary("*", number, unit));
  if (!(scaled instanceof Float)) return binary("/", scaled ?? 0, unit);
  return binary("/", floatToInt(method === "ceil" ? Math.ceil(scaled.value) : Math.floor(scaled.value)), unit);
}

function roundError(value: Value): JinjaError {
  if (value instanceof Undefined) return new JinjaError("UndefinedError", value.message());
  return typeError(`type ${typeName(value)} doesn't define __round__ method`);
}

const sizes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];

function fileSize(value: Value, binaryUnits: boolean): string {
  const bytes = needFloat(value);
  const base = binaryUnits ? 1024 : 1000;
  if (bytes === 1) return "1 Byte";
  if (bytes < base) return `${floatToInt(bytes)} Bytes`;
  const found = sizes.findIndex((_, i) => bytes < base ** (i + 2));
  const at = found < 0 ? sizes.length - 1 : found;
  const prefix = sizes[at] ?? "";
  const amount = (base * bytes) / base ** (at + 2);
  const unit = binaryUnits ? `${prefix.toUpperCase()}iB` : `${prefix}B`;
  return `${Number.isFinite(amount) ? fixedText(amount, 1) : repr(new Float(amount))} ${unit}`;
}

const defaulted = (name: string) =>
  filter(name, "default_value boolean", (value, [fallback = "", boolean = false]) =>
    value instanceof Undefined || (truthy(boolean) && !truthy(value)) ? fallback : value,
  );

export const valueFilters: readonly [string, Filter][] = [
  filter("abs", "", absolute),
  filter("int", "default base", (value, [fallback = 0, base = 10]) => toInt(value, fallback, base)),
  filter("float", "default", (value, [fallback = new Float(0)]) => toFloat(value, fallback)),
  filter("round", "precision method", round),
  filter("filesizeformat", "binary", (value, [isBinary = false]) => fileSize(value, truthy(isBinary))),
  filter("tojson", "ensure_ascii indent separators sort_keys", (value, args) => jsonText(value, jsonOptions(args))),
  filter("pprint", "", (value) => prettyText(value)),
  defaulted("default"),
  defaulted("d"),
  filter("attr", "name!", (value, [name = null]) => {
    const text = textArgument(name, "attribute name");
    if (attributeOf(value, text) !== undefined) return getAttribute(value, text);
    return new Undefined(
      () => `'${value === null ? "None" : `${typeName(value)} object`}' has no attribute ${repr(text)}`,
    );
  }),
];
