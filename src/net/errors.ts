/** Errors on their way out: what a client is told, and the headers that go with it. */

import { HearthError } from "../base/errors.js";
import { excerpt } from "../base/excerpt.js";
import { fromSystemError } from "../base/files.js";

/** Seconds after which a client may try again what failed for the moment. */
const usualRetrySeconds = 5;

/** Worth an error in the log. Being busy is not: a flood of requests must not become a flood of log lines. */
export function isFault({ kind }: HearthError): boolean {
  return kind.status >= 500 && !kind.retryable;
}

export interface WireError {
  readonly type: string;
  readonly code: string;
  /** The fault, and the action to take. */
  readonly message: string;
  readonly param: string | null;
}

/** Anything thrown, as an error of the catalogue. The words of an unknown error stay in the log. */
export function toHearthError(error: unknown): HearthError {
  if (error instanceof HearthError) return error;
  const refused = fromSystemError(error);
  // Which file it was stays in the log, too.
  if (refused) return new HearthError(refused.code, "The daemon cannot use one of its files.", { cause: error });
  return new HearthError("INTERNAL", "The daemon failed to answer this request.", { cause: error });
}

export function wireError(error: HearthError): WireError {
  const { kind } = error;
  return {
    type: kind.status >= 500 ? "server_error" : "invalid_request_error",
    code: kind.wireCode,
    message: `${error.message} ${error.advice}`,
    param: error.param,
  };
}

export function errorHeaders({ kind, code, retryAfterSeconds }: HearthError): Record<string, string> {
  return {
    ...((kind.retryable || kind.status === 429) && { "retry-after": String(retryAfterSeconds ?? usualRetrySeconds) }),
    ...(code === "API_KEY_INVALID" && { "www-authenticate": "Bearer" }),
  };
}

/** The catalogue's error for one that fastify throws before a handler runs. */
export function fromFastifyError(error: unknown): HearthError {
  if (error instanceof HearthError || !(error instanceof Error)) return toHearthError(error);
  const code = "code" in error ? error.code : undefined;
  const statusCode = "statusCode" in error ? error.statusCode : undefined;
  // Fastify ends what it was sending when the client goes, and takes that for an error while nothing of it is sent.
  if (code === "ERR_STREAM_PREMATURE_CLOSE") {
    return new HearthError("REQUEST_CANCELLED", "The client went away before the answer began.", { cause: error });
  }
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new HearthError("REQUEST_TOO_LARGE", "The body is too large.");
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new HearthError("CONTENT_TYPE_UNSUPPORTED", "The body's Content-Type is not JSON.");
  }
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new HearthError("REQUEST_INVALID", `The request is malformed: ${excerpt(error.message, 160)}.`, {
      cause: error,
    });
  }
  return toHearthError(error);
}
