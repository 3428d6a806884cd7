/** Paths by which filters reach into the elements of a list: "a.b.0" is element a, then b, then 0. */
import { getItem } from "./access.js";
import { isStr, rawStr, Undefined, type Value } from "./values.js";

interface PathOptions {
  /** In place of what is not there. */
  readonly fallback?: Value;
  readonly after?: (value: Value) => Value;
}

export function attributeGetter(path: Value, { fallback, after }: PathOptions = {}): (item: Value) => Value {
  const parts = partsOf(path);
  return (item) => {
    let value = item;
    for (const part of parts) {
      value = getItem(value, part);
      if (fallback !== undefined && value instanceof Undefined) value = fallback;
    }
    return after ? after(value) : value;
  };
}

function partsOf(path: Value): Value[] {
  if (path === null) return [];
  if (!isStr(path)) return [path];
  return rawStr(path)
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
