/** Expressions from tokens, with Jinja2's precedence, which differs from Python's: `~` binds tighter than +, filters than all. */
import { CallParser } from "./call-parser.js";
import type { Expression, Target } from "./nodes.js";
import { describe } from "./token-stream.js";
import { Float, type Value } from "./values.js";

const constants = new Map<string, Value>([
  ...(["true", "True"] as const).map((name): [string, Value] => [name, true]),
  ...(["false", "False"] as const).map((name): [string, Value] => [name, false]),
  ...(["none", "None"] as const).map((name): [string, Value] => [name, null]),
]);

const comparisons = new Set(["==", "!=", "<", "<=", ">", ">="]);

export interface TupleOptions {
  readonly withCondition?: boolean;
  /** A name that ends the tuple. */
  readonly end?: string;
  readonly parentheses?: boolean;
}

export class ExpressionParser extends CallParser {
  override expression(withCondition = true): Expression {
    return this.nested(() => (withCondition ? this.#condition() : this.#or()));
  }

  /** One expression, or several with commas as a tuple. */
  tuple({ withCondition = true, end, parentheses = false }: TupleOptions = {}): Expression {
    const { line } = this.stream.current;
    const { items, isTuple } = this.#commaSeparated(() => this.expression(withCondition), end);
    const [first] = items;
    if (!isTuple && first) return first;
    if (!isTuple && !parentheses) {
      throw this.stream.error(`Expected an expression, got '${describe(this.stream.current)}'`);
    }
    return { kind: "tuple", items, line };
  }

  #commaSeparated<T>(parse: () => T, end: string | undefined): { items: T[]; isTuple: boolean } {
    const items: T[] = [];
    let isTuple = false;
    while (true) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.#endsTuple(end)) break;
      items.push(parse());
      if (!this.stream.isOperator(",")) break;
      isTuple = true;
    }
    return { items, isTuple };
  }

  #endsTuple(end: string | undefined): boolean {
    const { stream } = this;
    if (stream.is("variable_end") || stream.is("block_end") || stream.isOperator(")")) return true;
    return end !== undefined && stream.is("name", end);
  }

  /** The target of `set`, `for` and `with`; `withNamespace` allows `ns.name`. */
  target(end?: string, withNamespace = false): Target {
    const { line } = this.stream.current;
    const { items, isTuple } = this.#commaSeparated(() => this.#targetItem(withNamespace), end);
    const [first] = items;
    if (!isTuple && first) return first;
    if (!isTuple) throw this.stream.error(`Expected an expression, got '${describe(this.stream.current)}'`);
    return { kind: "tuple", items, line };
  }

  #targetItem(withNamespace: boolean): Target {
    return this.nested(() => {
      const { stream } = this;
      const { line } = stream.current;
      if (stream.is("name") && !constants.has(stream.current.text)) {
        const name = stream.next().text;
        if (!withNamespace || !stream.skipIf("operator", ".")) return { kind: "store", name, line };
        return { kind: "namespace", name, attribute: stream.expect("name").text, line };
      }
      if (!stream.skipIf("operator", "(")) {
        const node = this.primary();
        throw stream.error(`can't assign to '${node.kind}'`, line);
      }
      const { items, isTuple } = this.#commaSeparated(() => this.#targetItem(false), undefined);
      stream.expect("operator", ")");
      const [first] = items;
      return !isTuple && first ? first : { kind: "tuple", items, line };
    });
  }

  /** A name alone that may be assigned to. */
  name(): string {
    const { text, line } = this.stream.expect("name");
    if (constants.has(text)) throw this.stream.error("can't assign to 'name'", line);
    return text;
  }

  #condition(): Expression {
    const { stream } = this;
    let { line } = stream.current;
    let node = this.#or();
    for (let count = 0; stream.skipIf("name", "if"); count++) {
      this.checkChain(count);
      const test = this.#or();
      const otherwise = stream.skipIf("name", "else") ? this.nested(() => this.#condition()) : null;
      node = { kind: "condition", test, whenTrue: node, otherwise, line };
      line = stream.current.line;
    }
    return node;
  }

  /** Operators of one precedence, from left to right. */
  #leftToRight(
    operatorHere: () => string | null,
    operand: () => Expression,
    join: (operator: string, left: Expression, right: Expression, line: number) => Expression,
  ): Expression {
    let { line } = this.stream.current;
    let left = operand();
    let count = 0;
    for (let operator = operatorHere(); operator !== null; operator = operatorHere()) {
      this.checkChain(count++);
      this.stream.next();
      left = join(operator, left, operand(), line);
      line = this.stream.current.line;
    }
    return left;
  }

  #operatorOf(operators: readonly string[]): () => string | null {
    return () => {
      const { type, text } = this.stream.current;
      return type === "operator" && operators.includes(text) ? text : null;
    };
  }

  #or(): Expression {
    return this.#leftToRight(
      () => (this.stream.is("name", "or") ? "or" : null),
      () => this.#and(),
      (_, left, right, line) => ({ kind: "or", left, right, line }),
    );
  }

  #and(): Expression {
    return this.#leftToRight(
      () => (this.stream.is("name", "and") ? "and" : null),
      () => this.#not(),
      (_, left, right, line) => ({ kind: "and", left, right, line }),
    );
  }

  #not(): Expression {
    const { line } = this.stream.current;
    if (!this.stream.skipIf("name", "not")) return this.#compare();
    return { kind: "not", node: this.nested(() => this.#not()), line };
  }

  #compare(): Expression {
    const { stream } = this;
    const { line } = stream.current;
    const node = this.#sum();
    const rest: [string, Expression][] = [];
    while (true) {
      const { type, text } = stream.current;
      if (type === "operator" && comparisons.has(text)) {
        stream.next();
        rest.push([text, this.#sum()]);
      } else if (stream.skipIf("name", "in")) rest.push(["in", this.#sum()]);
      else if (stream.is("name", "not") && stream.look().type === "name" && stream.look().text === "in") {
        stream.next();
        stream.next();
        rest.push(["not in", this.#sum()]);
      } else break;
    }
    return rest.length === 0 ? node : { kind: "compare", node, rest, line };
  }

  #binary(operators: readonly string[], operand: () => Expression): Expression {
    return this.#leftToRight(this.#operatorOf(operators), operand, (operator, left, right, line) => ({
      kind: "binary",
      operator,
      left,
      right,
      line,
    }));
  }

  #sum(): Expression {
    return this.#binary(["+", "-"], () => this.#concat());
  }

  #concat(): Expression {
    const { line } = this.stream.current;
    const first = this.#product();
    const items = [first];
    while (this.stream.skipIf("operator", "~")) items.push(this.#product());
    return items.length === 1 ? first : { kind: "concat", items, line };
  }

  #product(): Expression {
    return this.#binary(["*", "/", "//", "%"], () => this.#binary(["**"], () => this.#unary()));
  }

  #unary(withFilter = true): Expression {
    const { stream } = this;
    const { type, text, line } = stream.current;
    let node: Expression;
    if (type === "operator" && (text === "-" || text === "+")) {
      stream.next();
      node = { kind: "unary", operator: text, node: this.nested(() => this.#unary(false)), line };
    } else node = this.primary();
    node = this.postfix(node);
    return withFilter ? this.#filtered(node) : node;
  }

  protected override primary(): Expression {
    const { stream } = this;
    const { type, text, line, number } = stream.current;
    if (type === "name") {
      stream.next();
      const value = constants.get(text);
      return value === undefined ? { kind: "name", name: text, line } : { kind: "const", value, line };
    }
    if (type === "string") {
      let value = "";
      while (stream.is("string")) value += stream.next().text;
      return { kind: "const", value, line };
    }
    if (type === "integer" || type === "float") {
      stream.next();
      return { kind: "const", value: type === "float" ? new Float(Number(number)) : (number ?? 0), line };
    }
    if (stream.skipIf("operator", "(")) {
      const node = this.tuple({ parentheses: true });
      stream.expect("operator", ")");
      return node;
    }
    if (stream.isOperator("[")) return this.#list();
    if (stream.isOperator("{")) return this.#dict();
    throw stream.error(`unexpected '${describe(stream.current)}'`);
  }

  /** Elements up to `close`, a comma between each two and perhaps behind the last. */
  #elements<T>(close: string, parse: () => T): T[] {
    const { stream } = this;
    stream.next();
    const items: T[] = [];
    while (!stream.isOperator(close)) {
      if (items.length > 0) stream.expect("operator", ",");
      if (stream.isOperator(close)) break;
      items.push(parse());
    }
    stream.expect("operator", close);
    return items;
  }

  #list(): Expression {
    const { line } = this.stream.current;
    return { kind: "list", items: this.#elements("]", () => this.expression()), line };
  }

  #dict(): Expression {
    const { line } = this.stream.current;
    const items = this.#elements("}", (): [Expression, Expression] => {
      const key = this.expression();
      this.stream.expect("operator", ":");
      return [key, this.expression()];
    });
    return { kind: "dict", items, line };
  }

  protected override postfix(start: Expression): Expression {
    let node = start;
    for (let count = 0; ; count++) {
      this.checkChain(count);
      if (this.stream.isOperator(".")) node = this.dotted(node);
      else if (this.stream.isOperator("[")) node = this.subscript(node);
      else if (this.stream.isOperator("(")) node = this.call(node);
      else return node;
    }
  }

  #filtered(start: Expression): Expression {
    let node = start;
    for (let count = 0; ; count++) {
      this.checkChain(count);
      if (this.stream.isOperator("|")) node = this.filters(node) ?? node;
      else if (this.stream.is("name", "is")) node = this.test(node);
      else if (this.stream.isOperator("(")) node = this.call(node);
      else return node;
    }
  }
}
