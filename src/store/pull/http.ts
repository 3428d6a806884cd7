/**
 * HTTP for pulls. Follows redirects itself, so that each of them is checked: no way from https to http, none to an address
 * that is not public unless the user or the configuration named that very origin, and a credential goes to its own origin
 * only. Addresses are checked again when they are connected to, since a name may change its address in between.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { isLocalAddress, isPublicAddress } from "../../base/addresses.js";
import { HearthError } from "../../base/errors.js";
import type { Body } from "../../base/http/body.js";
import { type Answer, exchange } from "../../base/http/exchange.js";
import { HttpFailure, toFailure } from "../../base/http/failure.js";
import { proxyFor } from "../../base/http/proxy.js";
import { withoutQuery } from "../model-names.js";

export interface HttpOptions {
  /** Origins that the configuration or the user named. Only these may be at addresses that are not public. */
  readonly trusted: readonly string[];
  /** Sent as a bearer token to this origin, and to no other. */
  readonly credential: { readonly origin: string; readonly token: string } | null;
  /** Milliseconds to connect, to the head of an answer, and between two pieces of it; four times as much for a whole list. */
  readonly idleMs: number;
  /** Milliseconds to find the address of a name. */
  readonly lookupMs: number;
}

export interface SourceResponse {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The headers of this answer and of the redirects before it, the last of each name: Hugging Face describes files in redirects. */
  readonly allHeaders: Readonly<Record<string, string>>;
  /** Has to be read or destroyed. */
  readonly body: Body;
}

/** An error that may be over in a moment. */
export class TransientError extends Error {
  /** The wait that the server asked for, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** The name has no address: there is no network, or no such host. */
  readonly isUnresolved: boolean;

  constructor(
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | null; isUnresolved?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.isUnresolved = options.isUnresolved ?? false;
  }
}

const mostRedirects = 6;
const redirects = [301, 302, 303, 307, 308];
const transientStatuses = [408, 425, 429];
const longestJson = 16 * 1024 * 1024;
const longestRetryAfterMs = 120_000;

export class SourceClient {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * A successful answer. PULL_REFUSED, PULL_DENIED, PULL_NOT_FOUND, PULL_BAD_RESPONSE; TransientError for what may be tried
   * again; whatever the signal was aborted with.
   */
  async get(
    url: URL,
    { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<SourceResponse> {
    let allHeaders: Record<string, string> = {};
    let current = url;
    for (let hop = 0; hop <= mostRedirects; hop++) {
      const response = await this.#send(current, headers, signal);
      allHeaders = { ...allHeaders, ...response.headers };
      if (!redirects.includes(response.status)) {
        await checkStatus(response, current);
        return { ...response, allHeaders };
      }
      response.body.destroy();
      current = nextHop(current, response.headers.location);
    }
    throw new HearthError("PULL_REFUSED", `${withoutQuery(url)} redirects more than ${mostRedirects} times.`);
  }

  /** PULL_BAD_RESPONSE when it is no JSON, or endless; else as `get`. */
  async json(
    url: URL,
    options: { headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<{ value: unknown; headers: Readonly<Record<string, string>> }> {
    const { body, headers } = await this.get(url, options);
    // It may come a byte at a time, each of them in time.
    const late = () => body.destroy(new HttpFailure("late", "takes too long for a list of files"));
    const timer = setTimeout(late, 4 * this.#options.idleMs);
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of body) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > longestJson) throw badResponse(url, "is longer than any list of files");
      }
      return { value: JSON.parse(Buffer.concat(chunks).toString("utf8")), headers };
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof SyntaxError) throw badResponse(url, "is no JSON");
      if (error instanceof HearthError) throw error;
      throw toTransient(url, error);
    } finally {
      clearTimeout(timer);
      body.destroy();
    }
  }

  async #send(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<SourceResponse> {
    const isNamed = this.#options.trusted.includes(url.origin);
    checkAddress(url, isNamed);
    const { credential, idleMs, lookupMs } = this.#options;
    const proxy = proxyFor(url);
    let answer: Answer;
    try {
      answer = await exchange(url, {
        method: "GET",
        body: null,
        headers: {
          "user-agent": "hearth",
          "accept-encoding": "identity",
          ...headers,
          ...(credential?.origin === url.origin && { authorization: `Bearer ${credential.token}` }),
        },
        addresses: isNamed ? "any" : "public",
        ...{ proxy, lookupMs, connectMs: idleMs, headMs: idleMs, idleMs, signal },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw toTransient(url, error);
    }
    const plain = plainHeaders(answer.headers);
    return { status: answer.status, headers: plain, allHeaders: plain, body: answer.body };
  }
}

/** PULL_REFUSED for what may not be asked or is not who it should be; everything else may be over in a moment. */
export function toTransient(url: URL, error: unknown): Error {
  const { kind, message } = toFailure(error);
  if (kind === "refused" || kind === "untrusted")
    return new HearthError("PULL_REFUSED", `${withoutQuery(url)} ${message}.`, { cause: error });
  return new TransientError(`${url.host} ${message}`, { cause: error, isUnresolved: kind === "unresolved" });
}

/** Plain http is for named hosts of the own network only. */
function checkAddress(url: URL, isNamed: boolean): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const refuse = (why: string) => new HearthError("PULL_REFUSED", `${withoutQuery(url)} ${why}.`);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refuse("is neither https nor http");
  if (url.username !== "" || url.password !== "") throw refuse("holds a user name or password");
  if (isNamed) {
    const isNear = isLocalAddress(host) || /(^|\.)(localhost|local|lan|internal|home\.arpa)$/i.test(host);
    if (url.protocol === "http:" && !isNear) throw refuse("is not https");
    return;
  }
  if (url.protocol === "http:") throw refuse("is not https");
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw refuse("is not a public address");
}

/** The address that a redirect leads to; PULL_REFUSED for a way from https to http. */
export function nextHop(from: URL, location: string | undefined): URL {
  // Node reads headers as Latin-1; addresses beyond ASCII come as UTF-8.
  const text = Buffer.from(location ?? "", "latin1").toString("utf8");
  if (location === undefined || !URL.canParse(text, from.href)) throw badResponse(from, "redirects to no address");
  const to = new URL(text, from);
  if (from.protocol === "https:" && to.protocol !== "https:") {
    throw new HearthError("PULL_REFUSED", `${withoutQuery(from)} redirects from https to ${withoutQuery(to)}.`);
  }
  return to;
}

async function checkStatus({ status, headers, body }: SourceResponse, url: URL): Promise<void> {
  if (status === 200 || status === 206) {
    const encoding = headers["content-encoding"];
    if (encoding === undefined || encoding === "identity") return;
    body.destroy();
    throw badResponse(url, `is encoded as ${encoding.slice(0, 40)}, which was not asked for`);
  }
  body.destroy();
  const where = withoutQuery(url);
  if (status === 404 || status === 410) throw new HearthError("PULL_NOT_FOUND", `There is no ${where}.`);
  if (status === 401 || status === 403) throw new HearthError("PULL_DENIED", `${where} answers ${status}.`);
  if (status >= 500 || transientStatuses.includes(status)) {
    throw new TransientError(`${url.host} answers ${status}`, { retryAfterMs: retryAfter(headers["retry-after"]) });
  }
  throw badResponse(url, `has the status ${status}`);
}

export function badResponse(url: URL, what: string): HearthError {
  return new HearthError("PULL_BAD_RESPONSE", `The answer of ${withoutQuery(url)} ${what}.`);
}

/** Seconds, or a date. */
function retryAfter(text: string | undefined): number | null {
  if (text === undefined) return null;
  const delayMs = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(delayMs) ? Math.min(Math.max(delayMs, 0), longestRetryAfterMs) : null;
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value[0] : value;
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(entries);
}
