/**
 * JavaScript's values as a template's. A number with a fraction is a float, and so is a `Number` object: JSON's 1.0, which a plain
 * number could not be told from 1 (see json-reader.ts). A Map is a dict whose keys keep their order.
 */
import { budget } from "./budget.js";
import { Dict } from "./dict.js";
import { Float, type Value } from "./values.js";

/** `undefined` is None, functions have no place in a template and are none either. */
export function toValue(value: unknown): Value {
  budget().step(0);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : ofNumber(value);
    case "bigint":
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    case "object":
      return value === null ? null : ofObject(value);
    default:
      return null;
  }
}

/** JSON's integers beyond 2^53 have lost their last digits already, but not that they are integers. */
function ofNumber(value: number): Value {
  return Number.isInteger(value) && Math.abs(value) < 1e21 && !Object.is(value, -0) ? BigInt(value) : new Float(value);
}

function ofObject(value: object): Value {
  if (Array.isArray(value)) return value.map(toValue);
  if (value instanceof Number) return new Float(value.valueOf());
  const dict = new Dict();
  const entries = value instanceof Map ? value.entries() : Object.entries(value);
  for (const [key, item] of entries) dict.set(toValue(key), toValue(item));
  return dict;
}
