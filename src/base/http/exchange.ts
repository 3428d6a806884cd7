/**
 * One request over HTTP and its answer, by Node's own client, on a connection of its own: no answer begins with what another
 * one left over, and no connection turns out to be dead. Whatever the other side does, and whenever it closes, comes out as a
 * HttpFailure. Follows no redirects.
 */
import { type IncomingHttpHeaders, request } from "node:http";
import type { Socket } from "node:net";
import { Body } from "./body.js";
import { type ConnectOptions, connect } from "./connect.js";
import { HttpFailure, secondsOf, toFailure } from "./failure.js";

export interface ExchangeOptions extends ConnectOptions {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Milliseconds from the connection to the whole head of the answer; null: any. */
  readonly headMs: number | null;
  /** Milliseconds for each piece of the body; null: any. */
  readonly idleMs: number | null;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Has to be read or destroyed. */
  readonly body: Body;
}

/** Throws HttpFailure, and what the signal was aborted with. */
export async function exchange(url: URL, options: ExchangeOptions): Promise<Answer> {
  const { connectMs, headMs, signal } = options;
  signal.throwIfAborted();
  const controller = new AbortController();
  const follow = () => controller.abort(signal.reason);
  signal.addEventListener("abort", follow, { once: true });
  const leave = () => signal.removeEventListener("abort", follow);
  try {
    const socket = await within(connectMs, "gives no connection", controller, connect(url, options, controller.signal));
    socket.once("close", leave);
    return await within(headMs, "does not answer", controller, ask(socket, url, options, controller.signal));
  } catch (error) {
    leave();
    controller.abort(error); // ends what was begun
    throw error instanceof HttpFailure || signal.aborted ? error : toFailure(error);
  }
}

/** Aborts when the promise takes longer; it is to reject then. */
async function within<T>(
  limitMs: number | null,
  what: string,
  controller: AbortController,
  promise: Promise<T>,
): Promise<T> {
  if (limitMs === null) return promise;
  const late = () => controller.abort(new HttpFailure("late", `${what} within ${secondsOf(limitMs)}`));
  const timer = setTimeout(late, limitMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function ask(socket: Socket, url: URL, options: ExchangeOptions, signal: AbortSignal): Promise<Answer> {
  const { method, headers, body, idleMs } = options;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.destroy();
      reject(signal.aborted ? signal.reason : error);
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const asked = request({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, connection: "close", ...headers },
    });
    // These listeners stay, for what comes after the answer began: the body tells of it.
    asked.on("error", (error) => fail(toFailure(error)));
    asked.on("close", () => fail(new HttpFailure("closed", "closed the connection without an answer")));
    asked.once("response", (message) => {
      signal.removeEventListener("abort", abort);
      resolve({
        status: message.statusCode ?? 0,
        headers: message.headers,
        body: new Body(message, socket, idleMs, signal),
      });
    });
    asked.end(body ?? undefined);
  });
}
