/**
 * Renders a model's chat template, which is a program from a file that somebody else wrote: bounded in time and size, and
 * whatever goes wrong in it is CHAT_TEMPLATE_FAILED. Knows nothing of tokens.
 */
import { createContext, Script } from "node:vm";
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { HearthError } from "../base/errors.js";
import { templateGlobals } from "./template-globals.js";

export interface TemplateLimits {
  readonly timeoutMs: number;
  readonly outputChars: number;
}

/** Templates take some milliseconds; the output limit is beyond any context. */
export const templateLimits: TemplateLimits = { timeoutMs: 2_000, outputChars: 16 * 1024 * 1024 };

export class ChatTemplate {
  readonly source: string;
  readonly #program: ReturnType<typeof parse>;
  readonly #limits: TemplateLimits;
  readonly #now: () => Date;
  // A script of node:vm can be stopped, and stops what it calls as well.
  readonly #call = new Script("render()");
  readonly #context: { render?: () => string } = createContext({});

  /** Throws CHAT_TEMPLATE_FAILED if the template cannot be parsed. */
  constructor(source: string, limits: TemplateLimits = templateLimits, now: () => Date = () => new Date()) {
    this.source = source;
    this.#limits = limits;
    this.#now = now;
    try {
      // As transformers sets Jinja2 up.
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      throw failed(`The model's chat template cannot be parsed: ${reason(error)}.`, error);
    }
  }

  /** Throws CHAT_TEMPLATE_FAILED with the template's own words when it refuses the messages. */
  render(variables: Readonly<Record<string, unknown>>): string {
    this.#context.render = () => this.#run({ ...templateGlobals(this.#now), ...variables });
    let text: string;
    try {
      text = this.#call.runInContext(this.#context, { timeout: this.#limits.timeoutMs });
    } catch (error) {
      if (isTimeout(error)) {
        throw failed(`The model's chat template did not end within ${this.#limits.timeoutMs} ms.`, error);
      }
      throw failed(`The model's chat template refused the messages: ${reason(error)}.`, error);
    } finally {
      delete this.#context.render;
    }
    if (text.length > this.#limits.outputChars) {
      throw failed(`The model's chat template made a prompt of ${text.length} characters.`);
    }
    return text;
  }

  #run(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    return String(new Interpreter(environment).run(this.#program).value);
  }
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
