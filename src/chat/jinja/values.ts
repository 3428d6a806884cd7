/**
 * The values of a template, which are Python's. None is null, a bool is a boolean, an int a number or, beyond 2^53, a bigint,
 * a str a string, a list an array; all others are classes of their own. Knows no operations.
 */
export type Value = null | boolean | number | bigint | string | Value[] | Obj;

export type Kwargs = ReadonlyMap<string, Value>;

/** A value that is not plain. */
export abstract class Obj {
  abstract readonly typeName: string;
  /** How it prints; null for the way of its type (display.ts). */
  display(): string | null {
    return null;
  }
  /** Its own attributes; methods of built-in types are in access.ts. */
  attribute(_name: string): Value | undefined {
    return undefined;
  }
}

export class Float extends Obj {
  readonly typeName = "float";
  constructor(readonly value: number) {
    super();
  }
}

export class Tuple extends Obj {
  readonly typeName = "tuple";
  constructor(readonly items: readonly Value[]) {
    super();
  }
}

/** An item of `groupby`: a tuple whose two items have names. */
export class GroupTuple extends Tuple {
  override attribute(name: string): Value | undefined {
    return name === "grouper" ? this.items[0] : name === "list" ? this.items[1] : undefined;
  }
}

/** Text that is HTML already: what `safe` and `escape` make. */
export class Markup extends Obj {
  readonly typeName = "Markup";
  constructor(readonly text: string) {
    super();
  }
}

export class Bytes extends Obj {
  readonly typeName = "bytes";
  constructor(readonly data: Uint8Array) {
    super();
  }
}

export class Slice {
  constructor(
    readonly start: Value,
    readonly stop: Value,
    readonly step: Value,
  ) {}
}

/** Python's range; its numbers are safe integers. */
export class Range extends Obj {
  readonly typeName = "range";
  constructor(
    readonly start: number,
    readonly stop: number,
    readonly step: number,
  ) {
    super();
  }
  get length(): number {
    return Math.max(0, Math.ceil((this.stop - this.start) / this.step));
  }
  at(index: number): number {
    return this.start + index * this.step;
  }
}

/** A value that can be walked over once: a generator, a reversed list. */
export class Iter extends Obj implements Iterable<Value> {
  readonly #iterator: Iterator<Value>;
  constructor(
    iterable: Iterable<Value>,
    readonly typeName = "generator",
  ) {
    super();
    this.#iterator = iterable[Symbol.iterator]();
  }
  next(): IteratorResult<Value> {
    return this.#iterator.next();
  }
  [Symbol.iterator](): Iterator<Value> {
    return { next: () => this.#iterator.next() }; // without return(): who stops early may go on later
  }
}

export type Body = (args: readonly Value[], kwargs: Kwargs) => Value;

export class Func extends Obj {
  constructor(
    readonly name: string,
    readonly call: Body,
    readonly typeName = "function",
  ) {
    super();
  }
  override display(): string {
    return `<${this.typeName} ${this.name}>`;
  }
}

export class Namespace extends Obj {
  readonly typeName = "Namespace";
  readonly attributes = new Map<string, Value>();
  override attribute(name: string): Value | undefined {
    return this.attributes.get(name);
  }
}

/** Jinja's Undefined: prints as nothing, is false and empty, and raises when it is used. */
export class Undefined extends Obj {
  readonly typeName = "Undefined";
  constructor(
    readonly message: () => string,
    readonly isUnsafe = false,
  ) {
    super();
  }
}

export const isInt = (value: Value | undefined): value is number | bigint =>
  typeof value === "number" || typeof value === "bigint";

/** A str or a Markup, which is one. */
export const isStr = (value: Value | undefined): value is string | Markup =>
  typeof value === "string" || value instanceof Markup;

export const rawStr = (value: string | Markup): string => (typeof value === "string" ? value : value.text);

export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (isInt(value)) return "int";
  if (typeof value === "string") return "str";
  return Array.isArray(value) ? "list" : value.typeName;
}
