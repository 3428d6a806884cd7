/** Python's dict: keys of any hashable value, equal across types as in Python (1, 1.0 and True are one key), in order. */
import { budget } from "./budget.js";
import { typeError } from "./errors.js";
import { Bytes, Float, isInt, Markup, Obj, Range, Tuple, typeName, Undefined, type Value } from "./values.js";

// Two lone surrogates, which no decoded text contains, keep composed keys apart from texts.
const composed = "\udfff\udfff";

/** A key that is the same for values that are equal. TypeError for a value that has no hash. */
export function hashKey(value: Value): unknown {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === null || isInt(value)) return value;
  if (value instanceof Float) {
    const number = value.value;
    return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(number) : number;
  }
  if (value instanceof Markup) return value.text;
  if (value instanceof Tuple) {
    const parts = value.items.map((item) => {
      const key = hashKey(item);
      const text = typeof key === "object" && key !== null ? `o${identity(key)}` : `${typeof key}${String(key)}`;
      return `${text.length}:${text}`;
    });
    const text = composed + parts.join("");
    budget().text(text.length);
    return text;
  }
  if (value instanceof Undefined) return undefined; // all are equal
  if (value instanceof Range) {
    return `${composed}r${value.length},${value.length > 0 ? value.start : ""},${value.length > 1 ? value.step : ""}`;
  }
  if (value instanceof Bytes) return `${composed}b${value.data.join()}`;
  if (Array.isArray(value) || value instanceof Dict) throw typeError(`unhashable type: '${typeName(value)}'`);
  return value;
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

function identity(object: object): number {
  const known = identities.get(object);
  if (known !== undefined) return known;
  identities.set(object, ++lastIdentity);
  return lastIdentity;
}

export class Dict extends Obj {
  readonly typeName = "dict";
  readonly #entries = new Map<unknown, [Value, Value]>();

  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(hashKey(key))?.[1];
  }
  /** For keys that are text, without a look at their type. */
  getText(key: string): Value | undefined {
    return this.#entries.get(key)?.[1];
  }
  has(key: Value): boolean {
    return this.#entries.has(hashKey(key));
  }
  set(key: Value, value: Value): void {
    const hash = hashKey(key);
    const entry = this.#entries.get(hash);
    if (entry) entry[1] = value;
    else this.#entries.set(hash, [key, value]);
  }
  entries(): IterableIterator<[Value, Value]> {
    return this.#entries.values();
  }
  *keys(): IterableIterator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
  *values(): IterableIterator<Value> {
    for (const [, value] of this.#entries.values()) yield value;
  }
  copy(): Dict {
    const copy = new Dict();
    for (const [key, value] of this.entries()) copy.set(key, value);
    return copy;
  }
}

/** The result of keys(), values() and items(): it sees later changes, and can be walked over again. */
export class DictView extends Obj {
  readonly typeName: "dict_keys" | "dict_values" | "dict_items";
  constructor(
    readonly dict: Dict,
    kind: "keys" | "values" | "items",
  ) {
    super();
    this.typeName = `dict_${kind}`;
  }
  *[Symbol.iterator](): Iterator<Value> {
    for (const [key, value] of this.dict.entries()) {
      yield this.typeName === "dict_items" ? new Tuple([key, value]) : this.typeName === "dict_keys" ? key : value;
    }
  }
}
