/** Statements from tokens: Jinja2's tags, loop controls, and the `generation` tag of chat templates. */

import { JinjaError } from "./errors.js";
import { ExpressionParser } from "./expression-parser.js";
import { tokenize } from "./lexer.js";
import type { Expression, Signature, Statement, Target } from "./nodes.js";
import { isSpace } from "./text.js";
import { TokenStream } from "./token-stream.js";

/** JinjaError with the line where the source is wrong. */
export function parse(source: string): readonly Statement[] {
  return new Parser(new TokenStream(tokenize(source))).template();
}

const quoted = (tags: readonly string[]): string => tags.map((tag) => `'${tag}'`).join(" or ");

class Parser extends ExpressionParser {
  readonly #open: string[] = [];
  readonly #ends: (readonly string[])[] = [];

  template(): readonly Statement[] {
    return this.#body(null);
  }

  /** Up to one of the tags, which stays the current token; all of the source for null. */
  #body(ends: readonly string[] | null): Statement[] {
    const { stream } = this;
    const body: Statement[] = [];
    if (ends) this.#ends.push(ends);
    while (!stream.is("eof")) {
      const { type, text, line } = stream.next();
      if (type === "data") body.push({ kind: "data", text, line });
      else if (type === "variable_begin") {
        body.push({ kind: "output", node: this.tuple(), line });
        stream.expect("variable_end");
      } else if (type === "block_begin") {
        if (ends && stream.is("name") && ends.includes(stream.current.text)) {
          this.#ends.pop();
          return body;
        }
        body.push(...this.nested(() => this.#statement()));
        stream.expect("block_end");
      }
    }
    if (ends) throw this.#unexpectedTag(null, stream.current.line);
    return body;
  }

  /** The body of a tag up to its end tag; the current token is behind that. */
  #bodyUpTo(end: string): Statement[] {
    const body = this.#bodyOf([end]);
    this.stream.next();
    return body;
  }

  #bodyOf(ends: readonly string[]): Statement[] {
    this.stream.skipIf("operator", ":");
    this.stream.expect("block_end");
    return this.#body(ends);
  }

  #statement(): Statement[] {
    const { stream } = this;
    const { type, text: tag, line } = stream.current;
    if (type !== "name") throw stream.error("tag name expected");
    const parse = this.#tags[tag];
    if (!parse || !Object.hasOwn(this.#tags, tag)) throw this.#unexpectedTag(tag, line);
    this.#open.push(tag);
    stream.next();
    const result = parse(line);
    this.#open.pop();
    return Array.isArray(result) ? result : [result];
  }

  #unexpectedTag(name: string | null, line: number): JinjaError {
    const looking = this.#ends.at(-1);
    const message = [name === null ? "Unexpected end of template." : `Encountered unknown tag '${name}'.`];
    if (looking) {
      const isNesting = name !== null && this.#ends.some((ends) => ends.includes(name));
      message.push(
        isNesting
          ? `You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for ${quoted(looking)}.`
          : `Jinja was looking for the following tags: ${quoted(looking)}.`,
      );
    }
    const innermost = this.#open.at(-1);
    if (innermost !== undefined) message.push(`The innermost block that needs to be closed is '${innermost}'.`);
    return new JinjaError("TemplateSyntaxError", message.join(" "), line);
  }

  readonly #tags: Readonly<Record<string, (line: number) => Statement | Statement[]>> = {
    for: (line) => this.#for(line),
    if: (line) => this.#if(line),
    set: (line) => this.#set(line),
    with: (line) => this.#with(line),
    macro: (line) => {
      const name = this.name();
      return { kind: "macro", name, signature: this.#signature(), body: this.#bodyUpTo("endmacro"), line };
    },
    call: (line) => this.#callBlock(line),
    filter: (line) => {
      const filter = this.filters(null, true);
      if (!filter) throw this.stream.error("expected a filter");
      return { kind: "filterBlock", filter, body: this.#bodyUpTo("endfilter"), line };
    },
    block: (line) => this.#block(line),
    autoescape: (line) => {
      const value = this.expression();
      return { kind: "autoescape", value, body: this.#bodyUpTo("endautoescape"), line };
    },
    print: () => this.#print(),
    generation: (line) => ({ kind: "generation", body: this.#bodyUpTo("endgeneration"), line }),
    break: (line) => ({ kind: "break", line }),
    continue: (line) => ({ kind: "continue", line }),
    extends: (line) => ({ kind: "load", node: this.expression(), line }),
    include: (line) => this.#include(line),
    import: (line) => this.#import(line),
    from: (line) => this.#from(line),
  };

  #for(line: number): Statement {
    const { stream } = this;
    const target = this.target("in");
    stream.expect("name", "in");
    const iter = this.tuple({ withCondition: false, end: "recursive" });
    const test = stream.skipIf("name", "if") ? this.expression() : null;
    const recursive = stream.skipIf("name", "recursive");
    const body = this.#bodyOf(["endfor", "else"]);
    const otherwise = stream.next().text === "else" ? this.#bodyUpTo("endfor") : [];
    return { kind: "for", target, iter, test, recursive, body, otherwise, line };
  }

  #if(line: number): Statement {
    const { stream } = this;
    const branches: { test: Expression; body: Statement[] }[] = [];
    while (true) {
      const test = this.tuple({ withCondition: false });
      branches.push({ test, body: this.#bodyOf(["elif", "else", "endif"]) });
      const { text } = stream.next();
      if (text === "elif") continue;
      return { kind: "if", branches, otherwise: text === "else" ? this.#bodyUpTo("endif") : [], line };
    }
  }

  #set(line: number): Statement {
    const target = this.target(undefined, true);
    if (this.stream.skipIf("operator", "=")) return { kind: "set", target, value: this.tuple(), line };
    const filter = this.filters(null);
    return { kind: "setBlock", target, filter, body: this.#bodyUpTo("endset"), line };
  }

  #with(line: number): Statement {
    const values: [Target, Expression][] = [];
    while (!this.stream.is("block_end")) {
      if (values.length > 0) this.stream.expect("operator", ",");
      const target = this.target();
      this.stream.expect("operator", "=");
      values.push([target, this.expression()]);
    }
    return { kind: "with", values, body: this.#bodyUpTo("endwith"), line };
  }

  #signature(): Signature {
    const { stream } = this;
    const parameters: string[] = [];
    const defaults: Expression[] = [];
    stream.expect("operator", "(");
    while (!stream.isOperator(")")) {
      if (parameters.length > 0) stream.expect("operator", ",");
      const name = this.name();
      if (stream.skipIf("operator", "=")) defaults.push(this.expression());
      else if (defaults.length > 0) throw stream.error("non-default argument follows default argument");
      parameters.push(name);
    }
    stream.expect("operator", ")");
    return { parameters, defaults };
  }

  #callBlock(line: number): Statement {
    const signature = this.stream.isOperator("(") ? this.#signature() : { parameters: [], defaults: [] };
    const call = this.expression();
    if (call.kind !== "call") throw this.stream.error("expected call", line);
    return { kind: "callBlock", signature, call, body: this.#bodyUpTo("endcall"), line };
  }

  #block(line: number): Statement {
    const { stream } = this;
    const name = stream.expect("name").text;
    const scoped = stream.skipIf("name", "scoped");
    const required = stream.skipIf("name", "required");
    if (stream.isOperator("-")) {
      throw stream.error(
        "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.",
      );
    }
    const body = this.#bodyUpTo("endblock");
    if (required && body.some((each) => each.kind !== "data" || ![...each.text].every(isSpace))) {
      throw stream.error("Required blocks can only contain comments or whitespace");
    }
    stream.skipIf("name", name);
    return { kind: "block", name, scoped, required, body, line };
  }

  #print(): Statement[] {
    const outputs: Statement[] = [];
    while (!this.stream.is("block_end")) {
      if (outputs.length > 0) this.stream.expect("operator", ",");
      const { line } = this.stream.current;
      outputs.push({ kind: "output", node: this.expression(), line });
    }
    return outputs;
  }

  #skipContext(): boolean {
    const { stream } = this;
    const { type, text } = stream.current;
    const found = type === "name" && (text === "with" || text === "without") && stream.look().text === "context";
    if (found) {
      stream.next();
      stream.next();
    }
    return found;
  }

  #include(line: number): Statement {
    const node = this.expression();
    if (this.stream.is("name", "ignore") && this.stream.look().text === "missing") {
      this.stream.next();
      this.stream.next();
    }
    this.#skipContext();
    return { kind: "load", node, line };
  }

  #import(line: number): Statement {
    const node = this.expression();
    this.stream.expect("name", "as");
    this.name();
    this.#skipContext();
    return { kind: "load", node, line };
  }

  #from(line: number): Statement {
    const { stream } = this;
    const node = this.expression();
    stream.expect("name", "import");
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst) stream.expect("operator", ",");
      if (!stream.is("name")) stream.expect("name");
      if (this.#skipContext()) break;
      const name = this.name();
      if (name.startsWith("_")) throw stream.error("names starting with an underline can not be imported");
      if (stream.skipIf("name", "as")) this.name();
      if (this.#skipContext() || !stream.isOperator(",")) break;
    }
    return { kind: "load", node, line };
  }
}
