/** Postfix expressions: attributes, subscripts, calls, filters and tests. Operands themselves are expression-parser.ts'. */
import type { Call, Expression, FilterNode } from "./nodes.js";
import type { TokenStream } from "./token-stream.js";

/** The depth of parentheses, brackets, calls and operands within each other. Python's own parser gives up before. */
const maxDepth = 150;
/** The number of operators of one kind in a row, which become a tree as deep. */
const maxChain = 1500;

export abstract class CallParser {
  readonly stream: TokenStream;
  #depth = 0;

  constructor(stream: TokenStream) {
    this.stream = stream;
  }

  /** Runs what parses something within something. */
  protected nested<T>(body: () => T): T {
    if (++this.#depth > maxDepth) throw this.stream.error("the template is nested too deeply");
    try {
      return body();
    } finally {
      this.#depth--;
    }
  }

  abstract expression(withCondition?: boolean): Expression;
  protected abstract primary(): Expression;
  protected abstract postfix(start: Expression): Expression;

  protected checkChain(count: number): void {
    if (count > maxChain) throw this.stream.error("an expression is too long");
  }

  protected dotted(node: Expression): Expression {
    const { line } = this.stream.next();
    const token = this.stream.next();
    if (token.type === "name") return { kind: "attribute", node, name: token.text, line };
    if (token.type !== "integer") throw this.stream.error("expected name or number", token.line);
    return { kind: "item", node, key: { kind: "const", value: token.number ?? 0, line: token.line }, line };
  }

  protected subscript(node: Expression): Expression {
    const { stream } = this;
    const { line } = stream.next();
    const keys: Expression[] = [];
    while (!stream.isOperator("]")) {
      if (keys.length > 0) stream.expect("operator", ",");
      keys.push(this.subscribed());
    }
    stream.expect("operator", "]");
    const [first] = keys;
    return { kind: "item", node, key: keys.length === 1 && first ? first : { kind: "tuple", items: keys, line }, line };
  }

  protected subscribed(): Expression {
    const { stream } = this;
    const { line } = stream.current;
    const isOpen = () => !stream.isOperator(":") && !stream.isOperator("]") && !stream.isOperator(",");
    const start = stream.isOperator(":") ? null : this.expression();
    if (start && !stream.isOperator(":")) return start;
    stream.next();
    const stop = isOpen() ? this.expression() : null;
    const step = stream.skipIf("operator", ":") && isOpen() ? this.expression() : null;
    return { kind: "slice", start, stop, step, line };
  }

  protected call(node: Expression): Expression {
    const { line } = this.stream.current;
    return { kind: "call", node, call: this.arguments(), line };
  }

  protected arguments(): Call {
    const { stream } = this;
    const { line } = stream.expect("operator", "(");
    const args: Expression[] = [];
    const kwargs: [string, Expression][] = [];
    let dynArgs: Expression | null = null;
    let dynKwargs: Expression | null = null;
    const ensure = (right: boolean) => {
      if (!right) throw stream.error("invalid syntax for function call expression", line);
    };
    for (let isFirst = true; !stream.isOperator(")"); isFirst = false) {
      if (!isFirst) stream.expect("operator", ",");
      if (stream.isOperator(")") && !isFirst) break;
      if (stream.isOperator("*")) {
        ensure(!dynArgs && !dynKwargs);
        stream.next();
        dynArgs = this.expression();
      } else if (stream.isOperator("**")) {
        ensure(!dynKwargs);
        stream.next();
        dynKwargs = this.expression();
      } else if (stream.is("name") && stream.look().type === "operator" && stream.look().text === "=") {
        ensure(!dynKwargs);
        const key = stream.next().text;
        stream.next();
        kwargs.push([key, this.expression()]);
      } else {
        ensure(!dynArgs && !dynKwargs && kwargs.length === 0);
        args.push(this.expression());
      }
    }
    stream.expect("operator", ")");
    return { args, kwargs, dynArgs, dynKwargs };
  }

  protected dottedName(): string {
    let { text } = this.stream.expect("name");
    while (this.stream.skipIf("operator", ".")) text += `.${this.stream.expect("name").text}`;
    return text;
  }

  /** The filters that follow on `start`; `inline` begins with a name, without a bar before it. */
  filters(start: Expression | null, inline = false): FilterNode | null {
    const { stream } = this;
    let node: Expression | null = start;
    let last: FilterNode | null = null;
    for (let count = 0; inline ? count === 0 || stream.isOperator("|") : stream.isOperator("|"); count++) {
      this.checkChain(count);
      if (!inline || count > 0) stream.next();
      const { line } = stream.current;
      const name = this.dottedName();
      const call = stream.isOperator("(") ? this.arguments() : noArguments;
      last = { kind: "filter", node, name, call, line };
      node = last;
    }
    return last;
  }

  protected test(node: Expression): Expression {
    const { stream } = this;
    const { line } = stream.next();
    const isNegated = stream.skipIf("name", "not");
    const name = this.dottedName();
    const test: Expression = { kind: "test", node, name, call: this.testArguments(), line };
    return isNegated ? { kind: "not", node: test, line } : test;
  }

  protected testArguments(): Call {
    const { stream } = this;
    if (stream.isOperator("(")) return this.arguments();
    const { type, text } = stream.current;
    const begins =
      ["string", "integer", "float"].includes(type) ||
      (type === "operator" && (text === "[" || text === "{")) ||
      (type === "name" && !["else", "or", "and"].includes(text));
    if (!begins) return noArguments;
    if (type === "name" && text === "is") throw stream.error("You cannot chain multiple tests with is");
    return { ...noArguments, args: [this.nested(() => this.postfix(this.primary()))] };
  }
}

const noArguments: Call = { args: [], kwargs: [], dynArgs: null, dynKwargs: null };
