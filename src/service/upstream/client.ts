/**
 * HTTP to one upstream: its key goes to its own address and nowhere else, no redirect is followed, nothing that it
 * sends is longer than a limit, and no wait is longer than its time.
 */
import { settlesWithin } from "../../base/async.js";
import type { Clock } from "../../base/clock.js";
import { type ErrorCode, HearthError } from "../../base/errors.js";
import { type Answer, exchange } from "../../base/http/exchange.js";
import { type FailureKind, toFailure } from "../../base/http/failure.js";

export interface ClientOptions {
  readonly name: string;
  /** Without a slash at its end. */
  readonly url: string;
  /** Empty for none. */
  readonly apiKey: string;
  readonly connectMs: number;
  /** To the first piece of an answer: a prompt may be long, and others may wait there. */
  readonly firstTokenMs: number;
  /** Between two pieces. */
  readonly idleMs: number;
}

/** Beside UPSTREAM_UNREACHABLE. */
const codesOfFailures: { readonly [kind in FailureKind]?: ErrorCode } = {
  late: "UPSTREAM_TIMEOUT",
  closed: "UPSTREAM_FAILED",
  malformed: "UPSTREAM_BAD_RESPONSE",
};

const longestBody = 64 * 1024 * 1024;
/** One piece of a stream. */
const longestLine = 1024 * 1024;
const longestError = 64 * 1024;

export class UpstreamClient {
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  /** Ends what is under way. */
  readonly #closed = new AbortController();

  constructor(options: ClientOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** The JSON of an answer. `limitMs`: to its end. */
  async json(method: "GET" | "POST", path: string, body: object | null, limits: JsonLimits): Promise<unknown> {
    const controller = new AbortController();
    const stop = linked([limits.signal, this.#closed.signal], controller);
    try {
      const read = async () => {
        const response = await this.#send(method, path, body, controller.signal);
        return JSON.parse(await textOf(response.body, longestBody));
      };
      return await this.#within(read(), limits.limitMs, controller);
    } catch (error) {
      throw this.#toError(error, limits.signal);
    } finally {
      stop();
    }
  }

  /** The data of an answer's server-sent events, parsed, up to `[DONE]`. Leaving the loop ends the request. */
  async *events(path: string, body: object, signal: AbortSignal): AsyncGenerator<unknown> {
    const { firstTokenMs, idleMs } = this.#options;
    const controller = new AbortController();
    const stop = linked([signal, this.#closed.signal], controller);
    try {
      const response = await this.#within(this.#send("POST", path, body, controller.signal), firstTokenMs, controller);
      if (!String(response.headers["content-type"]).startsWith("text/event-stream")) {
        throw this.#error("UPSTREAM_BAD_RESPONSE", "its answer is no stream of events");
      }
      const lines = dataLines(response.body);
      let limitMs = firstTokenMs;
      for (;;) {
        const { done, value } = await this.#within(lines.next(), limitMs, controller);
        if (done || value === "[DONE]") return;
        yield JSON.parse(value);
        limitMs = idleMs;
      }
    } catch (error) {
      throw this.#toError(error, signal);
    } finally {
      stop();
      controller.abort();
    }
  }

  close(): void {
    this.#closed.abort(new HearthError("SHUTTING_DOWN", "The daemon is stopping."));
  }

  async #send(method: "GET" | "POST", path: string, body: object | null, signal: AbortSignal) {
    const { url, apiKey, connectMs } = this.#options;
    // Our own clock watches the rest of the times.
    const answer = await exchange(new URL(`${url}${path}`), {
      method,
      headers: {
        accept: "application/json, text/event-stream",
        ...(body && { "content-type": "application/json" }),
        ...(apiKey && { authorization: `Bearer ${apiKey}` }),
      },
      body: body && JSON.stringify(body),
      addresses: "any",
      proxy: null,
      ...{ connectMs, lookupMs: connectMs, headMs: null, idleMs: null, signal },
    });
    if (answer.status !== 200) throw await this.#refusal(answer);
    return answer;
  }

  async #refusal({ status, headers, body }: Answer): Promise<HearthError> {
    const said = messageOf(await textOf(body, longestError).catch(() => ""));
    const words = said === "" ? `status ${status}` : `status ${status}: ${said}`;
    if (status === 429 || status === 503) {
      const seconds = Number(headers["retry-after"]);
      const retry = Number.isInteger(seconds) && seconds > 0 ? { retryAfterSeconds: Math.min(seconds, 3600) } : {};
      return this.#error("UPSTREAM_BUSY", words, retry);
    }
    // The refusal concerns our key, not the client's.
    if (status === 401 || status === 403) return this.#error("UPSTREAM_FAILED", "it refuses the key that it was sent");
    if (status === 404) return this.#error("UPSTREAM_REFUSED", words, { param: "model" });
    if (status >= 400 && status < 500) return this.#error("UPSTREAM_REFUSED", words);
    if (status >= 300 && status < 400) {
      return this.#error("UPSTREAM_BAD_RESPONSE", `status ${status}: redirects are not followed`);
    }
    return this.#error("UPSTREAM_FAILED", words);
  }

  async #within<T>(promise: Promise<T>, limitMs: number, controller: AbortController): Promise<T> {
    if ((await settlesWithin(promise, limitMs, this.#clock)) === "settled") return promise;
    promise.catch(() => {}); // what the abort makes of it is not news
    controller.abort();
    throw this.#error("UPSTREAM_TIMEOUT", `nothing came for ${Math.round(limitMs / 1000)} seconds`);
  }

  #toError(error: unknown, signal: AbortSignal | null): HearthError {
    if (signal?.aborted) return new HearthError("REQUEST_CANCELLED", "The request was cancelled.");
    if (error instanceof HearthError) return error;
    if (error instanceof SyntaxError) return this.#error("UPSTREAM_BAD_RESPONSE", "its answer is not JSON");
    if (error instanceof TooLong) return this.#error("UPSTREAM_BAD_RESPONSE", "its answer is too long");
    const { kind, message } = toFailure(error);
    return this.#error(codesOfFailures[kind] ?? "UPSTREAM_UNREACHABLE", `it ${message}`, { cause: error });
  }

  #error(code: ErrorCode, reason: string, more: { param?: string; cause?: unknown; retryAfterSeconds?: number } = {}) {
    return new HearthError(code, `The upstream ${this.#options.name}: ${reason}.`, more);
  }
}

export interface JsonLimits {
  readonly limitMs: number;
  readonly signal: AbortSignal | null;
}

class TooLong extends Error {}

/** Aborts `controller` with the first of the signals; the result undoes that. */
function linked(signals: readonly (AbortSignal | null)[], controller: AbortController): () => void {
  const abort = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal?.aborted) controller.abort(signal.reason);
    signal?.addEventListener("abort", abort, { once: true });
  }
  return () => {
    for (const signal of signals) signal?.removeEventListener("abort", abort);
  };
}

async function textOf(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > limit) throw new TooLong();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** WHATWG HTML, section 9.2; of an event only the data counts here, and each has one line. */
async function* dataLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    rest += decoder.decode(piece, { stream: true });
    if (rest.length > longestLine) throw new TooLong();
    const lines = rest.split(/\r\n|\r(?!$)|\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) yield line.slice("data:".length).trim();
  }
  return undefined;
}

/** The message of an error body, in the forms that servers have. */
function messageOf(text: string): string {
  let message: unknown;
  try {
    const body = JSON.parse(text);
    message = body?.error?.message ?? body?.error ?? body?.message ?? body?.detail;
  } catch {
    return "";
  }
  return typeof message === "string"
    ? message
        .replace(/\p{Cc}+/gu, " ")
        .slice(0, 200)
        .replace(/\.$/, "")
    : "";
}
