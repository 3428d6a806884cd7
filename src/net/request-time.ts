/**
 * Limits the time that a client takes to send a request. Node's own limit is one for all requests of a server; a route that
 * takes files lifts this one, and watches itself that something comes.
 */
import type { IncomingMessage, Server } from "node:http";

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** `limits` is read for each request. */
export function limitRequestTime(server: Server, limits: { readonly requestMs: number }): void {
  server.requestTimeout = 0;
  server.prependListener("request", (request: IncomingMessage) => {
    const timer = setTimeout(() => {
      if (request.complete) return;
      // Node's own code lets the handler of malformed requests answer this one, too.
      const error = Object.assign(new Error("Request timeout"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
      if (!server.emit("clientError", error, request.socket)) request.socket.destroy();
    }, limits.requestMs);
    timers.set(request, timer);
    for (const event of ["end", "close"]) request.once(event, () => liftRequestTime(request));
  });
}

/** The request may take any time from now on. */
export function liftRequestTime(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
  timers.delete(request);
}
