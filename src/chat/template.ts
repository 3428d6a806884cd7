/**
 * Renders a model's chat template, which is a program from a file that somebody else wrote: bounded in steps, time and size,
 * and whatever goes wrong in it is CHAT_TEMPLATE_FAILED. Knows nothing of tokens.
 */
import { createContext, Script } from "node:vm";
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { HearthError } from "../base/errors.js";
import { templateGlobals } from "./template-globals.js";

export interface TemplateLimits {
  /** Statements and expressions. The longest published template takes some thousands for a long list of tools. */
  readonly steps: number;
  /** For what takes long in few steps. */
  readonly timeoutMs: number;
  /** Of the output and of every value on the way to it; beyond any context. */
  readonly outputChars: number;
}

export const templateLimits: TemplateLimits = { steps: 2_000_000, timeoutMs: 2_000, outputChars: 16 * 1024 * 1024 };

export class ChatTemplate {
  readonly source: string;
  readonly limits: TemplateLimits;
  /** What templates that write the date take it from. */
  readonly now: () => Date;
  readonly #program: ReturnType<typeof parse>;
  // A script of node:vm can be stopped, and stops what it calls as well.
  readonly #call = new Script("render()");
  readonly #context: { render?: () => string } = createContext({});

  /** Throws CHAT_TEMPLATE_FAILED if the template cannot be parsed. */
  constructor(source: string, limits: TemplateLimits = templateLimits, now: () => Date = () => new Date()) {
    this.source = source;
    this.limits = limits;
    this.now = now;
    try {
      // As transformers sets Jinja2 up.
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      throw failed(`The model's chat template cannot be parsed: ${reason(error)}.`, error);
    }
  }

  /** Throws CHAT_TEMPLATE_FAILED with the template's own words when it refuses the messages. */
  render(variables: Readonly<Record<string, unknown>>): string {
    this.#context.render = () => this.#run({ ...templateGlobals(this.now), ...variables });
    try {
      return this.#call.runInContext(this.#context, { timeout: this.limits.timeoutMs });
    } catch (error) {
      if (error instanceof LimitError) throw failed(`The model's chat template ${error.message}.`, error);
      if (isTimeout(error)) {
        throw failed(`The model's chat template did not end within ${this.limits.timeoutMs} ms.`, error);
      }
      throw failed(`The model's chat template refused the messages: ${reason(error)}.`, error);
    } finally {
      delete this.#context.render;
    }
  }

  #run(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    return String(boundedInterpreter(environment, this.limits).run(this.#program).value);
  }
}

class LimitError extends Error {}

interface RuntimeValue {
  readonly value: unknown;
}

/** The package's interpreter comes to `evaluate` for every node of the program. */
function boundedInterpreter(environment: Environment, limits: TemplateLimits): Interpreter {
  const interpreter = new Interpreter(environment);
  const evaluate: (node: unknown, scope: unknown) => RuntimeValue = interpreter.evaluate.bind(interpreter);
  let steps = 0;
  interpreter.evaluate = (node: unknown, scope: unknown): RuntimeValue => {
    if (++steps > limits.steps) throw new LimitError(`took more than ${limits.steps} steps`);
    const result = evaluate(node, scope);
    const { value } = result;
    if ((typeof value === "string" || Array.isArray(value)) && value.length > limits.outputChars) {
      throw new LimitError(`made a ${typeof value === "string" ? "text" : "list"} of more than ${limits.outputChars}`);
    }
    return result;
  };
  return interpreter;
}

function failed(message: string, cause?: unknown): HearthError {
  return new HearthError("CHAT_TEMPLATE_FAILED", message, { cause });
}

/** The error belongs to the script's own context, so that it is no instance of this one's Error. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}

/** The first line of an error, without its full stop, cut to a length fit for a log. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? "").slice(0, 300).replace(/\.$/, "");
}
