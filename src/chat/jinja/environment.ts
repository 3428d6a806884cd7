/** Environment is the template's side of filters, tests and functions: all that they may ask of it. */
import type { Kwargs, Value } from "./values.js";

export interface Environment {
  readonly autoescape: boolean;
  /** The clock of strftime_now. */
  now(): Date;
  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value;
  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean;
}

export type Filter = (value: Value, args: readonly Value[], kwargs: Kwargs, environment: Environment) => Value;
export type Test = (value: Value, args: readonly Value[], kwargs: Kwargs) => boolean;
