/** Jinja2's tests: what stands behind `is`. */
import { bind } from "./arguments.js";
import { contains, equal, type Order, ordered } from "./compare.js";
import { Dict, DictView, hashKey } from "./dict.js";
import { str } from "./display.js";
import type { Test } from "./environment.js";
import { filterNames } from "./filter-names.js";
import { isCallable } from "./functions.js";
import { iterable, length } from "./iterate.js";
import { binary } from "./operators.js";
import { isLower, isUpper } from "./string-tests.js";
import { Float, Iter, isInt, isStr, Markup, rawStr, Undefined, type Value } from "./values.js";

const plain = (name: string, test: (value: Value) => boolean): [string, Test] => [
  name,
  (value, args, kwargs) => {
    bind(`test_${name}`, [], 0, args, kwargs);
    return test(value);
  },
];

const withOther = (names: readonly string[], parameter: string, test: (value: Value, other: Value) => boolean) =>
  names.map((name): [string, Test] => [
    name,
    (value, args, kwargs) => {
      const [other = null] = bind(`test_${name}`, [parameter], 1, args, kwargs);
      return test(value, other);
    },
  ]);

const order = (operator: Order, ...names: string[]) =>
  withOther([operator, ...names], "b", (value, other) => ordered(operator, value, other));

function isSequence(value: Value): boolean {
  return length(value) !== undefined && !(value instanceof DictView);
}

/** Whether both are one object; values that are no objects in JavaScript are, when they are equal and of one type. */
function isSame(value: Value, other: Value): boolean {
  if (value instanceof Float) return other instanceof Float && value === other;
  if (value instanceof Undefined || value instanceof Iter) return value === other;
  return value === other;
}

const isBoolean = (value: Value): boolean => typeof value === "boolean";
const nameIn = (names: () => ReadonlySet<string>) => (value: Value) => {
  hashKey(value); // a list is no key of any table, and asking for it is an error
  return isStr(value) && names().has(rawStr(value));
};

export const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  plain("odd", (value) => equal(binary("%", value, 2), 1)),
  plain("even", (value) => equal(binary("%", value, 2), 0)),
  ...withOther(["divisibleby"], "num", (value, num) => equal(binary("%", value, num), 0)),
  plain("defined", (value) => !(value instanceof Undefined)),
  plain("undefined", (value) => value instanceof Undefined),
  plain(
    "filter",
    nameIn(() => filterNames),
  ),
  plain(
    "test",
    nameIn(() => new Set(tests.keys())),
  ),
  plain("none", (value) => value === null),
  plain("boolean", isBoolean),
  plain("false", (value) => value === false),
  plain("true", (value) => value === true),
  plain("integer", isInt),
  plain("float", (value) => value instanceof Float),
  plain("lower", (value) => isLower(str(value))),
  plain("upper", (value) => isUpper(str(value))),
  plain("string", isStr),
  plain("mapping", (value) => value instanceof Dict),
  plain("number", (value) => isInt(value) || isBoolean(value) || value instanceof Float),
  plain("sequence", isSequence),
  plain("iterable", (value) => iterable(value) !== undefined),
  plain("callable", isCallable),
  plain("escaped", (value) => value instanceof Markup),
  ...withOther(["sameas"], "other", isSame),
  ...withOther(["in"], "seq", (value, seq) => contains(seq, value)),
  ...withOther(["==", "eq", "equalto"], "b", equal),
  ...withOther(["!=", "ne"], "b", (value, other) => !equal(value, other)),
  ...order(">", "gt", "greaterthan"),
  ...order(">=", "ge"),
  ...order("<", "lt", "lessthan"),
  ...order("<=", "le"),
]);
