/** Python's ==, <, in and sorted(). */
import { budget } from "./budget.js";
import { Dict, DictView } from "./dict.js";
import { typeError, undefinedError } from "./errors.js";
import { iterable, iterate } from "./iterate.js";
import { numeric } from "./numbers.js";
import { Bytes, Float, isStr, Range, rawStr, Tuple, typeName, Undefined, type Value } from "./values.js";

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true; // as Python compares elements: by identity first
  budget().step();
  if (isStr(a) || isStr(b)) return isStr(a) && isStr(b) && rawStr(a) === rawStr(b);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined || y !== undefined) return x !== undefined && y !== undefined && order(x, y) === 0;
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items);
  if (a instanceof Dict) return b instanceof Dict && equalDicts(a, b);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Range) return b instanceof Range && equalItems([...iterate(a)], [...iterate(b)]);
  if (a instanceof Bytes) return b instanceof Bytes && a.data.join() === b.data.join();
  if (a instanceof DictView && b instanceof DictView && a.typeName !== "dict_values" && b.typeName !== "dict_values") {
    return a.dict.size === b.dict.size && [...a].every((item) => contains(b, item));
  }
  return false;
}

function equalItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i] as Value));
}

function equalDicts(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a.entries()) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** Negative, 0 or positive; NaN where one is not a number. */
function order(a: number | bigint | Float, b: number | bigint | Float): number {
  const x = a instanceof Float ? a.value : a;
  const y = b instanceof Float ? b.value : b;
  return x < y ? -1 : x > y ? 1 : x === y || (x >= y && x <= y) ? 0 : Number.NaN;
}

export type Order = "<" | "<=" | ">" | ">=";

export function ordered(operator: Order, a: Value, b: Value): boolean {
  const result = compare(operator, a, b);
  if (operator === "<") return result < 0;
  if (operator === "<=") return result <= 0;
  return operator === ">" ? result > 0 : result >= 0;
}

/** TypeError, in the operator's name, for values that have no order. */
function compare(operator: Order, a: Value, b: Value): number {
  budget().step();
  if (isStr(a) && isStr(b)) return compareText(rawStr(a), rawStr(b));
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return order(x, y);
  const [left, right] = [elements(a), elements(b)];
  if (left && right && Array.isArray(a) === Array.isArray(b)) {
    const at = left.findIndex((item, i) => i >= right.length || !equal(item, right[i] as Value));
    if (at < 0 || at >= right.length) return left.length - right.length;
    return compare(operator, left[at] as Value, right[at] as Value);
  }
  for (const value of [a, b]) if (value instanceof Undefined) throw undefinedError(value.message());
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

const elements = (value: Value): readonly Value[] | undefined =>
  Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined;

/** By code points; JavaScript's own order is that of UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

export function contains(container: Value, item: Value): boolean {
  if (isStr(container)) {
    if (item instanceof Undefined) return undefinedIn();
    if (!isStr(item)) throw typeError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    budget().text(rawStr(container).length);
    return rawStr(container).includes(rawStr(item));
  }
  if (container instanceof Dict) return container.has(item);
  if (container instanceof DictView && container.typeName === "dict_keys") return container.dict.has(item);
  const items = iterable(container);
  if (!items) throw typeError(`argument of type '${typeName(container)}' is not iterable`);
  for (const each of items) {
    if (equal(each, item)) return true;
    budget().step();
  }
  return false;
}

function undefinedIn(): never {
  throw typeError("'in <string>' requires string as left operand, not Undefined");
}

/** A new list in order; stable, also backwards. TypeError for items without an order. */
export function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean): Value[] {
  budget().list(items.length);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const sign = reverse ? -1 : 1;
  keyed.sort((a, b) => sign * (ordered("<", a.key, b.key) ? -1 : ordered("<", b.key, a.key) ? 1 : 0));
  return keyed.map(({ item }) => item);
}
