/** The % operator of texts: printf's directives as Python has them. */
import { budget } from "./budget.js";
import { Dict } from "./dict.js";
import { ascii, repr, str } from "./display.js";
import { JinjaError, typeError, undefinedError, valueError } from "./errors.js";
import { type FloatKind, floatDigits, inBase, isNegative } from "./format-number.js";
import { floatToInt, type Int, intText, numeric, toNumber } from "./numbers.js";
import { textLength, textSlice } from "./text.js";
import { Bytes, Float, isInt, isStr, rawStr, Tuple, typeName, Undefined, type Value } from "./values.js";

const directive = /%(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([\s\S])?/gu;

/** `toText`: how %s prints; a Markup escapes. TypeError and ValueError as Python has them. */
export function formatPercent(format: string, args: Value, toText: (value: Value) => string = str): string {
  const items = args instanceof Tuple ? args.items : [args];
  const mapping = args instanceof Dict ? args : null;
  let used = 0;
  let isNamed = false;
  const next = (): Value => {
    const value = items[used++];
    if (value === undefined) throw typeError("not enough arguments for format string");
    return value;
  };
  let result = "";
  let from = 0;
  for (const match of format.matchAll(directive)) {
    const [whole, name, flags = "", width, precision, kind] = match;
    result += format.slice(from, match.index);
    from = match.index + whole.length;
    if (kind === undefined) throw valueError("incomplete format");
    if (name !== undefined && !mapping) throw typeError("format requires a mapping");
    let named: Value | undefined;
    if (name !== undefined) {
      isNamed = true;
      named = mapping?.get(name);
      if (named === undefined) throw new JinjaError("KeyError", repr(name));
    }
    const wide = width === "*" ? starred(next()) : Number(width ?? 0);
    const isPrecise = /\.(\*|\d*)[hlL]?[\s\S]?$/u.test(whole) && whole.slice(0, -kind.length).includes(".");
    const places = !isPrecise ? null : precision === "*" ? starred(next()) : Number(precision ?? 0);
    if (kind === "%") {
      result += "%";
    } else {
      const value = named === undefined ? next() : named;
      const form = { left: flags.includes("-") || wide < 0, flags, width: Math.abs(wide), precision: places };
      result += converted(value, kind, form, toText, from - 1);
    }
    budget().joinedText(result.length);
  }
  result += format.slice(from);
  // A list is taken as a mapping, whose elements nobody has to use.
  if (!mapping && !isNamed && used < items.length && !(Array.isArray(args) && used === 0)) throw notAll();
  return result;
}

const notAll = (): JinjaError => typeError("not all arguments converted during string formatting");

function starred(value: Value): number {
  if (!isInt(value)) throw typeError("* wants int");
  return Number(value);
}

interface Form {
  readonly left: boolean;
  readonly flags: string;
  readonly width: number;
  readonly precision: number | null;
}

function converted(value: Value, kind: string, form: Form, toText: (value: Value) => string, at: number): string {
  if ("sra".includes(kind)) {
    const text = kind === "s" ? toText(value) : kind === "r" ? repr(value) : ascii(value);
    return padded("", form.precision === null ? text : textSlice(text, 0, form.precision), form, false);
  }
  if (kind === "c") return padded("", character(value), form, false);
  if ("diuxXo".includes(kind)) return integer(value, kind, form);
  if ("eEfFgG".includes(kind)) return float(value, kind, form);
  const code = (kind.codePointAt(0) ?? 0).toString(16);
  throw valueError(`unsupported format character '${kind}' (0x${code}) at index ${at}`);
}

function integer(value: Value, kind: string, form: Form): string {
  const number = integerOf(value, kind);
  const upper = kind === "X";
  const base = kind === "o" ? 8 : upper || kind === "x" ? 16 : 10;
  const digits = base === 10 ? intText(number).replace("-", "") : inBase(number, base);
  const least = form.precision ?? 0;
  budget().text(least);
  const prefix = form.flags.includes("#") ? ({ o: "0o", x: "0x", X: "0x" }[kind] ?? "") : "";
  const text = digits.padStart(least, "0");
  const sign = signOf(number < 0, form.flags);
  return padded(sign + (upper ? prefix.toUpperCase() : prefix), upper ? text.toUpperCase() : text, form, true);
}

function integerOf(value: Value, kind: string): Int {
  const number = numeric(value);
  if (number instanceof Float && "diu".includes(kind)) return floatToInt(number.value);
  if (number !== undefined && !(number instanceof Float)) return number;
  if (value instanceof Undefined && "diu".includes(kind)) throw undefinedError(value.message());
  const wanted = "diu".includes(kind) ? "a real number is required" : "an integer is required";
  throw typeError(`%${kind} format: ${wanted}, not ${typeName(value)}`);
}

function float(value: Value, kind: string, form: Form): string {
  const number = numeric(value);
  if (number === undefined) {
    if (value instanceof Undefined) throw undefinedError(value.message());
    throw typeError(`must be real number, not ${typeName(value)}`);
  }
  const real = number instanceof Float ? number.value : toNumber(number);
  const lower = kind.toLowerCase() as FloatKind;
  const digits = floatDigits(real, lower, form.precision ?? 6, form.flags.includes("#"));
  const text = kind === lower ? digits : digits.toUpperCase();
  return padded(signOf(isNegative(real), form.flags), text, form, true);
}

function character(value: Value): string {
  if (isInt(value)) {
    if (value >= 0 && value <= 0x10ffff) return String.fromCodePoint(Number(value));
    throw new JinjaError("OverflowError", "%c arg not in range(0x110000)");
  }
  if (isStr(value) && textLength(rawStr(value)) === 1) return rawStr(value);
  throw typeError(`%c requires int or char${value instanceof Bytes ? ", not bytes" : ""}`);
}

const signOf = (negative: boolean, flags: string): string =>
  negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";

function padded(prefix: string, text: string, { left, flags, width }: Form, isNumber: boolean): string {
  const fill = width - textLength(prefix + text);
  if (fill <= 0) return prefix + text;
  budget().text(width);
  if (left) return prefix + text + " ".repeat(fill);
  return isNumber && flags.includes("0") ? prefix + "0".repeat(fill) + text : " ".repeat(fill) + prefix + text;
}
