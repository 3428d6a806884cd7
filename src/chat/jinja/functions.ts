/** Calls of values, and the functions that every template finds: Jinja2's and those that transformers adds. */

import { undefinedUse } from "./access.js";
import { bind, intArgument } from "./arguments.js";
import { budget } from "./budget.js";
import { Dict } from "./dict.js";
import { str } from "./display.js";
import type { Environment } from "./environment.js";
import { JinjaError, typeError, valueError } from "./errors.js";
import { iterate } from "./iterate.js";
import { fromKeys } from "./methods.js";
import { strftime } from "./strftime.js";
import {
  type Body,
  Func,
  isStr,
  type Kwargs,
  Namespace,
  Obj,
  Range,
  rawStr,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.js";

/** The sandbox's limit. */
const maxRange = 100_000;

interface Callable {
  readonly call: Body;
}

export const isCallable = (value: Value): boolean =>
  value instanceof Undefined || (value instanceof Obj && "call" in value);

export function callValue(value: Value, args: readonly Value[], kwargs: Kwargs): Value {
  if (value instanceof Obj && "call" in value) return (value as unknown as Callable).call(args, kwargs);
  if (value instanceof Undefined) throw undefinedUse(value);
  throw typeError(`'${typeName(value)}' object is not callable`);
}

function range(args: readonly Value[], kwargs: Kwargs): Value {
  if (kwargs.size > 0) throw typeError("safe_range() got an unexpected keyword argument");
  if (args.length === 0) throw typeError("range expected at least 1 argument, got 0");
  if (args.length > 3) throw typeError(`range expected at most 3 arguments, got ${args.length}`);
  const numbers = args.map(intArgument);
  const [start = 0, stop = 0, step = 1] = numbers.length === 1 ? [0, ...numbers] : numbers;
  if (step === 0) throw valueError("range() arg 3 must not be zero");
  const result = new Range(start, stop, step);
  if (result.length > maxRange) {
    throw new JinjaError(
      "OverflowError",
      `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${maxRange}).`,
    );
  }
  return result;
}

/** dict(): of a mapping or of pairs, and of names. */
function dict(args: readonly Value[], kwargs: Kwargs): Dict {
  if (args.length > 1) throw typeError(`dict expected at most 1 argument, got ${args.length}`);
  const [source] = args;
  const result = new Dict();
  if (source instanceof Dict) for (const [key, value] of source.entries()) result.set(key, value);
  else if (source !== undefined) fromPairs(result, source);
  for (const [key, value] of kwargs) result.set(key, value);
  budget().list(result.size);
  return result;
}

function fromPairs(result: Dict, pairs: Value): void {
  let at = 0;
  for (const pair of iterate(pairs)) {
    const items = [...iterate(pair)];
    const [key, value] = items;
    if (items.length !== 2 || key === undefined || value === undefined) {
      throw valueError(`dictionary update sequence element #${at} has length ${items.length}; 2 is required`);
    }
    result.set(key, value);
    at++;
  }
}

function namespace(args: readonly Value[], kwargs: Kwargs): Namespace {
  const result = new Namespace();
  for (const [key, value] of dict(args, kwargs).entries()) result.attributes.set(str(key), value);
  return result;
}

class Cycler extends Obj {
  readonly typeName = "Cycler";
  readonly #items: readonly Value[];
  #at = 0;

  constructor(items: readonly Value[]) {
    super();
    this.#items = items;
  }

  override attribute(name: string): Value | undefined {
    const current = this.#items[this.#at];
    if (name === "current") return current;
    if (name === "items") return new Tuple(this.#items);
    if (name === "pos") return this.#at;
    if (name === "reset") return new Func("reset", () => this.#reset(), "method");
    return name === "next" ? new Func("next", () => this.#next(), "method") : undefined;
  }

  #reset(): Value {
    this.#at = 0;
    return null;
  }

  #next(): Value {
    const current = this.#items[this.#at] ?? null;
    this.#at = (this.#at + 1) % this.#items.length;
    return current;
  }
}

class Joiner extends Obj {
  readonly typeName = "Joiner";
  #used = false;

  constructor(readonly separator: Value) {
    super();
  }

  override attribute(name: string): Value | undefined {
    return name === "sep" ? this.separator : name === "used" ? this.#used : undefined;
  }

  readonly call: Body = () => {
    const isFirst = !this.#used;
    this.#used = true;
    return isFirst ? "" : this.separator;
  };
}

const words =
  "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et".split(" ");

/** Text that means nothing; Jinja2's is another each time. */
function lipsum(args: readonly Value[], kwargs: Kwargs): string {
  const [n = 5, html = true, least = 20] = bind("lipsum", ["n", "html", "min", "max"], 0, args, kwargs);
  const count = Math.max(0, intArgument(n));
  const size = Math.max(1, intArgument(least));
  budget().text(count * size * 12);
  const text = Array.from({ length: size }, (_, i) => words[i % words.length]).join(" ");
  const paragraph = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  const isHtml = html !== false && html !== 0 && html !== null;
  const paragraphs = Array.from({ length: count }, () => (isHtml ? `<p>${paragraph}</p>` : paragraph));
  return paragraphs.join(isHtml ? "\n" : "\n\n");
}

function raise(args: readonly Value[], kwargs: Kwargs): never {
  const [message = null] = bind("raise_exception", ["message"], 1, args, kwargs);
  throw new JinjaError("TemplateError", str(message));
}

function cycler(args: readonly Value[], kwargs: Kwargs): Value {
  if (kwargs.size > 0) throw typeError("Cycler.__init__() got an unexpected keyword argument");
  if (args.length === 0) throw new JinjaError("TypeError", "at least one item has to be provided");
  return new Cycler(args);
}

class Type extends Func {
  override display(): string {
    return `<class '${this.name}'>`;
  }
}

/** Has fromkeys beside the call. */
class DictType extends Type {
  override attribute(name: string): Value | undefined {
    if (name !== "fromkeys") return undefined;
    return new Func(name, ([keys = null, value = null]) => fromKeys(keys, value), "built-in method");
  }
}

export function globals({ now }: Pick<Environment, "now">): ReadonlyMap<string, Value> {
  const strftimeNow: Body = (args, kwargs) => {
    const [format = null] = bind("strftime_now", ["format"], 1, args, kwargs);
    if (!isStr(format)) throw typeError(`strftime() argument 1 must be str, not ${typeName(format)}`);
    return strftime(rawStr(format), now());
  };
  const joiner: Body = (args, kwargs) => {
    const [separator = ", "] = bind("joiner", ["sep"], 0, args, kwargs);
    return new Joiner(separator);
  };
  return new Map<string, Value>([
    ["range", new Func("range", range)],
    ["dict", new DictType("dict", dict, "type")],
    ["lipsum", new Func("generate_lorem_ipsum", lipsum)],
    ["cycler", new Type("jinja2.utils.Cycler", cycler, "type")],
    ["joiner", new Type("jinja2.utils.Joiner", joiner, "type")],
    ["namespace", new Type("jinja2.utils.Namespace", namespace, "type")],
    ["raise_exception", new Func("raise_exception", raise)],
    ["strftime_now", new Func("strftime_now", strftimeNow)],
  ]);
}
