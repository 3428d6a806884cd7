/** A parsed template, ready to be rendered with any variables. */
import { check } from "./check.js";
import { toValue } from "./convert.js";
import { LimitError } from "./errors.js";
import { Interpreter } from "./interpreter.js";
import type { Statement } from "./nodes.js";
import { parse } from "./parser.js";
import type { Value } from "./values.js";

/** Both need the budget of their caller (budget.ts). JinjaError or LimitError. */
export class Template {
  readonly #statements: readonly Statement[];

  constructor(source: string) {
    this.#statements = guarded(() => {
      const statements = parse(source);
      check(statements);
      return statements;
    });
  }

  render(variables: Iterable<readonly [string, unknown]>, now: () => Date): string {
    return guarded(() => {
      const values = new Map<string, Value>();
      for (const [name, value] of variables) values.set(name, toValue(value));
      return new Interpreter(this.#statements, values, now).run();
    });
  }
}

/** The stack's end, or a text that is longer than any may be, is a limit like the others. */
function guarded<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RangeError) throw new LimitError("is nested too deeply or made a value that is too long");
    throw error;
  }
}
