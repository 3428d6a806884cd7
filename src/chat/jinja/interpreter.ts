/** Runs statements: writes a template's text, and keeps the names that it assigns. */
import { budget } from "./budget.js";
import { str } from "./display.js";
import { JinjaError, LimitError, typeError, valueError } from "./errors.js";
import { Evaluator } from "./evaluator.js";
import { escapeHtml } from "./html.js";
import { iterate, truthy } from "./iterate.js";
import { LoopContext } from "./loop.js";
import { fillDefaults, Macro } from "./macro.js";
import type { Expression, FilterNode, Signature, Statement, Target } from "./nodes.js";
import { Scope } from "./scope.js";
import { Func, Markup, Namespace, Obj, typeName, Undefined, type Value } from "./values.js";

/** The depth of macros, blocks and recursive loops within each other; Python gives up at about as many. */
const maxCalls = 150;

/** The statement that ended a loop's body before its end. */
type Signal = "break" | "continue" | null;

type For = Extract<Statement, { kind: "for" }>;

export class Interpreter {
  readonly #evaluator: Evaluator;
  readonly #template: readonly Statement[];
  readonly #root: Scope;
  readonly #blocks = new Map<string, readonly Statement[]>();
  #text = "";
  #calls = 0;
  /** The line of the statement that runs. */
  line = 1;

  constructor(template: readonly Statement[], variables: ReadonlyMap<string, Value>, now: () => Date) {
    this.#template = template;
    this.#evaluator = new Evaluator(now);
    const given = new Scope(null);
    for (const [name, value] of variables) given.set(name, value);
    this.#root = new Scope(given);
    this.#root.set("self", new Self((name) => this.#blockFunction(name)));
    for (const [name, body] of blocksOf(template)) this.#blocks.set(name, body);
  }

  run(): string {
    try {
      this.#body(this.#template, this.#root);
      return this.#text;
    } catch (error) {
      if (error instanceof JinjaError) error.line ??= this.line;
      throw error;
    }
  }

  #write(text: string): void {
    budget().joinedText(this.#text.length + text.length);
    this.#text += text;
  }

  /** The text that `body` writes. */
  #captured(body: () => void): Value {
    const outer = this.#text;
    this.#text = "";
    try {
      body();
      return this.#evaluator.autoescape ? new Markup(this.#text) : this.#text;
    } finally {
      this.#text = outer;
    }
  }

  /** Runs what templates can do within itself without an end. */
  #called<T>(body: () => T): T {
    if (++this.#calls > maxCalls) throw new LimitError(`called itself more than ${maxCalls} times over`);
    try {
      return body();
    } finally {
      this.#calls--;
    }
  }

  #body(statements: readonly Statement[], scope: Scope): Signal {
    for (const statement of statements) {
      const signal = this.#statement(statement, scope);
      if (signal) return signal;
    }
    return null;
  }

  #evaluate(node: Expression, scope: Scope): Value {
    this.line = node.line;
    return this.#evaluator.evaluate(node, scope);
  }

  #statement(statement: Statement, scope: Scope): Signal {
    budget().step();
    this.line = statement.line;
    switch (statement.kind) {
      case "data":
        this.#write(statement.text);
        return null;
      case "output": {
        const value = this.#evaluate(statement.node, scope);
        this.#write(this.#evaluator.autoescape ? escapeHtml(value) : str(value));
        return null;
      }
      case "set":
        this.#set(statement, scope);
        return null;
      case "setBlock":
        this.#setBlock(statement, scope);
        return null;
      case "if":
        return this.#if(statement, scope);
      case "for":
        if (statement.recursive)
          this.#write(str(this.#recurse(statement, scope, this.#evaluate(statement.iter, scope), 0)));
        else return this.#for(statement, scope, this.#evaluate(statement.iter, scope), null, 0);
        return null;
      case "with":
        return this.#with(statement, scope);
      case "autoescape":
        return this.#autoescape(statement, scope);
      case "macro":
        scope.set(statement.name, this.#macro(statement.name, statement.signature, statement.body, scope));
        return null;
      case "callBlock": {
        const caller = this.#macro("caller", statement.signature, statement.body, scope);
        this.#writeValue(this.#evaluator.call(statement.call, scope, new Map([["caller", caller]])));
        return null;
      }
      case "filterBlock": {
        const inner = new Scope(scope);
        const text = this.#captured(() => this.#body(statement.body, inner));
        this.#writeValue(this.#filters(statement.filter, text, inner));
        return null;
      }
      case "generation": {
        const inner = new Scope(scope);
        this.#write(str(this.#captured(() => this.#body(statement.body, inner))));
        return null;
      }
      case "block":
        this.#block(statement, scope);
        return null;
      case "load":
        this.#evaluate(statement.node, scope);
        throw typeError("no loader for this environment specified");
      case "break":
      case "continue":
        return statement.kind;
    }
  }

  #writeValue(value: Value): void {
    this.#write(this.#evaluator.autoescape ? escapeHtml(value) : str(value));
  }

  #set({ target, value }: Extract<Statement, { kind: "set" }>, scope: Scope): void {
    this.#checkNamespaces(target, scope);
    this.#assign(target, this.#evaluate(value, scope), scope);
  }

  /** Before the value is evaluated, as Jinja2 does. */
  #checkNamespaces(target: Target, scope: Scope): void {
    if (target.kind === "tuple") for (const item of target.items) this.#checkNamespaces(item, scope);
    else if (target.kind === "namespace" && !(scope.get(target.name) instanceof Namespace)) {
      throw new JinjaError("TemplateError", "cannot assign attribute on non-namespace object");
    }
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === "store") return void scope.set(target.name, value);
    if (target.kind === "namespace") {
      const namespace = scope.get(target.name);
      if (namespace instanceof Namespace) namespace.attributes.set(target.attribute, value);
      return;
    }
    const items: Value[] = [];
    for (const item of unpackable(value)) {
      items.push(item);
      if (items.length > target.items.length)
        throw valueError(`too many values to unpack (expected ${target.items.length})`);
    }
    if (items.length < target.items.length) {
      throw valueError(`not enough values to unpack (expected ${target.items.length}, got ${items.length})`);
    }
    for (const [i, part] of target.items.entries()) this.#assign(part, items[i] as Value, scope);
  }

  #setBlock({ target, filter, body }: Extract<Statement, { kind: "setBlock" }>, scope: Scope): void {
    const inner = new Scope(scope);
    const text = this.#captured(() => this.#body(body, inner));
    this.#assign(target, filter ? this.#filters(filter, text, inner) : text, scope);
  }

  /** The filter and those before it, which begin with the text. */
  #filters(node: FilterNode, text: Value, scope: Scope): Value {
    const value = node.node?.kind === "filter" ? this.#filters(node.node, text, scope) : text;
    return this.#evaluator.filtered(node, value, scope);
  }

  #if({ branches, otherwise }: Extract<Statement, { kind: "if" }>, scope: Scope): Signal {
    for (const { test, body } of branches) {
      if (truthy(this.#evaluate(test, scope))) return this.#body(body, scope);
    }
    return this.#body(otherwise, scope);
  }

  #recurse(node: For, scope: Scope, items: Value, depth: number): Value {
    const recurse = (more: Value, at: number) => this.#recurse(node, scope, more, at);
    return this.#called(() => this.#captured(() => this.#for(node, scope, items, recurse, depth)));
  }

  #for(
    node: For,
    scope: Scope,
    items: Value,
    recurse: ((items: Value, depth: number) => Value) | null,
    depth: number,
  ): Signal {
    const filtered = node.test ? this.#passing(node, node.test, scope, items) : null;
    const loop = new LoopContext(items, filtered, recurse, depth);
    let isEmpty = true;
    for (let item = loop.next(); item !== undefined; item = loop.next()) {
      budget().step();
      const inner = new Scope(scope);
      inner.set("loop", loop);
      this.#assign(node.target, item, inner);
      const signal = this.#body(node.body, inner);
      if (signal === "break") break;
      // Jinja2 takes a loop for empty whose every turn is cut short.
      if (!signal) isEmpty = false;
    }
    return isEmpty ? this.#body(node.otherwise, new Scope(scope)) : null;
  }

  /** The elements that the loop's condition holds for. It knows nothing of this loop's `loop`. */
  *#passing(node: For, test: Expression, scope: Scope, items: Value): Iterable<Value> {
    for (const item of iterate(items)) {
      budget().step();
      const inner = new Scope(scope);
      this.#assign(node.target, item, inner);
      if (truthy(this.#evaluator.evaluate(test, inner))) yield item;
    }
  }

  #with({ values, body }: Extract<Statement, { kind: "with" }>, scope: Scope): Signal {
    const inner = new Scope(scope);
    for (const [target, node] of values) this.#assign(target, this.#evaluate(node, scope), inner);
    return this.#body(body, inner);
  }

  #autoescape({ value, body }: Extract<Statement, { kind: "autoescape" }>, scope: Scope): Signal {
    const evaluator = this.#evaluator;
    const outer = evaluator.autoescape;
    evaluator.autoescape = truthy(this.#evaluate(value, scope));
    try {
      return this.#body(body, new Scope(scope));
    } finally {
      evaluator.autoescape = outer;
    }
  }

  #macro(name: string, signature: Signature, body: readonly Statement[], scope: Scope): Macro {
    return new Macro(name === "caller" ? null : name, signature, body, (names) =>
      this.#called(() => {
        const inner = new Scope(scope);
        for (const [key, value] of names) inner.set(key, value);
        const set = (key: string, value: Value) => inner.set(key, value);
        fillDefaults(
          signature,
          (key) => names.has(key),
          set,
          (node) => this.#evaluator.evaluate(node, inner),
        );
        return this.#captured(() => this.#body(body, inner));
      }),
    );
  }

  #block({ name, body, scoped, required }: Extract<Statement, { kind: "block" }>, scope: Scope): void {
    if (required) throw new JinjaError("TemplateError", `Required block '${name}' not found`);
    this.#called(() => this.#body(body, this.#blockScope(scoped ? scope : this.#root)));
  }

  /** A block sees the template's own names, and those of the loops around it only if it is scoped. */
  #blockScope(outer: Scope): Scope {
    const scope = new Scope(outer);
    scope.set("super", new Undefined(() => "there is no parent block"));
    return scope;
  }

  #blockFunction(name: string): Func | undefined {
    const body = this.#blocks.get(name);
    if (!body) return undefined;
    return new Func(name, () =>
      this.#called(() => this.#captured(() => this.#body(body, this.#blockScope(this.#root)))),
    );
  }
}

/** The variable `self`: the template's blocks. */
class Self extends Obj {
  readonly typeName = "TemplateReference";
  readonly #find: (name: string) => Func | undefined;

  override display(): string {
    return "<TemplateReference None>";
  }

  constructor(find: (name: string) => Func | undefined) {
    super();
    this.#find = find;
  }

  override attribute(name: string): Value | undefined {
    return this.#find(name);
  }
}

function unpackable(value: Value): Iterable<Value> {
  try {
    return iterate(value);
  } catch (error) {
    if (!(error instanceof JinjaError)) throw error;
    throw typeError(`cannot unpack non-iterable ${typeName(value)} object`);
  }
}

/** All blocks, also those within others. */
function* blocksOf(statements: readonly Statement[]): Iterable<[string, readonly Statement[]]> {
  for (const statement of statements) {
    if (statement.kind === "block") yield [statement.name, statement.body];
    if (statement.kind === "if") {
      for (const { body } of statement.branches) yield* blocksOf(body);
    }
    if ("body" in statement) yield* blocksOf(statement.body);
    if ("otherwise" in statement) yield* blocksOf(statement.otherwise);
  }
}
