/** Python's arithmetic, and what + * and % do to texts and lists. */
import { budget } from "./budget.js";
import type { Dict } from "./dict.js";
import { JinjaError, LimitError, typeError, undefinedError } from "./errors.js";
import { formatPercent } from "./format-percent.js";
import { escapeHtml } from "./html.js";
import { bitLength, checkedBits, type Int, int, numeric, toNumber } from "./numbers.js";
import { Bytes, Float, isInt, isStr, Markup, rawStr, Tuple, typeName, Undefined, type Value } from "./values.js";

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export function binary(operator: BinaryOperator, a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") {
    const result = quick(operator, a, b);
    if (Number.isSafeInteger(result)) return result;
  }
  if (operator === "+" && typeof a === "string" && typeof b === "string") return joined(a, b);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return arithmetic(operator, x, y);
  for (const value of [a, b]) if (value instanceof Undefined) throw undefinedError(value.message());
  const result =
    operator === "+" ? add(a, b) : operator === "*" ? repeat(a, b) : operator === "%" ? format(a, b) : undefined;
  if (result !== undefined) return result;
  const name = operator === "**" ? "** or pow()" : operator;
  throw typeError(`unsupported operand type(s) for ${name}: '${typeName(a)}' and '${typeName(b)}'`);
}

/** The result where JavaScript's number has it exactly, or what is no safe integer. */
function quick(operator: BinaryOperator, a: number, b: number): number {
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  if (operator === "*") return a * b + 0;
  return operator === "%" && a >= 0 && b > 0 ? a % b : Number.NaN;
}

export function joined(a: string, b: string): string {
  budget().joinedText(a.length + b.length);
  return a + b;
}

function add(a: Value, b: Value): Value | undefined {
  if (a instanceof Markup || b instanceof Markup) {
    if (!isStr(a) || !isStr(b)) throw concatError(a, b);
    return new Markup(joined(escapeHtml(a), escapeHtml(b)));
  }
  if (Array.isArray(a) && Array.isArray(b)) return joinedLists(a, b);
  if (a instanceof Tuple && b instanceof Tuple) return new Tuple(joinedLists(a.items, b.items));
  if (a instanceof Bytes && b instanceof Bytes) return new Bytes(Buffer.concat([a.data, b.data]));
  if (typeof a === "string" || Array.isArray(a) || a instanceof Tuple) throw concatError(a, b);
  return undefined;
}

function joinedLists(a: readonly Value[], b: readonly Value[]): Value[] {
  budget().list(a.length + b.length);
  return [...a, ...b];
}

const concatError = (a: Value, b: Value): JinjaError =>
  typeError(`can only concatenate ${typeName(a)} (not "${typeName(b)}") to ${typeName(a)}`);

function repeat(a: Value, b: Value): Value | undefined {
  const [sequence, times] = isSequence(a) ? [a, b] : [b, a];
  if (!isSequence(sequence)) return undefined;
  if (typeof times !== "boolean" && !isInt(times)) {
    throw typeError(`can't multiply sequence by non-int of type '${typeName(times)}'`);
  }
  const count = Math.max(0, Number(times));
  if (isStr(sequence)) {
    const text = rawStr(sequence);
    if (text === "") return sequence;
    budget().text(text.length * count);
    const result = text.repeat(count);
    return sequence instanceof Markup ? new Markup(result) : result;
  }
  const items = Array.isArray(sequence) ? sequence : sequence.items;
  budget().list(items.length * count);
  const result: Value[] = [];
  if (items.length > 0) for (let i = 0; i < count; i++) for (const item of items) result.push(item);
  return Array.isArray(sequence) ? result : new Tuple(result);
}

const isSequence = (value: Value): value is string | Markup | Value[] | Tuple =>
  isStr(value) || Array.isArray(value) || value instanceof Tuple;

function format(a: Value, b: Value): Value | undefined {
  if (!isStr(a)) return undefined;
  return a instanceof Markup ? new Markup(formatPercent(a.text, b, escapeHtml)) : formatPercent(a, b);
}

function arithmetic(operator: BinaryOperator, a: Int | Float, b: Int | Float): Value {
  if (!(a instanceof Float) && !(b instanceof Float)) return ofInts(operator, a, b);
  const x = a instanceof Float ? a.value : toNumber(a);
  const y = b instanceof Float ? b.value : toNumber(b);
  return new Float(ofFloats(operator, x, y));
}

const divisionByZero = (message: string): JinjaError => new JinjaError("ZeroDivisionError", message);

function ofInts(operator: BinaryOperator, a: Int, b: Int): Value {
  if (operator === "**") return power(a, b);
  if (operator === "/") {
    if (!b) throw divisionByZero("division by zero");
    return new Float(quotient(a, b));
  }
  if ((operator === "//" || operator === "%") && !b) {
    throw divisionByZero(`integer ${operator === "//" ? "division or " : ""}modulo by zero`);
  }
  const [x, y] = [BigInt(a), BigInt(b)];
  if (operator === "+") return int(x + y);
  if (operator === "-") return int(x - y);
  if (operator === "*") {
    checkedBits(bitLength(a) + bitLength(b));
    return int(x * y);
  }
  const remainder = x % y;
  const isOff = remainder !== 0n && remainder < 0n !== y < 0n; // Python rounds down and JavaScript towards zero
  if (operator === "//") return int(x / y - (isOff ? 1n : 0n));
  return int(remainder + (isOff ? y : 0n));
}

/** Exact for numbers that a float holds; as close as two roundings come for larger ones. */
function quotient(a: Int, b: Int): number {
  if (typeof a === "number" && typeof b === "number") return a / b;
  const [x, y] = [BigInt(a), BigInt(b)];
  const shift = Math.max(0, 70 - bitLength(a) + bitLength(b));
  const scaled = Number((x << BigInt(shift)) / y) / 2 ** shift;
  if (!Number.isFinite(scaled)) throw new JinjaError("OverflowError", "integer division result too large for a float");
  return scaled;
}

function power(a: Int, b: Int): Value {
  if (b < 0) {
    if (!a) throw divisionByZero("0.0 cannot be raised to a negative power");
    return new Float(toNumber(a) ** toNumber(b));
  }
  if (bitLength(a) > 1) {
    checkedBits(bitLength(a) * Number(b));
    return int(BigInt(a) ** BigInt(b));
  }
  return !b || a === 1 || (a === -1 && BigInt(b) % 2n === 0n) ? 1 : Number(a);
}

function ofFloats(operator: BinaryOperator, x: number, y: number): number {
  if (operator === "+") return x + y;
  if (operator === "-") return x - y;
  if (operator === "*") return x * y;
  if (operator === "**") return floatPower(x, y);
  if (y === 0) {
    throw divisionByZero(
      operator === "/" ? "float division by zero" : operator === "%" ? "float modulo" : "float floor division by zero",
    );
  }
  if (operator === "/") return x / y;
  let remainder = x % y;
  const isOff = remainder !== 0 && remainder < 0 !== y < 0;
  if (operator === "%") {
    if (isOff) remainder += y;
    return remainder === 0 ? (y < 0 ? -0 : 0) : remainder;
  }
  const whole = (x - remainder) / y - (isOff ? 1 : 0);
  if (whole === 0) return x / y < 0 || Object.is(x / y, -0) ? -0 : 0;
  const floor = Math.floor(whole);
  return whole - floor > 0.5 ? floor + 1 : floor;
}

function floatPower(x: number, y: number): number {
  if (x === 0 && y < 0) throw divisionByZero("0.0 cannot be raised to a negative power");
  if (x === 1 || y === 0) return 1;
  if (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) return 1;
  const result = x ** y;
  if (Number.isNaN(result) && !Number.isNaN(x) && !Number.isNaN(y)) {
    throw new LimitError("calculated with complex numbers, which are not supported");
  }
  if (!Number.isFinite(result) && Number.isFinite(x) && Number.isFinite(y)) {
    throw new JinjaError("OverflowError", "(34, 'Numerical result out of range')");
  }
  return result;
}

export function unary(operator: "+" | "-", value: Value): Value {
  const number = numeric(value);
  if (number === undefined) {
    if (value instanceof Undefined) throw undefinedError(value.message());
    throw typeError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  }
  if (operator === "+") return number;
  if (number instanceof Float) return new Float(-number.value);
  return typeof number === "bigint" ? int(-number) : 0 - number;
}

/** abs(). */
export function absolute(value: Value): Value {
  const number = numeric(value);
  if (number === undefined) throw typeError(`bad operand type for abs(): '${typeName(value)}'`);
  if (number instanceof Float) return new Float(Math.abs(number.value));
  return number < 0 ? unary("-", number) : number;
}

/** Merges as dict() does, the later one winning. */
export function mergeInto(target: Dict, source: Dict): void {
  for (const [key, value] of source.entries()) target.set(key, value);
}
