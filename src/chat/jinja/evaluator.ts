/** Evaluates expressions. Every node is a step. */
import { getAttribute, getItem, getSlice, methodOf, undefinedUse } from "./access.js";
import { budget } from "./budget.js";
import { contains, equal, type Order, ordered } from "./compare.js";
import { isConstant } from "./constant.js";
import { Dict } from "./dict.js";
import { str } from "./display.js";
import type { Environment } from "./environment.js";
import { JinjaError, typeError } from "./errors.js";
import { filters } from "./filters.js";
import { callValue, globals } from "./functions.js";
import { escapeHtml } from "./html.js";
import { iterate, truthy } from "./iterate.js";
import type { Call, Expression } from "./nodes.js";
import { type BinaryOperator, binary, unary } from "./operators.js";
import type { Scope } from "./scope.js";
import { joinTexts } from "./string-methods.js";
import { tests } from "./tests.js";
import { isStr, type Kwargs, Markup, rawStr, Slice, Tuple, typeName, Undefined, type Value } from "./values.js";

const noKwargs: Kwargs = new Map();

export class Evaluator implements Environment {
  readonly now: () => Date;
  readonly #globals: ReadonlyMap<string, Value>;
  autoescape = false;

  constructor(now: () => Date) {
    this.now = now;
    this.#globals = globals({ now });
  }

  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value {
    const filter = filters.get(name);
    if (!filter) throw new JinjaError("TemplateError", `No filter named '${name}' found.`);
    return filter(value, args, kwargs, this);
  }

  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean {
    const test = tests.get(name);
    if (!test) throw new JinjaError("TemplateError", `No test named '${name}' found.`);
    return test(value, args, kwargs);
  }

  evaluate(node: Expression, scope: Scope): Value {
    budget().step();
    switch (node.kind) {
      case "const":
        return node.value;
      case "name":
        return this.#name(node.name, scope);
      case "attribute":
        return getAttribute(this.evaluate(node.node, scope), node.name);
      case "item":
        return this.#item(node, scope);
      case "call":
        return this.call(node, scope);
      case "filter":
        return this.filtered(node, node.node ? this.evaluate(node.node, scope) : "", scope);
      case "test":
        return this.#test(node, scope);
      case "not":
        return !truthy(this.evaluate(node.node, scope));
      case "and": {
        const left = this.evaluate(node.left, scope);
        return truthy(left) ? this.evaluate(node.right, scope) : left;
      }
      case "or": {
        const left = this.evaluate(node.left, scope);
        return truthy(left) ? left : this.evaluate(node.right, scope);
      }
      case "compare":
        return this.#compare(node, scope);
      case "condition":
        return this.#condition(node, scope);
      case "binary":
        return this.#binary(node, scope);
      case "unary":
        return unary(node.operator, this.evaluate(node.node, scope));
      case "concat":
        return this.#concat(node.items, scope);
      case "list":
        return this.#all(node.items, scope);
      case "tuple":
        return new Tuple(this.#all(node.items, scope));
      case "dict":
        return this.#dict(node.items, scope);
      case "slice":
        throw typeError("a slice stands for no value");
    }
  }

  #all(nodes: readonly Expression[], scope: Scope): Value[] {
    return nodes.map((each) => this.evaluate(each, scope));
  }

  #name(name: string, scope: Scope): Value {
    const own = scope.get(name); // may be None, which is null
    const value = own === undefined ? this.#globals.get(name) : own;
    return value === undefined ? new Undefined(() => `'${name}' is undefined`) : value;
  }

  #item({ node, key }: Extract<Expression, { kind: "item" }>, scope: Scope): Value {
    const value = this.evaluate(node, scope);
    if (key.kind !== "slice") return getItem(value, this.#key(key, scope));
    const part = (each: Expression | null) => (each ? this.evaluate(each, scope) : null);
    const slice = new Slice(part(key.start), part(key.stop), part(key.step));
    try {
      return getSlice(value, slice);
    } catch (error) {
      // Jinja2 takes slices of constants as it takes elements: there is none.
      const isMissing = error instanceof JinjaError && error.type === "TypeError";
      if (isMissing && isConstant(node) && isConstant(key)) return new Undefined(() => error.message);
      throw error;
    }
  }

  /** A slice among several keys is no key of any value that a template has. */
  #key(key: Expression, scope: Scope): Value {
    if (key.kind !== "tuple" || !key.items.some((item) => item.kind === "slice")) return this.evaluate(key, scope);
    return new Tuple(key.items.map((item) => (item.kind === "slice" ? [] : this.evaluate(item, scope))));
  }

  /** `extra`: what a call block adds. */
  call({ node, call }: Extract<Expression, { kind: "call" }>, scope: Scope, extra: Kwargs = noKwargs): Value {
    if (node.kind === "attribute") {
      const self = this.evaluate(node.node, scope);
      const method = self instanceof Undefined ? undefined : methodOf(self, node.name);
      if (method) return method(self, this.#args(call, scope), this.#kwargs(call, scope, extra));
      return this.#called(getAttribute(self, node.name), call, scope, extra);
    }
    return this.#called(this.evaluate(node, scope), call, scope, extra);
  }

  #called(callee: Value, call: Call, scope: Scope, extra: Kwargs): Value {
    const args = this.#args(call, scope);
    return callValue(callee, args, this.#kwargs(call, scope, extra));
  }

  #args({ args, dynArgs }: Call, scope: Scope): Value[] {
    const values = this.#all(args, scope);
    if (dynArgs) {
      for (const value of iterate(this.evaluate(dynArgs, scope))) {
        values.push(value);
        budget().step();
      }
    }
    return values;
  }

  #kwargs({ kwargs, dynKwargs }: Call, scope: Scope, extra: Kwargs): Kwargs {
    if (kwargs.length === 0 && !dynKwargs) return extra;
    const values = new Map<string, Value>();
    const add = (name: string, value: Value) => {
      if (values.has(name)) throw typeError(`got multiple values for keyword argument '${name}'`);
      values.set(name, value);
    };
    for (const [name, node] of kwargs) add(name, this.evaluate(node, scope));
    for (const [name, value] of extra) add(name, value);
    if (dynKwargs) {
      const more = this.evaluate(dynKwargs, scope);
      if (!(more instanceof Dict)) throw typeError(`argument after ** must be a mapping, not ${typeName(more)}`);
      for (const [key, value] of more.entries()) {
        if (!isStr(key)) throw typeError("keywords must be strings");
        add(rawStr(key), value);
      }
    }
    return values;
  }

  filtered({ name, call }: Extract<Expression, { kind: "filter" }>, value: Value, scope: Scope): Value {
    return this.filter(name, value, this.#args(call, scope), this.#kwargs(call, scope, noKwargs));
  }

  #test({ node, name, call }: Extract<Expression, { kind: "test" }>, scope: Scope): Value {
    const value = this.evaluate(node, scope);
    return this.test(name, value, this.#args(call, scope), this.#kwargs(call, scope, noKwargs));
  }

  #condition({ test, whenTrue, otherwise, line }: Extract<Expression, { kind: "condition" }>, scope: Scope): Value {
    if (truthy(this.evaluate(test, scope))) return this.evaluate(whenTrue, scope);
    if (otherwise) return this.evaluate(otherwise, scope);
    return new Undefined(
      () => `the inline if-expression on line ${line} evaluated to false and no else section was defined.`,
    );
  }

  #binary({ operator, left, right }: Extract<Expression, { kind: "binary" }>, scope: Scope): Value {
    const [a, b] = [this.evaluate(left, scope), this.evaluate(right, scope)];
    for (const value of [a, b]) if (value instanceof Undefined && value.isUnsafe) throw undefinedUse(value);
    return binary(operator as BinaryOperator, a, b);
  }

  #compare({ node, rest }: Extract<Expression, { kind: "compare" }>, scope: Scope): Value {
    let left = this.evaluate(node, scope);
    for (const [operator, operand] of rest) {
      const right = this.evaluate(operand, scope);
      if (!compared(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  #concat(nodes: readonly Expression[], scope: Scope): Value {
    const values = this.#all(nodes, scope);
    if (this.autoescape && values.some((value) => value instanceof Markup)) {
      return new Markup(joinTexts("", values.map(escapeHtml)));
    }
    let text = "";
    for (const value of values) {
      text += str(value);
      budget().joinedText(text.length);
    }
    return text;
  }

  #dict(items: readonly (readonly [Expression, Expression])[], scope: Scope): Value {
    const dict = new Dict();
    for (const [key, value] of items) dict.set(this.evaluate(key, scope), this.evaluate(value, scope));
    return dict;
  }
}

function compared(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
      return equal(left, right);
    case "!=":
      return !equal(left, right);
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
    default:
      return ordered(operator as Order, left, right);
  }
}
