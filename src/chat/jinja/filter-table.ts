/** The form in which filters are defined: parameters behind the value, and a body that gets one argument each. */
import { bind } from "./arguments.js";
import type { Environment, Filter } from "./environment.js";
import type { Value } from "./values.js";

export type FilterBody = (value: Value, args: readonly (Value | undefined)[], environment: Environment) => Value;

/** `parameters`: in order; with "!" the ones that have to be given. */
export function filter(name: string, parameters: string, body: FilterBody): [string, Filter] {
  const names = parameters === "" ? [] : parameters.split(" ");
  const required = names.filter((each) => each.endsWith("!")).length;
  const plain = names.map((each) => each.replace("!", ""));
  return [
    name,
    (value, args, kwargs, environment) => body(value, bind(name, plain, required, args, kwargs), environment),
  ];
}
