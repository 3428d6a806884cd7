/** Filters of lists and mappings. Those that Python makes lazily are lazy here, too. */
import { getItem } from "./access.js";
import { intArgument } from "./arguments.js";
import { attributeGetter } from "./attribute-path.js";
import { budget } from "./budget.js";
import { equal, ordered, sorted } from "./compare.js";
import { Dict, hashKey } from "./dict.js";
import { str } from "./display.js";
import type { Filter } from "./environment.js";
import { JinjaError, typeError, undefinedError, valueError } from "./errors.js";
import { filter } from "./filter-table.js";
import { iterable, iterate, len, listOf, reversedIter, truthy } from "./iterate.js";
import { binary } from "./operators.js";
import { selectionFilters } from "./selection-filters.js";
import { codePoints } from "./text.js";
import { Bytes, GroupTuple, Iter, isStr, Markup, rawStr, Tuple, typeName, Undefined, type Value } from "./values.js";

export const ignoreCase = (value: Value): Value => (isStr(value) ? rawStr(value).toLowerCase() : value);

const caseOf = (caseSensitive: Value | undefined): ((value: Value) => Value) =>
  caseSensitive !== undefined && truthy(caseSensitive) ? (value) => value : ignoreCase;

const nothing = (what: string) => new Undefined(() => `No ${what}, sequence was empty.`);

function first(value: Value): Value {
  for (const item of iterate(value)) return item;
  return nothing("first item");
}

function reversed(value: Value): Iter {
  const iter = value instanceof Undefined ? new Iter([]) : reversedIter(value);
  if (!iter) throw typeError(`'${typeName(value)}' object is not reversible`);
  return iter;
}

function last(value: Value): Value {
  const { done, value: item } = reversed(value).next();
  return done ? nothing("last item") : item;
}

function reverse(value: Value): Value {
  if (isStr(value)) {
    const text = codePoints(rawStr(value)).reverse().join("");
    return value instanceof Markup ? new Markup(text) : text;
  }
  if (value instanceof Undefined) return new Iter([]);
  return reversedIter(value) ?? listOf(value).reverse();
}

function extreme(isBetter: (a: Value, b: Value) => boolean): Parameters<typeof filter>[2] {
  return (value, [caseSensitive, attribute = null]) => {
    const key = attributeGetter(attribute, { after: caseOf(caseSensitive) });
    let best: { item: Value; key: Value } | null = null;
    for (const item of iterate(value)) {
      const own = key(item);
      if (!best || isBetter(own, best.key)) best = { item, key: own };
    }
    return best ? best.item : nothing("aggregated item");
  };
}

function sort(value: Value, [reverse = false, caseSensitive, attribute = null]: readonly (Value | undefined)[]): Value {
  const paths = isStr(attribute) ? rawStr(attribute).split(",") : [attribute];
  const getters = paths.map((path) => attributeGetter(path, { after: caseOf(caseSensitive) }));
  return sorted(listOf(value), (item) => getters.map((get) => get(item)), truthy(reverse));
}

function dictSort(value: Value, [caseSensitive, by = "key", reverse = false]: readonly (Value | undefined)[]): Value {
  if (by !== "key" && by !== "value") throw valueError('You can only sort by either "key" or "value"');
  const fold = caseOf(caseSensitive);
  const pairs = [...mapping(value, "items").entries()].map((pair) => new Tuple(pair));
  const at = by === "key" ? 0 : 1;
  return sorted(pairs, (pair) => fold((pair as Tuple).items[at] ?? null), truthy(reverse));
}

function mapping(value: Value, method: string): Dict {
  if (value instanceof Dict) return value;
  if (value instanceof Undefined) throw undefinedError(value.message());
  throw new JinjaError("AttributeError", `'${typeName(value)}' object has no attribute '${method}'`);
}

function* uniqueItems(items: Iterable<Value>, key: (item: Value) => Value): Iterable<Value> {
  const seen = new Set<unknown>();
  for (const item of items) {
    budget().step();
    const hash = hashKey(key(item));
    if (seen.has(hash)) continue;
    seen.add(hash);
    yield item;
  }
}

function groupBy(value: Value, [attribute = null, fallback, caseSensitive]: readonly (Value | undefined)[]): Value {
  const options = fallback === undefined || fallback === null ? {} : { fallback };
  const fold = caseOf(caseSensitive);
  const key = attributeGetter(attribute, { ...options, after: fold });
  const own = attributeGetter(attribute, options);
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(listOf(value), key, false)) {
    const group = groups.at(-1);
    if (group && equal(group.key, key(item))) group.items.push(item);
    else groups.push({ key: key(item), items: [item] });
  }
  const isFolded = caseSensitive === undefined || !truthy(caseSensitive);
  return groups.map(({ key, items }) => new GroupTuple([isFolded ? own(items[0] as Value) : key, items]));
}

function* slices(value: Value, count: number, fill: Value): Iterable<Value> {
  const items = listOf(value);
  if (count === 0) throw new JinjaError("ZeroDivisionError", "integer division or modulo by zero");
  const size = Math.floor(items.length / count);
  const extra = items.length % count;
  let offset = 0;
  for (let i = 0; i < count; i++) {
    budget().step();
    const start = offset + i * size;
    if (i < extra) offset++;
    const part = items.slice(start, offset + (i + 1) * size);
    if (fill !== null && i >= extra) part.push(fill);
    yield part;
  }
}

function* batches(value: Value, size: number, fill: Value): Iterable<Value> {
  let batch: Value[] = [];
  for (const item of iterate(value)) {
    budget().step();
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length === 0) return;
  if (fill !== null && batch.length < size) {
    budget().list(size);
    while (batch.length < size) batch.push(fill);
  }
  yield batch;
}

function sum(value: Value, [attribute = null, start = 0]: readonly (Value | undefined)[]): Value {
  if (isStr(start)) throw typeError("sum() can't sum strings [use ''.join(seq) instead]");
  if (start instanceof Bytes) throw typeError("sum() can't sum bytes [use b''.join(seq) instead]");
  const get = attributeGetter(attribute);
  let total: Value = start;
  for (const item of iterate(value)) {
    total = binary("+", total, get(item));
    budget().step();
  }
  return total;
}

function* pairsOf(value: Value): Iterable<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) throw typeError("Can only get item pairs from a mapping.");
  for (const pair of value.entries()) yield new Tuple(pair);
}

function random(value: Value): Value {
  const size = len(value);
  if (size === 0) return nothing("random item");
  const index = Math.floor(Math.random() * size);
  const item = value instanceof Dict ? value.get(index) : getItem(value, index);
  if (item === undefined) throw new JinjaError("KeyError", str(index));
  return item;
}

const length = (name: string) => filter(name, "", len);

export const listFilters: readonly [string, Filter][] = [
  length("length"),
  length("count"),
  filter("list", "", listOf),
  filter("first", "", first),
  filter("last", "", last),
  filter("random", "", random),
  filter("reverse", "", reverse),
  filter(
    "min",
    "case_sensitive attribute",
    extreme((a, b) => ordered("<", a, b)),
  ),
  filter(
    "max",
    "case_sensitive attribute",
    extreme((a, b) => ordered(">", a, b)),
  ),
  filter("sort", "reverse case_sensitive attribute", sort),
  filter("dictsort", "case_sensitive by reverse", dictSort),
  filter("items", "", (value) => new Iter(pairsOf(value))),
  filter("unique", "case_sensitive attribute", (value, [caseSensitive, attribute = null]) => {
    if (!iterable(value)) iterate(value);
    return new Iter(uniqueItems(iterate(value), attributeGetter(attribute, { after: caseOf(caseSensitive) })));
  }),
  filter("groupby", "attribute! default case_sensitive", groupBy),
  filter("slice", "slices! fill_with", (value, [n = 1, fill = null]) => new Iter(slices(value, intArgument(n), fill))),
  filter(
    "batch",
    "linecount! fill_with",
    (value, [n = 1, fill = null]) => new Iter(batches(value, intArgument(n), fill)),
  ),
  filter("sum", "attribute start", sum),
  ...selectionFilters,
];
