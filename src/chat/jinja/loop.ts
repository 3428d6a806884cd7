/** The variable `loop`: where a for loop stands. It looks one element ahead only when it is asked for what comes. */
import { budget } from "./budget.js";
import { equal } from "./compare.js";
import { typeError } from "./errors.js";
import { iterate, length } from "./iterate.js";
import { type Body, Func, Obj, Tuple, Undefined, type Value } from "./values.js";

export type Recurse = (items: Value, depth: number) => Value;

export class LoopContext extends Obj {
  readonly typeName = "LoopContext";
  #iterator: Iterator<Value>;
  #length: number | undefined;
  #index = -1;
  #current: Value | undefined;
  #before: Value | undefined;
  #after: Value | undefined;
  #changed: Tuple | null = null;
  readonly #recurse: Recurse | null;
  readonly #depth: number;

  /** `items`: what is walked over; `filtered`: the elements that a condition has left. */
  constructor(items: Value, filtered: Iterable<Value> | null, recurse: Recurse | null, depth: number) {
    super();
    this.#iterator = (filtered ?? iterate(items))[Symbol.iterator]();
    this.#length = filtered ? undefined : length(items);
    this.#recurse = recurse;
    this.#depth = depth;
  }

  /** The next element; undefined behind the last. */
  next(): Value | undefined {
    const value = this.#peek();
    this.#after = undefined;
    if (value === undefined) return undefined;
    this.#index++;
    this.#before = this.#current;
    this.#current = value;
    return value;
  }

  #pull(): Value | undefined {
    const { done, value } = this.#iterator.next();
    return done ? undefined : value;
  }

  #peek(): Value | undefined {
    if (this.#after === undefined) this.#after = this.#pull(); // None, which is null, is an element
    return this.#after;
  }

  #total(): number {
    if (this.#length !== undefined) return this.#length;
    const rest: Value[] = [];
    for (let value = this.#pull(); value !== undefined; value = this.#pull()) {
      rest.push(value);
      budget().step();
      if (rest.length % 1024 === 0) budget().list(rest.length);
    }
    this.#iterator = rest[Symbol.iterator]();
    this.#length = rest.length + this.#index + 1 + (this.#after === undefined ? 0 : 1);
    return this.#length;
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case "index":
        return this.#index + 1;
      case "index0":
        return this.#index;
      case "first":
        return this.#index === 0;
      case "last":
        return this.#peek() === undefined;
      case "length":
      case "__len__":
        return this.#total();
      case "revindex":
        return this.#total() - this.#index;
      case "revindex0":
        return this.#total() - this.#index - 1;
      case "depth":
        return this.#depth + 1;
      case "depth0":
        return this.#depth;
      case "previtem":
        return orMissing(this.#index === 0 ? undefined : this.#before, "there is no previous item");
      case "nextitem":
        return orMissing(this.#peek(), "there is no next item");
      case "cycle":
        return new Func(name, (args) => this.#cycle(args), "method");
      case "changed":
        return new Func(name, (args) => this.#hasChanged(args), "method");
      default:
        return undefined;
    }
  }

  #cycle(items: readonly Value[]): Value {
    const item = items[this.#index % items.length];
    if (item === undefined) throw typeError("no items for cycling given");
    return item;
  }

  #hasChanged(values: readonly Value[]): boolean {
    const now = new Tuple(values);
    if (this.#changed && equal(this.#changed, now)) return false;
    this.#changed = now;
    return true;
  }

  /** `loop(items)`: the loop's body for what lies within an element. */
  readonly call: Body = (args) => {
    const [items] = args;
    if (!this.#recurse) throw typeError("The loop must have the 'recursive' marker to be called recursively.");
    if (args.length !== 1 || items === undefined) throw typeError("loop() takes exactly one argument");
    return this.#recurse(items, this.#depth + 1);
  };

  override display(): string {
    return `<LoopContext ${this.#index + 1}/${this.#total()}>`;
  }
}

const orMissing = (item: Value | undefined, message: string): Value =>
  item === undefined ? new Undefined(() => message) : item;
