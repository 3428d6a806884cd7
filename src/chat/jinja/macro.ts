/** A macro: how arguments come to its parameters, and which names its body may use beside them. */

import { Dict } from "./dict.js";
import { quoted } from "./display.js";
import { typeError } from "./errors.js";
import type { Expression, Signature, Statement } from "./nodes.js";
import { type Body, type Kwargs, Obj, Tuple, Undefined, type Value } from "./values.js";

type Special = "caller" | "kwargs" | "varargs";

/** Renders the body; a parameter without a value is not in `names`. */
export type Render = (names: ReadonlyMap<string, Value>) => Value;

export class Macro extends Obj {
  readonly typeName = "Macro";
  readonly #name: string | null;
  readonly #signature: Signature;
  readonly #used: ReadonlySet<string>;
  readonly #render: Render;

  constructor(name: string | null, signature: Signature, body: readonly Statement[], render: Render) {
    super();
    this.#name = name;
    this.#signature = signature;
    this.#used = specialNames(body);
    this.#render = render;
    const { parameters, defaults } = signature;
    const caller = parameters.indexOf("caller");
    if (this.#used.has("caller") && caller >= 0 && caller < parameters.length - defaults.length) {
      throw typeError(
        'When defining macros or call blocks the special "caller" argument must be omitted or be given a default.',
      );
    }
  }

  #catches(name: Special): boolean {
    return this.#used.has(name) && !this.#signature.parameters.includes(name);
  }

  override attribute(name: string): Value | undefined {
    if (name === "name") return this.#name;
    if (name === "arguments") return new Tuple(this.#signature.parameters);
    if (name === "catch_kwargs") return this.#catches("kwargs");
    if (name === "catch_varargs") return this.#catches("varargs");
    return name === "caller" ? this.#used.has("caller") : undefined;
  }

  readonly call: Body = (args, kwargs) => {
    const { parameters } = this.#signature;
    const names = new Map<string, Value>();
    const rest = new Map(kwargs);
    for (const [i, name] of parameters.entries()) {
      const value = i < args.length ? args[i] : rest.get(name);
      if (i >= args.length) rest.delete(name);
      if (value !== undefined) names.set(name, value);
    }
    if (this.#catches("caller")) {
      const caller = rest.get("caller") ?? null;
      rest.delete("caller");
      names.set("caller", caller === null ? new Undefined(() => "No caller defined") : caller);
    }
    this.#takeRest(args, rest, names);
    return this.#render(names);
  };

  #takeRest(args: readonly Value[], kwargs: Kwargs, names: Map<string, Value>): void {
    const { parameters } = this.#signature;
    const name = this.#name === null ? "None" : quoted(this.#name);
    if (this.#catches("kwargs")) {
      const dict = new Dict();
      for (const [key, value] of kwargs) dict.set(key, value);
      names.set("kwargs", dict);
    } else if (kwargs.has("caller")) {
      throw typeError(
        `macro ${name} was invoked with two values for the special caller argument. This is most likely a bug.`,
      );
    } else if (kwargs.size > 0) {
      throw typeError(`macro ${name} takes no keyword argument ${quoted([...kwargs.keys()][0] ?? "")}`);
    }
    if (this.#catches("varargs")) names.set("varargs", new Tuple(args.slice(parameters.length)));
    else if (args.length > parameters.length) {
      throw typeError(`macro ${name} takes not more than ${parameters.length} argument(s)`);
    }
  }

  override display(): string {
    return `<Macro ${this.#name === null ? "anonymous" : quoted(this.#name)}>`;
  }
}

/** Parameters that got no value are their defaults, or undefined; `evaluate` sees those before them. */
export function fillDefaults(
  { parameters, defaults }: Signature,
  has: (name: string) => boolean,
  set: (name: string, value: Value) => void,
  evaluate: (node: Expression) => Value,
): void {
  for (const [i, name] of parameters.entries()) {
    if (has(name)) continue;
    const node = defaults[i - parameters.length + defaults.length];
    set(name, node ? evaluate(node) : new Undefined(() => `parameter ${quoted(name)} was not provided`));
  }
}

const found = new WeakMap<readonly Statement[], ReadonlySet<string>>();

/** Which special names a body reads before it assigns to them. */
function specialNames(body: readonly Statement[]): ReadonlySet<string> {
  const known = found.get(body);
  if (known) return known;
  const used = new Set<string>();
  collect(body, new Set<string>(["caller", "kwargs", "varargs"]), used);
  found.set(body, used);
  return used;
}

/** Goes through all that a node consists of, in the order of the source. */
function collect(node: unknown, open: Set<string>, used: Set<string>): void {
  if (typeof node !== "object" || node === null || node instanceof Obj) return;
  if (Array.isArray(node)) {
    for (const each of node) collect(each, open, used);
    return;
  }
  const { kind, name } = node as { kind?: string; name?: string };
  if (kind === "block") return;
  if (kind === "name" && name !== undefined && open.has(name)) used.add(name);
  if (kind === "store" && name !== undefined) open.delete(name);
  if ("parameters" in node) for (const each of node.parameters as string[]) open.delete(each);
  for (const part of Object.values(node)) collect(part, open, used);
}
