/** int() and float() of texts, and the filters that are made of them. */
import { intArgument } from "./arguments.js";
import { repr } from "./display.js";
import { JinjaError, undefinedError, valueError } from "./errors.js";
import { checkedBits, floatToInt, type Int, int, numeric, toNumber } from "./numbers.js";
import { stripEnd, stripStart } from "./text.js";
import { Float, isStr, rawStr, Undefined, type Value } from "./values.js";

const trimmed = (text: string): string => toAsciiDigits(stripEnd(stripStart(text, null), null));

/** Digits of all scripts are digits. */
function toAsciiDigits(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  return text.replace(/\p{Nd}/gu, (char) => {
    // Decimal digits stand in runs of ten.
    let zero = char.codePointAt(0) ?? 0;
    for (let i = 0; i < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1)); i++) zero--;
    return String(((char.codePointAt(0) ?? 0) - zero) % 10);
  });
}

function intFromText(text: string, base: number): Int {
  const wrong = () => valueError(`invalid literal for int() with base ${base}: ${repr(text)}`);
  if (base !== 0 && (base < 2 || base > 36)) throw valueError("int() base must be >= 2 and <= 36, or 0");
  const match = /^([+-]?)(0[box](?=_?[0-9a-z]))?_?([0-9a-z]+(?:_[0-9a-z]+)*)$/i.exec(trimmed(text));
  if (!match) throw wrong();
  const [, sign, prefix = "", body = ""] = match;
  const own = { "0b": 2, "0o": 8, "0x": 16 }[prefix.toLowerCase()];
  const isPrefix = own !== undefined && (base === 0 || base === own);
  const radix = base === 0 ? (own ?? 10) : base;
  const digits = (isPrefix ? body : prefix + body).replaceAll("_", "").toLowerCase();
  if (!isPrefix && trimmed(text).replace(/^[+-]/, "").startsWith("_")) throw wrong();
  if (base === 0 && own === undefined && /^0+[1-9]/.test(digits)) throw wrong();
  if (digits.length > 4300 && ![2, 4, 8, 16, 32].includes(radix)) {
    throw valueError("Exceeds the limit (4300 digits) for integer string conversion");
  }
  checkedBits(digits.length * 6);
  let value = 0n;
  for (const char of digits) {
    const digit = "0123456789abcdefghijklmnopqrstuvwxyz".indexOf(char);
    if (digit >= radix) throw wrong();
    value = value * BigInt(radix) + BigInt(digit);
  }
  return int(sign === "-" ? -value : value);
}

function floatFromText(text: string): number {
  const plain = trimmed(text).toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(plain);
  if (special) {
    if (special[2] === "nan") return Number.NaN;
    return special[1] === "-" ? -Infinity : Infinity;
  }
  if (!/^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/.test(plain)) {
    throw valueError(`could not convert string to float: ${repr(text)}`);
  }
  return Number(plain.replaceAll("_", ""));
}

/** float(): null for what no float is made of. */
function floatOf(value: Value): number | null {
  if (isStr(value)) return floatFromText(rawStr(value));
  const number = numeric(value);
  if (number !== undefined) return number instanceof Float ? number.value : toNumber(number);
  if (value instanceof Undefined) throw undefinedError(value.message());
  return null;
}

/** The result of `body`; null for an error of one of the types. */
function unless<T>(types: readonly string[], body: () => T): T | null {
  try {
    return body();
  } catch (error) {
    if (error instanceof JinjaError && types.includes(error.type)) return null;
    throw error;
  }
}

export function toInt(value: Value, fallback: Value, base: Value): Value {
  const exact = unless(["ValueError", "TypeError"], () => {
    if (isStr(value)) return intFromText(rawStr(value), intArgument(base));
    const number = numeric(value);
    if (number === undefined) return null;
    return number instanceof Float ? floatToInt(number.value) : number;
  });
  if (exact !== null) return exact;
  const rounded = unless(["ValueError", "TypeError", "OverflowError"], () => {
    const number = floatOf(value);
    return number === null ? null : floatToInt(number);
  });
  return rounded ?? fallback;
}

export function toFloat(value: Value, fallback: Value): Value {
  const number = unless(["ValueError", "TypeError"], () => floatOf(value));
  return number === null ? fallback : new Float(number);
}

/** float() for a filter that has to have one. */
export function needFloat(value: Value): number {
  const number = floatOf(value);
  if (number === null) throw new JinjaError("TypeError", "float() argument must be a string or a real number");
  return number;
}
