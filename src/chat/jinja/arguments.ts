/** Arguments of built-in functions, in the order of their parameters, and as the types that they have to be. */
import { typeError, undefinedError } from "./errors.js";
import { numeric } from "./numbers.js";
import { Float, isStr, type Kwargs, rawStr, typeName, Undefined, type Value } from "./values.js";

/** One value a parameter, undefined where none was given. TypeError as for a Python function. */
export function bind(
  name: string,
  parameters: readonly string[],
  required: number,
  args: readonly Value[],
  kwargs: Kwargs,
): (Value | undefined)[] {
  if (args.length > parameters.length) {
    throw typeError(`${name}() takes at most ${parameters.length} arguments (${args.length} given)`);
  }
  const bound: (Value | undefined)[] = [...args];
  for (const [key, value] of kwargs) {
    const at = parameters.indexOf(key);
    if (at < 0) throw typeError(`${name}() got an unexpected keyword argument '${key}'`);
    if (at < args.length) throw typeError(`${name}() got multiple values for argument '${key}'`);
    bound[at] = value;
  }
  for (let i = 0; i < required; i++) {
    if (bound[i] === undefined) throw typeError(`${name}() missing required argument: '${parameters[i]}'`);
  }
  return bound;
}

export function textArgument(value: Value | undefined, name: string): string {
  if (value !== undefined && isStr(value)) return rawStr(value);
  throw typeError(`${name} must be str, not ${typeName(value ?? null)}`);
}

/** An index in Python's sense: an int or a bool; the nearest safe integer of one that is larger. */
export function intArgument(value: Value): number {
  const number = numeric(value);
  if (typeof number === "number") return number;
  if (typeof number === "bigint") return number > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  if (value instanceof Undefined) throw undefinedError(value.message());
  throw typeError(
    value instanceof Float
      ? "integer argument expected, got float"
      : `'${typeName(value)}' object cannot be interpreted as an integer`,
  );
}

export const noKwargs: Kwargs = new Map();
