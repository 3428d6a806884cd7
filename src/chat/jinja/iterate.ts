/** Python's bool(), len(), iter() and list() for values of templates. Every element that is walked over is a step. */
import { budget } from "./budget.js";
import { Dict, DictView } from "./dict.js";
import { typeError } from "./errors.js";
import { codePoints, textLength } from "./text.js";
import { Bytes, Float, Iter, Markup, Range, Tuple, typeName, Undefined, type Value } from "./values.js";

export function truthy(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (value === null || value === "" || value === 0) return false;
  if (typeof value !== "object") return true;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Undefined) return false;
  return length(value) !== 0;
}

/** Undefined for what has no length. */
export function length(value: Value): number | undefined {
  if (typeof value === "string") return textLength(value);
  if (value === null || typeof value !== "object") return undefined;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Markup) return textLength(value.text);
  if (value instanceof Range) return value.length;
  if (value instanceof DictView) return value.dict.size;
  if (value instanceof Bytes) return value.data.length;
  if (value instanceof Undefined) return 0;
  const own = value.attribute("__len__");
  return typeof own === "number" ? own : undefined;
}

export function len(value: Value): number {
  const result = length(value);
  if (result === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`);
  return result;
}

function* rangeOf(range: Range): Iterable<Value> {
  const { length } = range;
  for (let i = 0; i < length; i++) yield range.at(i);
}

/** Undefined for what cannot be walked over. */
export function iterable(value: Value): Iterable<Value> | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value === "string") return textElements(value);
  if (value === null || typeof value !== "object") return undefined;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Iter || value instanceof DictView) return value;
  if (value instanceof Range) return rangeOf(value);
  if (value instanceof Markup) return textElements(value.text);
  if (value instanceof Bytes) return value.data;
  if (value instanceof Undefined) return [];
  return undefined;
}

function textElements(text: string): string[] {
  budget().list(text.length);
  return codePoints(text);
}

export function iterate(value: Value): Iterable<Value> {
  const result = iterable(value);
  if (!result) throw typeError(`'${typeName(value)}' object is not iterable`);
  return result;
}

/** A new list. */
export function listOf(value: Value): Value[] {
  const size = length(value);
  if (size !== undefined) budget().list(size);
  const list: Value[] = [];
  for (const item of iterate(value)) {
    list.push(item);
    budget().step();
    if (list.length % 1024 === 0) budget().list(list.length);
  }
  return list;
}

/** reversed(): undefined for what has no order to reverse. */
export function reversedIter(value: Value): Iter | undefined {
  if (Array.isArray(value)) return new Iter(backwards(value), "list_reverseiterator");
  if (typeof value === "string") return new Iter(codePoints(value).reverse(), "reversed");
  if (value instanceof Markup) return new Iter(codePoints(value.text).reverse(), "reversed");
  if (value instanceof Tuple) return new Iter(backwards(value.items), "reversed");
  if (value instanceof Dict) return new Iter([...value.keys()].reverse(), "dict_reversekeyiterator");
  if (value instanceof DictView) return new Iter([...value].reverse(), `${value.typeName}_reverseiterator`);
  if (value instanceof Range) return new Iter([...rangeOf(value)].reverse(), "range_iterator");
  return undefined;
}

function* backwards(items: readonly Value[]): Iterable<Value> {
  for (let i = items.length - 1; i >= 0; i--) yield items[i] as Value;
}
