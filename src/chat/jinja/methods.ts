/** The methods of Python's dict, list, tuple, int, float and bytes that the sandbox leaves. */
import { bind, intArgument, textArgument } from "./arguments.js";
import { equal } from "./compare.js";
import { Dict, DictView } from "./dict.js";
import { repr } from "./display.js";
import { typeError, valueError } from "./errors.js";
import { iterate } from "./iterate.js";
import { bitLength, numeric } from "./numbers.js";
import { type Bytes, type Float, isInt, type Kwargs, Tuple, type Value } from "./values.js";

export type Method = (self: Value, args: readonly Value[], kwargs: Kwargs) => Value;

const method =
  <T extends Value>(
    name: string,
    least: number,
    most: number,
    body: (self: T, args: readonly Value[]) => Value,
  ): Method =>
  (self, args, kwargs) => {
    if (kwargs.size > 0) throw typeError(`${name}() takes no keyword arguments`);
    if (args.length < least) throw typeError(`${name} expected at least ${least} argument, got ${args.length}`);
    if (args.length > most) throw typeError(`${name} expected at most ${most} arguments, got ${args.length}`);
    return body(self as T, args);
  };

/** A table of methods, each with the number of its arguments. */
function table<T extends Value>(
  entries: Record<string, readonly [number, number, (self: T, args: readonly Value[]) => Value]>,
): Map<string, Method> {
  return new Map(Object.entries(entries).map(([name, [least, most, body]]) => [name, method(name, least, most, body)]));
}

const orElse = (value: Value | undefined, fallback: Value): Value => (value === undefined ? fallback : value);

export const dictMethods = table<Dict>({
  get: [1, 2, (self, [key = null, fallback = null]) => orElse(self.get(key), fallback)],
  keys: [0, 0, (self) => new DictView(self, "keys")],
  values: [0, 0, (self) => new DictView(self, "values")],
  items: [0, 0, (self) => new DictView(self, "items")],
  copy: [0, 0, (self) => self.copy()],
  fromkeys: [1, 2, (_self, [keys = null, value = null]) => fromKeys(keys, value)],
});

export function fromKeys(keys: Value, value: Value): Dict {
  const dict = new Dict();
  for (const key of iterate(keys)) dict.set(key, value);
  return dict;
}

const count = (items: Iterable<Value>, wanted: Value): number => {
  let found = 0;
  for (const item of items) if (equal(item, wanted)) found++;
  return found;
};

function indexOf(
  items: readonly Value[],
  [wanted = null, start = 0, stop = items.length]: readonly Value[],
  name: string,
) {
  const place = (index: Value) => {
    const at = intArgument(index);
    return at < 0 ? Math.max(0, at + items.length) : at;
  };
  const to = Math.min(items.length, place(stop));
  for (let i = place(start); i < to; i++) if (equal(items[i] as Value, wanted)) return i;
  throw valueError(name === "list" ? `${repr(wanted)} is not in list` : "tuple.index(x): x not in tuple");
}

export const listMethods = table<Value[]>({
  count: [1, 1, (self, [wanted = null]) => count(self, wanted)],
  index: [1, 3, (self, args) => indexOf(self, args, "list")],
  copy: [0, 0, (self) => [...self]],
});

export const tupleMethods = table<Value>({
  count: [1, 1, (self, [wanted = null]) => count(iterate(self), wanted)],
  index: [1, 3, (self, args) => indexOf(self instanceof Tuple ? self.items : [...iterate(self)], args, "tuple")],
});

const whole = (self: Value): number | bigint => {
  const number = numeric(self);
  return isInt(number) ? number : 0;
};

export const intMethods = table<Value>({
  bit_length: [0, 0, (self) => bitLength(whole(self))],
  bit_count: [0, 0, (self) => BigInt(whole(self)).toString(2).replace(/[^1]/g, "").length],
  conjugate: [0, 0, (self) => whole(self)],
  as_integer_ratio: [0, 0, (self) => new Tuple([whole(self), 1])],
});

export const floatMethods = table<Float>({
  is_integer: [0, 0, (self) => Number.isInteger(self.value)],
  conjugate: [0, 0, (self) => self],
});

export const bytesMethods = new Map<string, Method>([
  [
    "decode",
    (self, args, kwargs) => {
      const [encoding = "utf-8"] = bind("decode", ["encoding", "errors"], 0, args, kwargs);
      const name = textArgument(encoding, "encoding").toLowerCase().replace("_", "-");
      if (!["utf-8", "utf8", "ascii", "latin-1"].includes(name)) throw valueError(`unknown encoding: ${name}`);
      return new TextDecoder(name === "latin-1" ? "latin1" : "utf-8").decode((self as Bytes).data);
    },
  ],
  ["hex", (self) => Buffer.from((self as Bytes).data).toString("hex")],
]);
