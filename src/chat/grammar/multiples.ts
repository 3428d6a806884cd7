/** Multiples of a number within bounds, as expressions over their decimal digits. */
import { choice, type GrammarWriter, literal } from "./gbnf.js";
import type { Bounds } from "./numbers.js";

/** A double holds any decimal number of so many digits apart from all others. */
const exactDigits = 15;
/** Digits of a number without a bound. */
const usualDigits = 9;
/** Remainders that are told apart: there is a rule for each, at each of the digits. */
const maxRemainders = 60;
/** Multiples that are listed one by one where there are more remainders. */
const maxListed = 1000;
const maxDecimals = 6;

/** Whole numbers that stand for a number of so many decimals. */
interface Scaled {
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly decimals: number;
}

/**
 * null when no multiple lies within the bounds, undefined where they cannot be told. Of a step with very many remainders
 * only the multiples next to zero, or next to the bound, are allowed.
 */
export function multiplesWithin(
  writer: GrammarWriter,
  step: number,
  type: "integer" | "number",
  bounds: Bounds,
): string | null | undefined {
  const scaled = scale(step, type, bounds);
  if (scaled === undefined) return undefined;
  const { low, high } = scaled;
  const digits = new MultipleDigits(writer, scaled);
  const parts = [
    ...(low < 0 ? [signed(digits.between(Math.max(1, -high), -low))] : []),
    ...(high >= 0 ? [digits.between(Math.max(0, low), high)] : []),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : choice(parts);
}

const signed = (magnitude: string | null) => (magnitude === null ? null : `"-" ${magnitude}`);

function scale(step: number, type: "integer" | "number", bounds: Bounds): Scaled | undefined {
  const decimals = decimalsOf(step);
  if (!(step > 0) || decimals > maxDecimals) return undefined;
  const unit = 10 ** decimals;
  const whole = Math.round(step * unit);
  // A whole number that is a multiple is one of a larger step.
  const own =
    type === "integer" ? { unit: 1, decimals: 0, step: whole / gcd(whole, unit) } : { unit, decimals, step: whole };
  const limit = 10 ** exactDigits - 1;
  if (own.step > limit) return undefined;
  const { minimum, maximum, minimumExcluded, maximumExcluded } = bounds;
  const [least, most] = [minimum, maximum].map((bound) => Number((bound * own.unit).toPrecision(exactDigits))) as [
    number,
    number,
  ];
  const low = minimumExcluded ? Math.floor(least) + 1 : Math.ceil(least);
  const high = maximumExcluded ? Math.ceil(most) - 1 : Math.floor(most);
  const usual = (bound: number) => Math.min(limit, Math.max(10 ** usualDigits * own.unit, 1000 * Math.abs(bound)));
  return {
    low: Math.max(low, Number.isFinite(high) ? -usual(high) : -usual(0)),
    high: Math.min(high, Number.isFinite(low) ? usual(low) : usual(0)),
    step: own.step,
    decimals: own.decimals,
  };
}

function decimalsOf(value: number): number {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return Math.max(0, (mantissa.split(".")[1]?.length ?? 0) - Number(exponent));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

class MultipleDigits {
  readonly #writer: GrammarWriter;
  readonly #step: number;
  readonly #decimals: number;
  readonly #names = new Map<string, string | null>();

  constructor(writer: GrammarWriter, { step, decimals }: Scaled) {
    this.#writer = writer;
    this.#step = step;
    this.#decimals = decimals;
  }

  /** The expression for multiples between two numbers that are not negative; null where there is none. */
  between(low: number, high: number): string | null {
    if (low > high) return null;
    if (this.#step > maxRemainders) return this.#listed(low, high);
    const parts: string[] = [];
    const shortest = Math.max(this.#decimals + 1, String(low).length);
    for (let length = shortest; length <= Math.max(shortest, String(high).length); length++) {
      const from = Math.max(low, length > this.#decimals + 1 ? 10 ** (length - 1) : 0);
      const to = Math.min(high, 10 ** length - 1);
      if (from > to) continue;
      const part = this.#digits(String(from).padStart(length, "0"), String(to).padStart(length, "0"), 0);
      if (part !== null) parts.push(part);
    }
    return parts.length === 0 ? null : choice(parts);
  }

  #listed(low: number, high: number): string | null {
    const first = Math.ceil(low / this.#step);
    const last = Math.min(Math.floor(high / this.#step), first + maxListed - 1);
    if (first > last) return null;
    const texts = Array.from({ length: last - first + 1 }, (_, i) => this.#written((first + i) * this.#step));
    return this.#writer.rule("multiple", choice(texts.map(literal)));
  }

  #written(scaled: number): string {
    const digits = String(scaled).padStart(this.#decimals + 1, "0");
    const point = digits.length - this.#decimals;
    const fraction = digits.slice(point).replace(/0+$/, "");
    return fraction === "" ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
  }

  /** Digits from `low` to `high`, as many as these have, that make a multiple after what left this remainder. */
  #digits(low: string, high: string, remainder: number): string | null {
    const key = `${low},${high},${remainder}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const body = this.#body(low, high, remainder);
    const name = body === null ? null : this.#writer.rule("digits", body);
    this.#names.set(key, name);
    return name;
  }

  #body(low: string, high: string, remainder: number): string | null {
    const left = low.length;
    let isMultiple = remainder === 0;
    for (let i = 0, zeros = remainder; i < left && !isMultiple; i++) {
      zeros = (zeros * 10) % this.#step;
      isMultiple = zeros === 0;
    }
    if (left === 0) return isMultiple ? '""' : null;
    const alternatives: string[] = [];
    // Zeros at the end of a fraction are left out.
    if (left <= this.#decimals && isMultiple && /^0*$/.test(low)) alternatives.push('""');
    const [first, last] = [Number(low[0]), Number(high[0])];
    const point = left === this.#decimals ? '"." ' : "";
    for (let digit = first; digit <= last; digit++) {
      const restLow = digit === first ? low.slice(1) : "0".repeat(left - 1);
      const restHigh = digit === last ? high.slice(1) : "9".repeat(left - 1);
      const rest = this.#digits(restLow, restHigh, (remainder * 10 + digit) % this.#step);
      if (rest !== null) alternatives.push(`${point}"${digit}" ${rest}`);
    }
    return alternatives.length === 0 ? null : alternatives.join(" | ");
  }
}
