/** Python's int and float: any size, exact rounding, and the shortest text that reads back as the same number. */
import { JinjaError, LimitError, valueError } from "./errors.js";
import { Float, type Value } from "./values.js";

/** The size of an int. A template that counts to more is no template. */
const maxBits = 1 << 18;
/** Python refuses to print longer ones. */
const maxDigits = 4300;

export type Int = number | bigint;

/** An int in its one form. */
export function int(value: bigint): Int {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

export function checkedBits(bits: number): void {
  if (!(bits <= maxBits)) throw new LimitError(`made a number of more than ${maxBits} bits`);
}

export const bitLength = (value: Int): number => {
  const text = (value < 0 ? -BigInt(value) : BigInt(value)).toString(16);
  return text === "0" ? 0 : (text.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(text.charAt(0), 16)));
};

export function intText(value: Int): string {
  const text = String(value);
  if (text.length > maxDigits + (value < 0 ? 1 : 0)) {
    throw valueError(`Exceeds the limit (${maxDigits} digits) for integer string conversion`);
  }
  return text;
}

/** Python's float(): OverflowError for an int that is too large. */
export function toNumber(value: Int): number {
  const number = Number(value);
  if (!Number.isFinite(number)) throw new JinjaError("OverflowError", "int too large to convert to float");
  return number;
}

/** The whole part of a float. */
export function floatToInt(value: number): Int {
  if (Number.isNaN(value)) throw valueError("cannot convert float NaN to integer");
  if (!Number.isFinite(value)) throw new JinjaError("OverflowError", "cannot convert float infinity to integer");
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole + 0 : int(BigInt(whole));
}

export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) return `${mantissa}e${exponentOf(exponent)}`;
  const digits = mantissa.replace(/[-.]/g, "");
  const sign = value < 0 ? "-" : "";
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** An exponent as C writes it: a sign and two digits or more. */
export const exponentOf = (exponent: number): string =>
  `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

/** The exact value of a float that is finite: `digits` / 10^`scale`. */
function exact(value: number): { digits: bigint; scale: number } {
  let mantissa = Math.abs(value);
  let exponent = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent++;
  }
  return { digits: BigInt(mantissa) * 5n ** BigInt(exponent), scale: exponent };
}

/** |value| * 10^`places`, rounded half to even as Python does. */
export function scaled(value: number, places: number): bigint {
  const { digits, scale } = exact(value);
  if (places >= scale) return digits * 10n ** BigInt(places - scale);
  const unit = 10n ** BigInt(scale - places);
  return dividedToEven(digits, unit);
}

/** `numerator` / `denominator`, both positive, rounded half to even. */
export function dividedToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice > denominator || (twice === denominator && quotient % 2n === 1n)) return quotient + 1n;
  return quotient;
}

/** Python's "%.nf" of a float that is finite, without its sign. */
export function fixedText(value: number, places: number): string {
  const digits = scaled(value, places)
    .toString()
    .padStart(places + 1, "0");
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The `count` leading digits of a float that is finite, rounded, and the exponent of the first. */
export function leadingDigits(value: number, count: number): { digits: string; exponent: number } {
  if (value === 0) return { digits: "0".repeat(count), exponent: 0 };
  let exponent = Number(value.toExponential().split("e")[1]);
  let digits = scaled(value, count - 1 - exponent).toString();
  if (digits.length > count) {
    digits = digits.slice(0, count);
    exponent++;
  }
  return { digits, exponent };
}

/** round(): to `places` after the point; negative ones are before it. */
export function roundFloat(value: number, places: number): Float {
  if (!Number.isFinite(value) || places > 330) return new Float(value);
  if (places < -330) return new Float(value < 0 ? -0 : 0);
  const digits = scaled(value, places);
  return new Float((value < 0 ? -1 : 1) * Number(`${digits}e${-places}`));
}

export function roundInt(value: Int, places: number): Int {
  if (places >= 0) return value;
  if (places < -5000) return 0;
  const unit = 10n ** BigInt(-places);
  const magnitude = value < 0 ? -BigInt(value) : BigInt(value);
  const rounded = dividedToEven(magnitude, unit) * unit;
  return int(value < 0 ? -rounded : rounded);
}

/** The number that a bool, int or float is; undefined for all else. */
export function numeric(value: Value): Int | Float | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" || typeof value === "bigint" || value instanceof Float ? value : undefined;
}
