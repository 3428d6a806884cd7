/** Numbers as text of a given form: what printf's %d, %x, %f, %e and %g and Python's format specifications have in common. */
import { checkedBits, exponentOf, fixedText, floatText, type Int, leadingDigits } from "./numbers.js";

export type FloatKind = "e" | "f" | "g";

/** |value| in that form; `alternate` keeps the point and trailing zeros. Infinity and NaN are words. */
export function floatDigits(value: number, kind: FloatKind, precision: number, alternate: boolean): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : "inf";
  checkedBits(precision);
  if (kind === "f") return fixedText(value, precision) + (alternate && precision === 0 ? "." : "");
  if (kind === "e") return exponential(value, precision, alternate);
  const count = Math.max(1, precision);
  const { exponent } = leadingDigits(value, count);
  if (exponent < -4 || exponent >= count) {
    const text = exponential(value, count - 1, alternate);
    return alternate ? text : text.replace(/\.?0*e/, "e");
  }
  const text = fixedText(value, count - 1 - exponent);
  return alternate || !text.includes(".") ? text : text.replace(/\.?0*$/, "");
}

function exponential(value: number, places: number, alternate: boolean): string {
  const { digits, exponent } = leadingDigits(value, places + 1);
  const point = places > 0 || alternate ? "." : "";
  return `${digits.charAt(0)}${point}${digits.slice(1)}e${exponentOf(exponent)}`;
}

/** |value| as Python prints it without a kind, with at most that many digits: as repr does if null. */
export function generalDigits(value: number, precision: number | null): string {
  if (precision === null || !Number.isFinite(value)) return floatText(Math.abs(value));
  const count = Math.max(1, precision);
  const { exponent } = leadingDigits(value, count);
  const text = floatDigits(value, "g", count, false);
  if (text.includes("e") || text.includes(".")) return text;
  // Not all digits may stand before the point, or the number would look like an int.
  return exponent < count - 1 || count === 1 ? (exponent < count ? `${text}.0` : text) : withExponent(value, count);
}

const withExponent = (value: number, count: number): string =>
  exponential(value, count - 1, false).replace(/\.?0*e/, "e");

/** |value| in another base. */
export const inBase = (value: Int, base: number): string => (value < 0 ? -BigInt(value) : BigInt(value)).toString(base);

/** Digits before the point in groups of `size`, from the right. */
export function grouped(digits: string, separator: string, size: number): string {
  const [whole = "", ...rest] = digits.split(/(?=[.e])/);
  const first = whole.length % size;
  const groups = first > 0 ? [whole.slice(0, first)] : [];
  for (let i = first; i < whole.length; i += size) groups.push(whole.slice(i, i + size));
  return groups.join(separator) + rest.join("");
}

export const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0);
