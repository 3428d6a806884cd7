/**
 * Renders a model's chat template, which is a program from a file that somebody else wrote: bounded in steps, time and size,
 * and whatever goes wrong in it is CHAT_TEMPLATE_FAILED. Knows nothing of tokens. Runs where it is called; the daemon calls it
 * on a thread of its own only (template-thread.ts).
 */
import { HearthError } from "../base/errors.js";
import { Budget, type BudgetLimits, withBudget } from "./jinja/budget.js";
import { JinjaError, LimitError } from "./jinja/errors.js";
import { Template } from "./jinja/template.js";

export type TemplateLimits = BudgetLimits;

/**
 * The longest published template takes some thousands of steps for a long list of tools; no context holds a text as long, and
 * all that a template makes on the way to it is a small multiple.
 */
export const templateLimits: TemplateLimits = {
  steps: 2_000_000,
  timeoutMs: 2_000,
  outputChars: 16 * 1024 * 1024,
  allocatedChars: 128 * 1024 * 1024,
};

/** The limit for a template's source; the longest published one has some 20,000. */
const maxSourceChars = 512 * 1024;

export interface ChatTemplateOptions {
  readonly limits?: TemplateLimits;
  /** Templates that write the date take it from here. */
  readonly now?: () => Date;
  /** For the parsing; by default the limits are for it alone. */
  readonly budget?: Budget;
}

/** The template has looked at the messages and does not take them; `reason` is what it says. */
export class TemplateRefusal extends HearthError {
  readonly reason: string;

  constructor(message: string, reason: string, cause?: unknown) {
    super("CHAT_TEMPLATE_FAILED", message, { cause });
    this.reason = reason;
  }
}

export class ChatTemplate {
  readonly source: string;
  readonly #template: Template;
  readonly #limits: TemplateLimits;
  readonly #now: () => Date;

  /** Throws CHAT_TEMPLATE_FAILED if the template cannot be parsed. */
  constructor(source: string, { limits = templateLimits, now = () => new Date(), budget }: ChatTemplateOptions = {}) {
    this.source = source;
    this.#limits = limits;
    this.#now = now;
    if (source.length > maxSourceChars) throw failed(`has more than ${maxSourceChars} characters`);
    this.#template = bounded(
      budget ?? new Budget(limits),
      () => new Template(source),
      (error) => failed(`cannot be parsed: ${reasonOf(error)}`, error),
    );
  }

  /**
   * Throws CHAT_TEMPLATE_FAILED; as a TemplateRefusal when the template refuses the messages. `budget`: by default every
   * rendering has the limits for itself.
   */
  render(
    variables: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>,
    budget = new Budget(this.#limits),
  ): string {
    const entries = variables instanceof Map ? variables : Object.entries(variables);
    return bounded(
      budget,
      () => this.#template.render(entries, this.#now),
      (error) =>
        new TemplateRefusal(
          `The model's chat template refused the messages: ${reasonOf(error)}.`,
          error.message,
          error,
        ),
    );
  }
}

function bounded<T>(budget: Budget, body: () => T, refused: (error: JinjaError) => HearthError): T {
  try {
    return withBudget(budget, body);
  } catch (error) {
    if (error instanceof LimitError) throw failed(error.message, error);
    if (error instanceof JinjaError) throw refused(error);
    throw error;
  }
}

const failed = (what: string, cause?: unknown): HearthError =>
  new HearthError("CHAT_TEMPLATE_FAILED", `The model's chat template ${what}.`, { cause });

/** The first line of an error, without its full stop, cut to a length fit for a log. */
function reasonOf({ message, line, type }: JinjaError): string {
  const text = (message.split("\n")[0] ?? "").slice(0, 200).replace(/\.$/, "");
  // The template's own message is for the writer of the conversation; every other one is for who mends the template.
  return line === null || type === "TemplateError" ? text : `${text} (line ${line})`;
}
