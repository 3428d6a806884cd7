/**
 * Faults that Jinja2 finds when it compiles a template, before it runs: unknown filters and tests outside of conditions,
 * loop controls outside of loops, assignments to `loop`, blocks and arguments with one name.
 */
import { JinjaError } from "./errors.js";
import { filterNames } from "./filter-names.js";
import type { Call, Expression, Signature, Statement, Target } from "./nodes.js";
import { tests } from "./tests.js";

interface Place {
  /** Directly within a condition, whose unknown filters are an error only when they are reached. */
  readonly soft: boolean;
  readonly inLoop: boolean;
  /** Within a loop, also one around a macro: `loop` is no name to assign to there. */
  readonly loopNamed: boolean;
}

const outside: Place = { soft: false, inLoop: false, loopNamed: false };

export function check(template: readonly Statement[]): void {
  new Checker().statements(template, outside);
}

const fail = (message: string, line: number): never => {
  throw new JinjaError("TemplateSyntaxError", message, line);
};

class Checker {
  readonly #blocks = new Set<string>();

  statements(statements: readonly Statement[], place: Place): void {
    for (const statement of statements) this.#statement(statement, place);
  }

  #statement(statement: Statement, place: Place): void {
    const { line } = statement;
    const hard = { ...place, soft: false };
    const own = { ...hard, inLoop: false }; // of what becomes a function
    switch (statement.kind) {
      case "data":
        return;
      case "output":
      case "load":
        this.#expression(statement.node, place);
        return;
      case "set":
        this.#target(statement.target, place);
        this.#expression(statement.value, place);
        return;
      case "setBlock":
        this.#target(statement.target, place);
        if (statement.filter) this.#expression(statement.filter, hard);
        this.statements(statement.body, hard);
        return;
      case "for":
        this.#for(statement, place);
        return;
      case "if": {
        const soft = { ...place, soft: true };
        for (const { test, body } of statement.branches) {
          this.#expression(test, soft);
          this.statements(body, soft);
        }
        this.statements(statement.otherwise, soft);
        return;
      }
      case "with":
        for (const [target, value] of statement.values) {
          this.#expression(value, place);
          this.#target(target, place);
        }
        this.statements(statement.body, hard);
        return;
      case "autoescape":
        this.#expression(statement.value, hard);
        this.statements(statement.body, hard);
        return;
      case "block":
        if (this.#blocks.has(statement.name)) fail(`block '${statement.name}' defined twice`, line);
        this.#blocks.add(statement.name);
        this.statements(statement.body, own);
        return;
      case "macro":
        if (place.loopNamed && statement.name === "loop") this.#target({ kind: "store", name: "loop", line }, place);
        this.#signature(statement.signature, own, line);
        this.statements(statement.body, own);
        return;
      case "callBlock":
        this.#signature(statement.signature, own, line);
        this.#expression(statement.call, place);
        this.statements(statement.body, own);
        return;
      case "filterBlock":
        this.#expression(statement.filter, hard);
        this.statements(statement.body, hard);
        return;
      case "generation":
        this.statements(statement.body, own);
        return;
      case "break":
      case "continue":
        if (place.inLoop) return;
        fail(statement.kind === "break" ? "'break' outside loop" : "'continue' not properly in loop", line);
        return;
    }
  }

  #for(node: Extract<Statement, { kind: "for" }>, place: Place): void {
    const inner = { soft: false, inLoop: true, loopNamed: true };
    this.#target(node.target, inner);
    this.#expression(node.iter, place);
    if (node.test) this.#expression(node.test, inner);
    this.statements(node.body, inner);
    this.statements(node.otherwise, { soft: false, inLoop: place.inLoop && !node.recursive, loopNamed: true });
  }

  #target(target: Target, place: Place): void {
    if (target.kind === "tuple") for (const item of target.items) this.#target(item, place);
    else if (target.kind === "store" && target.name === "loop" && place.loopNamed) {
      fail("Can't assign to special loop variable in for-loop target", target.line);
    }
  }

  #signature({ parameters, defaults }: Signature, place: Place, line: number): void {
    const twice = parameters.find((name, i) => parameters.indexOf(name) < i);
    if (twice !== undefined) fail(`duplicate argument '${twice}' in function definition`, line);
    for (const value of defaults) this.#expression(value, place);
  }

  #expression(node: Expression, place: Place): void {
    switch (node.kind) {
      case "const":
      case "name":
        return;
      case "list":
      case "tuple":
      case "concat":
        for (const item of node.items) this.#expression(item, place);
        return;
      case "dict":
        for (const item of node.items.flat()) this.#expression(item, place);
        return;
      case "attribute":
      case "unary":
      case "not":
        this.#expression(node.node, place);
        return;
      case "item":
        this.#expression(node.node, place);
        this.#expression(node.key, place);
        return;
      case "slice":
        for (const part of [node.start, node.stop, node.step]) if (part) this.#expression(part, place);
        return;
      case "call":
        this.#expression(node.node, place);
        this.#call(node.call, place, node.line);
        return;
      case "filter":
        if (!place.soft && !filterNames.has(node.name)) fail(`No filter named '${node.name}'.`, node.line);
        if (node.node) this.#expression(node.node, place);
        this.#call(node.call, place, node.line);
        return;
      case "test":
        if (!place.soft && !tests.has(node.name)) fail(`No test named '${node.name}'.`, node.line);
        this.#expression(node.node, place);
        this.#call(node.call, place, node.line);
        return;
      case "binary":
      case "and":
      case "or":
        this.#expression(node.left, place);
        this.#expression(node.right, place);
        return;
      case "compare":
        this.#expression(node.node, place);
        for (const [, operand] of node.rest) this.#expression(operand, place);
        return;
      case "condition": {
        const soft = { ...place, soft: true };
        this.#expression(node.test, soft);
        this.#expression(node.whenTrue, soft);
        if (node.otherwise) this.#expression(node.otherwise, soft);
      }
    }
  }

  #call({ args, kwargs, dynArgs, dynKwargs }: Call, place: Place, line: number): void {
    const names = kwargs.map(([name]) => name);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) fail(`keyword argument repeated: ${twice}`, line);
    for (const value of [...args, ...kwargs.map(([, value]) => value)]) this.#expression(value, place);
    if (dynArgs) this.#expression(dynArgs, place);
    if (dynKwargs) this.#expression(dynKwargs, place);
  }
}
