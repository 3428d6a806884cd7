/** map, select, reject and their like: other filters and tests, applied to every element. */

import { textArgument } from "./arguments.js";
import { attributeGetter } from "./attribute-path.js";
import { budget } from "./budget.js";
import type { Environment, Filter } from "./environment.js";
import { typeError, valueError } from "./errors.js";
import { iterate, truthy } from "./iterate.js";
import { Iter, type Kwargs, type Value } from "./values.js";

function mapper(args: readonly Value[], kwargs: Kwargs, environment: Environment): (item: Value) => Value {
  const attribute = kwargs.get("attribute");
  const [name, ...rest] = args;
  if (name === undefined && attribute !== undefined) {
    const fallback = kwargs.get("default") ?? null;
    const extra = [...kwargs.keys()].find((key) => key !== "attribute" && key !== "default");
    if (extra !== undefined) throw typeError(`Unexpected keyword argument '${extra}'`);
    return attributeGetter(attribute, fallback === null ? {} : { fallback });
  }
  if (name === undefined) throw valueError("map requires a filter argument");
  return (item) => environment.filter(textArgument(name, "filter name"), item, rest, kwargs);
}

function* mapped(value: Value, args: readonly Value[], kwargs: Kwargs, environment: Environment): Iterable<Value> {
  if (!truthy(value)) return;
  const map = mapper(args, kwargs, environment);
  for (const item of iterate(value)) {
    budget().step();
    yield map(item);
  }
}

interface Selection {
  readonly wanted: boolean;
  /** The first argument names an attribute, which is what is tested. */
  readonly byAttribute: boolean;
}

function* selected(
  value: Value,
  args: readonly Value[],
  kwargs: Kwargs,
  environment: Environment,
  { wanted, byAttribute }: Selection,
): Iterable<Value> {
  if (!truthy(value)) return;
  const [attribute] = args;
  if (byAttribute && attribute === undefined) throw valueError("Missing parameter for attribute name");
  const get = byAttribute && attribute !== undefined ? attributeGetter(attribute) : (item: Value) => item;
  const [name, ...rest] = byAttribute ? args.slice(1) : args;
  for (const item of iterate(value)) {
    budget().step();
    const subject = get(item);
    const holds =
      name === undefined ? truthy(subject) : environment.test(textArgument(name, "test name"), subject, rest, kwargs);
    if (holds === wanted) yield item;
  }
}

const selection = (name: string, options: Selection): [string, Filter] => [
  name,
  (value, args, kwargs, environment) => new Iter(selected(value, args, kwargs, environment, options)),
];

export const selectionFilters: readonly [string, Filter][] = [
  ["map", (value, args, kwargs, environment) => new Iter(mapped(value, args, kwargs, environment))],
  selection("select", { wanted: true, byAttribute: false }),
  selection("reject", { wanted: false, byAttribute: false }),
  selection("selectattr", { wanted: true, byAttribute: true }),
  selection("rejectattr", { wanted: false, byAttribute: true }),
];
