/** HearthError: an error with a code of the catalogue. */
import { type ErrorKind, engineErrors, requestErrors, startErrors, storeErrors } from "./error-catalogue.js";

export type { ErrorKind } from "./error-catalogue.js";

export const errorCatalogue = { ...engineErrors, ...startErrors, ...storeErrors, ...requestErrors };

export type ErrorCode = keyof typeof errorCatalogue;

/** An error with a code of the catalogue. `message` says what was wrong; the catalogue says what to do. */
export class HearthError extends Error {
  readonly code: ErrorCode;
  /** The request field, option or key at fault, where there is one. */
  readonly param: string | null;
  /** When to try again, where that is known. */
  readonly retryAfterSeconds: number | null;
  /** The action that the user should take: the catalogue's words, unless this case has better ones. */
  readonly advice: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { param?: string; cause?: unknown; retryAfterSeconds?: number; advice?: string } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "HearthError";
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.advice = options.advice ?? errorCatalogue[code].advice;
  }

  get kind(): ErrorKind {
    return errorCatalogue[this.code];
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCatalogue, code);
}
