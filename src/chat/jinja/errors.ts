/** Errors of a template: an exception as Python has it, or a limit that the template ran into. */

/** Python's and Jinja's exception classes, as far as templates can tell them apart. */
export type ErrorType =
  | "TemplateSyntaxError"
  | "TemplateError"
  | "UndefinedError"
  | "SecurityError"
  | "TypeError"
  | "ValueError"
  | "KeyError"
  | "IndexError"
  | "AttributeError"
  | "ZeroDivisionError"
  | "OverflowError";

export class JinjaError extends Error {
  readonly type: ErrorType;
  /** The line of the template's source, counted from 1; null where it is not known. */
  line: number | null;

  constructor(type: ErrorType, message: string, line: number | null = null) {
    super(message);
    this.type = type;
    this.line = line;
  }
}

/** Not the template's opinion of the messages but ours of the template; no template can catch it. */
export class LimitError extends Error {}

export const typeError = (message: string): JinjaError => new JinjaError("TypeError", message);
export const valueError = (message: string): JinjaError => new JinjaError("ValueError", message);
export const undefinedError = (message: string): JinjaError => new JinjaError("UndefinedError", message);
