/** Ranges of numbers as expressions over their decimal digits. */
import { choice, literal } from "./gbnf.js";

export interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
  readonly minimumExcluded: boolean;
  readonly maximumExcluded: boolean;
}

/** A double holds any decimal number of so many digits apart from all others. */
const exactDigits = 15;
/** Digits before the point of a number without a bound. */
const usualDigits = 9;

/** Any integer and any number: what a double holds, without infinity. */
export const anyInteger = `"-"? ("0" | [1-9] [0-9]{0,${exactDigits - 1}})`;
export const anyNumber = `${anyInteger} ("." [0-9]{1,${exactDigits}})? ([eE] [-+]? [0-9]{1,2})?`;

/** null when no integer lies within the bounds. They are finite or infinite, and none is NaN. */
export function integerWithin({ minimum, maximum, minimumExcluded, maximumExcluded }: Bounds): string | null {
  const limit = Number.MAX_SAFE_INTEGER;
  const least = minimumExcluded ? Math.floor(minimum) + 1 : Math.ceil(minimum);
  const most = maximumExcluded ? Math.ceil(maximum) - 1 : Math.floor(maximum);
  const low = Math.max(least, -limit);
  const high = Math.min(most, limit);
  if (!(low <= high)) return null;
  const alternatives: string[] = [];
  if (low < 0) alternatives.push(`"-" ${natural(Math.max(1, -high), -low)}`);
  if (high >= 0) alternatives.push(natural(Math.max(0, low), high));
  return choice(alternatives);
}

/** Decimal numbers without an exponent; null when none lies within the bounds. */
export function numberWithin(bounds: Bounds): string | null {
  const alternatives: string[] = [];
  const { minimum, maximum, minimumExcluded, maximumExcluded } = bounds;
  if (maximum >= 0) {
    const least =
      minimum > 0
        ? { value: minimum, excluded: minimumExcluded }
        : { value: 0, excluded: minimum === 0 && minimumExcluded };
    alternatives.push(magnitude(least, { value: maximum, excluded: maximumExcluded }));
  }
  if (minimum < 0) {
    const least =
      maximum < 0
        ? { value: -maximum, excluded: maximumExcluded }
        : { value: 0, excluded: maximum === 0 && maximumExcluded };
    const negative = magnitude(least, { value: -minimum, excluded: minimumExcluded });
    if (negative !== "") alternatives.push(`"-" ${negative}`);
  }
  const possible = alternatives.filter((alternative) => alternative !== "");
  return possible.length > 0 ? choice(possible) : null;
}

/** Natural numbers from `low` to `high`, without leading zeros. */
function natural(low: number, high: number): string {
  const alternatives: string[] = [];
  for (let from = low; from <= high; ) {
    const digits = String(from).length;
    const to = Math.min(high, 10 ** digits - 1);
    alternatives.push(sameLength(String(from), String(to)));
    from = to + 1;
  }
  return choice(alternatives);
}

/** Strings of digits of one length from `low` to `high`. */
function sameLength(low: string, high: string): string {
  if (low === "") return '""';
  if (/^0*$/.test(low) && /^9*$/.test(high)) return anyDigits(low.length, low.length);
  const [a, b] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (a === b) return sequence(literal(String(a)), sameLength(lowRest, highRest));
  const lowIsFull = /^0*$/.test(lowRest);
  const highIsFull = /^9*$/.test(highRest);
  const alternatives: string[] = [];
  if (!lowIsFull) alternatives.push(sequence(literal(String(a)), sameLength(lowRest, "9".repeat(lowRest.length))));
  const [from, to] = [lowIsFull ? a : a + 1, highIsFull ? b : b - 1];
  if (from <= to) alternatives.push(sequence(digit(from, to), anyDigits(lowRest.length, lowRest.length)));
  if (!highIsFull) alternatives.push(sequence(literal(String(b)), sameLength("0".repeat(highRest.length), highRest)));
  return choice(alternatives);
}

interface Limit {
  readonly value: number;
  readonly excluded: boolean;
}

/** Numbers without a sign; empty when there is none. */
function magnitude(least: Limit, most: Limit): string {
  const low = decimal(least.value);
  const ceiling = Math.min(10 ** exactDigits - 1, Math.max(10 ** usualDigits - 1, least.value * 1000));
  const high = decimal(Math.min(most.value, ceiling));
  const highLimit: Limit = most.value > ceiling ? { value: ceiling, excluded: false } : most;
  if (low.whole > high.whole || least.value > highLimit.value) return "";
  const room = Math.max(1, exactDigits - String(high.whole).length);
  const digits = Math.max(room, low.fraction.length + 1, high.fraction.length);
  const alternatives: string[] = [];
  const add = (whole: string, fraction: string | null) => {
    if (fraction !== null) alternatives.push(sequence(whole, fraction));
  };
  if (low.whole === high.whole) {
    add(
      literal(String(low.whole)),
      fractionBetween(low.fraction, high.fraction, least.excluded, highLimit.excluded, digits),
    );
  } else {
    add(literal(String(low.whole)), fractionFrom(low.fraction, least.excluded, digits));
    if (low.whole + 1 < high.whole) add(natural(low.whole + 1, high.whole - 1), anyFraction(digits));
    add(literal(String(high.whole)), fractionTo(high.fraction, highLimit.excluded, digits));
  }
  return alternatives.length > 0 ? choice(alternatives) : "";
}

const anyFraction = (digits: number) => `("." ${anyDigits(1, digits)})?`;

function fractionFrom(fraction: string, excluded: boolean, digits: number): string {
  if (fraction === "" && !excluded) return anyFraction(digits);
  return `"." ${digitsFrom(fraction, excluded, digits)}`;
}

function fractionTo(fraction: string, excluded: boolean, digits: number): string | null {
  if (fraction === "") return excluded ? null : `("." "0"{1,${digits}})?`;
  return `("." ${digitsTo(fraction, excluded, digits)})?`;
}

function fractionBetween(
  low: string,
  high: string,
  lowExcluded: boolean,
  highExcluded: boolean,
  digits: number,
): string | null {
  const inner = digitsBetween(low, high, lowExcluded, highExcluded, digits);
  const mayStop = low === "" && !lowExcluded && !(high === "" && highExcluded);
  if (inner === null) return mayStop ? '""' : null;
  return mayStop ? `("." ${inner})?` : `"." ${inner}`;
}

/** Up to `room` digits that as a fraction are `low` or more; at least one. */
function digitsFrom(low: string, excluded: boolean, room: number): string {
  if (low === "") {
    if (!excluded) return anyDigits(room > 0 ? 1 : 0, room);
    return `"0"{0,${room - 1}} [1-9] ${anyDigits(0, Math.max(0, room - 1))}`;
  }
  const first = Number(low[0]);
  const rest = low.slice(1);
  const alternatives: string[] = [];
  if (first < 9) alternatives.push(sequence(digit(first + 1, 9), anyDigits(0, room - 1)));
  const after = rest === "" && !excluded ? anyDigits(0, room - 1) : digitsFrom(rest, excluded, room - 1);
  alternatives.push(sequence(literal(String(first)), after));
  return choice(alternatives);
}

/** Up to `room` digits that as a fraction are `high` or less; at least one. `high` does not end with 0. */
function digitsTo(high: string, excluded: boolean, room: number): string {
  const first = Number(high[0]);
  const rest = high.slice(1);
  const alternatives: string[] = [];
  if (first > 0) alternatives.push(sequence(digit(0, first - 1), anyDigits(0, room - 1)));
  if (rest !== "") alternatives.push(sequence(literal(String(first)), `(${digitsTo(rest, excluded, room - 1)})?`));
  else if (!excluded) alternatives.push(sequence(literal(String(first)), `"0"{0,${room - 1}}`));
  return choice(alternatives);
}

function digitsBetween(
  low: string,
  high: string,
  lowExcluded: boolean,
  highExcluded: boolean,
  room: number,
): string | null {
  if (high === "") return low === "" && !lowExcluded && !highExcluded ? `"0"{1,${Math.max(1, room)}}` : null;
  const a = Number(low[0] ?? "0");
  const b = Number(high[0]);
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (a > b) return null;
  if (a === b) {
    const inner = digitsBetween(lowRest, highRest, lowExcluded, highExcluded, room - 1);
    const mayStop = lowRest === "" && !lowExcluded && !(highRest === "" && highExcluded);
    if (inner === null) return mayStop ? literal(String(a)) : null;
    return sequence(literal(String(a)), mayStop ? `(${inner})?` : inner);
  }
  const alternatives: string[] = [];
  const from = lowRest === "" && !lowExcluded ? anyDigits(0, room - 1) : digitsFrom(lowRest, lowExcluded, room - 1);
  alternatives.push(sequence(literal(String(a)), from));
  if (a + 1 <= b - 1) alternatives.push(sequence(digit(a + 1, b - 1), anyDigits(0, room - 1)));
  if (highRest !== "")
    alternatives.push(sequence(literal(String(b)), `(${digitsTo(highRest, highExcluded, room - 1)})?`));
  else if (!highExcluded) alternatives.push(sequence(literal(String(b)), `"0"{0,${room - 1}}`));
  return choice(alternatives);
}

/** A number that is not negative as its digits, without zeros at the end. */
function decimal(value: number): { whole: number; fraction: string } {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const point = Number(exponent) + 1; // digits before it
  const whole = point > 0 ? Number(digits.slice(0, point).padEnd(point, "0")) : 0;
  const fraction = point > 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  return { whole, fraction: fraction.replace(/0+$/, "") };
}

function digit(low: number, high: number): string {
  return low === high ? literal(String(low)) : `[${low}-${high}]`;
}

function anyDigits(least: number, most: number): string {
  if (most <= 0) return '""';
  if (least === 1 && most === 1) return "[0-9]";
  return least === most ? `[0-9]{${least}}` : `[0-9]{${least},${most}}`;
}

function sequence(...parts: readonly string[]): string {
  const full = parts.filter((part) => part !== '""');
  return full.length > 0 ? full.join(" ") : '""';
}
