/**
 * Attributes, elements and slices, as Jinja2's immutable sandbox gives them: `a.b` is an attribute or else an element, `a["b"]`
 * the other way round; names with an underscore and methods that change a value are not to be had.
 */
import { intArgument } from "./arguments.js";
import { budget } from "./budget.js";
import { Dict, DictView } from "./dict.js";
import { repr } from "./display.js";
import { JinjaError, typeError, undefinedError, valueError } from "./errors.js";
import {
  bytesMethods,
  dictMethods,
  floatMethods,
  intMethods,
  listMethods,
  type Method,
  tupleMethods,
} from "./methods.js";
import { formatMethods } from "./string-format.js";
import { stringMethods } from "./string-methods.js";
import { codePoints, isFlat, textLength } from "./text.js";
import {
  Bytes,
  Float,
  Func,
  isInt,
  isStr,
  Markup,
  Obj,
  Range,
  rawStr,
  type Slice,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.js";

const unsafeMethods: Readonly<Record<string, ReadonlySet<string>>> = {
  list: new Set(["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]),
  dict: new Set(["clear", "pop", "popitem", "setdefault", "update"]),
};

/** Attributes that every object of Python has, and that no template may read. */
const dunder =
  /^__(class|doc|init|new|repr|str|hash|eq|ne|lt|le|gt|ge|dir|format|sizeof|reduce|reduce_ex|subclasshook|init_subclass|getattribute|setattr|delattr)__$/;

const objectName = (value: Value): string => (value === null ? "None" : `${qualifiedName(value)} object`);

function qualifiedName(value: Value): string {
  const name = typeName(value);
  const module = { Namespace: "jinja2.utils", Macro: "jinja2.runtime", LoopContext: "jinja2.runtime" }[name];
  if (name === "Markup") return "markupsafe.Markup";
  return module ? `${module}.${name}` : name;
}

/** The Undefined that stands for what a value does not have. */
function missing(value: Value, key: Value): Undefined {
  return new Undefined(() =>
    isStr(key)
      ? `'${objectName(value)}' has no attribute ${repr(rawStr(key))}`
      : `${objectName(value)} has no element ${repr(key)}`,
  );
}

/** An attribute alone; undefined where there is none. */
export function attributeOf(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) {
    if (/^__.*__$/.test(name)) return undefined;
    throw undefinedUse(value);
  }
  if (value instanceof Obj) {
    const own = value.attribute(name);
    if (own !== undefined) return name.startsWith("_") ? unsafe(value, name) : own;
  }
  const type = Array.isArray(value) ? "list" : typeName(value);
  if (unsafeMethods[type]?.has(name) || dunder.test(name)) return unsafe(value, name);
  const method = methodOf(value, name);
  if (method) return new Func(name, (args, kwargs) => method(value, args, kwargs), "built-in method");
  if (value instanceof Range && (name === "start" || name === "stop" || name === "step")) return value[name];
  return property(value, name);
}

function unsafe(value: Value, name: string): Undefined {
  return new Undefined(() => `access to attribute '${name}' of '${typeName(value)}' object is unsafe.`, true);
}

const numberParts = new Set(["real", "numerator"]);

function property(value: Value, name: string): Value | undefined {
  if (typeof value === "boolean" || isInt(value)) {
    const number = typeof value === "boolean" ? Number(value) : value;
    return numberParts.has(name) ? number : name === "imag" ? 0 : name === "denominator" ? 1 : undefined;
  }
  if (value instanceof Float) return name === "real" ? value : name === "imag" ? new Float(0) : undefined;
  return undefined;
}

const formats = formatMethods({ attribute: getAttribute, element: getItem });

/** The method of a built-in type. */
export function methodOf(value: Value, name: string): Method | undefined {
  if (isStr(value)) return stringMethods.get(name) ?? formats.get(name);
  if (value instanceof Dict) return dictMethods.get(name);
  if (Array.isArray(value)) return listMethods.get(name);
  if (value instanceof Tuple || value instanceof Range) return tupleMethods.get(name);
  if (typeof value === "boolean" || isInt(value)) return intMethods.get(name);
  if (value instanceof Float) return floatMethods.get(name);
  return value instanceof Bytes ? bytesMethods.get(name) : undefined;
}

export function undefinedUse(value: Undefined): JinjaError {
  return value.isUnsafe ? new JinjaError("SecurityError", value.message()) : undefinedError(value.message());
}

/** `value.name` */
export function getAttribute(value: Value, name: string): Value {
  if (value instanceof Dict) {
    // The frequent case, without a look at all that the type has.
    const item = value.getText(name);
    if (item !== undefined && !dictMethods.has(name) && !unsafeMethods.dict?.has(name) && !name.startsWith("__")) {
      return item;
    }
  }
  const attribute = attributeOf(value, name);
  if (attribute !== undefined) return attribute;
  const item = element(value, name);
  return item === undefined ? missing(value, name) : item;
}

/** `value[key]` */
export function getItem(value: Value, key: Value): Value {
  const item = element(value, key);
  if (item !== undefined) return item;
  if (isStr(key)) {
    const attribute = attributeOf(value, rawStr(key));
    if (attribute !== undefined) return attribute;
  }
  return missing(value, key);
}

/** The element alone; undefined where there is none, or the value has no elements. */
export function element(value: Value, key: Value): Value | undefined {
  if (value instanceof Undefined) throw undefinedUse(value);
  if (value instanceof Dict) return isHashable(key) ? value.get(key) : undefined;
  if (typeof key !== "number" && typeof key !== "boolean") return undefined;
  const index = Number(key);
  if (Array.isArray(value)) return at(value, index);
  if (value instanceof Tuple) return at(value.items, index);
  if (isStr(value)) {
    const char = charAt(rawStr(value), index);
    return char !== undefined && value instanceof Markup ? new Markup(char) : char;
  }
  if (value instanceof Range) {
    const i = index < 0 ? index + value.length : index;
    return i >= 0 && i < value.length ? value.at(i) : undefined;
  }
  return value instanceof Bytes ? value.data.at(index) : undefined;
}

const at = (items: readonly Value[], index: number): Value | undefined =>
  items[index < 0 ? index + items.length : index];

function charAt(text: string, index: number): string | undefined {
  if (isFlat(text)) {
    const i = index < 0 ? index + text.length : index;
    return i >= 0 && i < text.length ? text.charAt(i) : undefined;
  }
  budget().text(text.length);
  return Array.from(text).at(index);
}

const isHashable = (key: Value): boolean => !(Array.isArray(key) || key instanceof Dict);

/** `value[start:stop:step]`: TypeError for what has no order, an error for bounds that are no ints. */
export function getSlice(value: Value, { start, stop, step }: Slice): Value {
  if (value instanceof Undefined) throw undefinedUse(value);
  const by = step === null ? 1 : bound(step);
  if (by === 0) throw valueError("slice step cannot be zero");
  const [from, to] = [start === null ? null : bound(start), stop === null ? null : bound(stop)];
  if (isStr(value)) {
    const text = sliceText(rawStr(value), from, to, by);
    return value instanceof Markup ? new Markup(text) : text;
  }
  if (Array.isArray(value)) return sliceItems(value, from, to, by);
  if (value instanceof Tuple) return new Tuple(sliceItems(value.items, from, to, by));
  if (value instanceof Range) {
    const [first, last] = limits(value.length, from, to, by);
    return new Range(value.at(first), value.at(last), value.step * by);
  }
  if (value instanceof Bytes) {
    const bytes = sliceItems([...value.data], from, to, by);
    return new Bytes(Uint8Array.from(bytes as number[]));
  }
  if (value instanceof Dict) throw typeError("unhashable type: 'slice'");
  if (value instanceof DictView) throw typeError(`'${value.typeName}' object is not subscriptable`);
  throw typeError(`'${typeName(value)}' object is not subscriptable`);
}

function bound(value: Value): number {
  if (value instanceof Float || !(isInt(value) || typeof value === "boolean")) {
    throw typeError("slice indices must be integers or None or have an __index__ method");
  }
  return intArgument(value);
}

/** The first index and the one behind the last, as slice.indices() gives them. */
function limits(size: number, from: number | null, to: number | null, by: number): [number, number] {
  const least = by > 0 ? 0 : -1;
  const most = by > 0 ? size : size - 1;
  const place = (index: number) => Math.min(most, Math.max(least, index < 0 ? index + size : index));
  const first = from === null ? (by > 0 ? least : most) : place(from);
  const last = to === null ? (by > 0 ? most : least) : place(to);
  return [first, last];
}

function sliceItems(items: readonly Value[], from: number | null, to: number | null, by: number): Value[] {
  const [first, last] = limits(items.length, from, to, by);
  budget().list(Math.max(0, Math.ceil((last - first) / by)));
  if (by === 1) return items.slice(first, Math.max(first, last));
  const result: Value[] = [];
  for (let i = first; by > 0 ? i < last : i > last; i += by) result.push(items[i] as Value);
  return result;
}

function sliceText(text: string, from: number | null, to: number | null, by: number): string {
  const flat = isFlat(text);
  budget().text(text.length);
  const [first, last] = limits(flat ? text.length : textLength(text), from, to, by);
  if (by === 1 && flat) return text.slice(first, Math.max(first, last));
  const points = codePoints(text);
  if (by === 1) return points.slice(first, Math.max(first, last)).join("");
  const result: string[] = [];
  for (let i = first; by > 0 ? i < last : i > last; i += by) result.push(points[i] ?? "");
  return result.join("");
}
