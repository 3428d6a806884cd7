/** The one check that every request and every WebSocket passes before anything else looks at it: hosts, origins, keys, rates. */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Scope } from "../base/api-key.js";
import { HearthError } from "../base/errors.js";
import { quoted } from "../base/excerpt.js";
import type { Authenticator, Client } from "./api-key-auth.js";
import { type AccessRules, isLoopback } from "./host-and-origin.js";
import type { RateLimits } from "./rate-limits.js";

/** The scope that a route asks of its clients; `open` asks for no key, and `local` for one of `admin` unless the client is on this device. */
export type RouteScope = Scope | "open" | "local";

export interface Admission {
  readonly client: Client;
  /** To be called when the request is over. */
  readonly release: () => void;
}

export class Gate {
  #access: AccessRules;
  readonly #authenticator: Authenticator;
  readonly #rateLimits: RateLimits;
  readonly #unixSockets = new WeakSet<Duplex>();

  constructor(access: AccessRules, authenticator: Authenticator, rateLimits: RateLimits) {
    this.#access = access;
    this.#authenticator = authenticator;
    this.#rateLimits = rateLimits;
  }

  get access(): AccessRules {
    return this.#access;
  }

  /** For all requests from now on. */
  setAccess(access: AccessRules): void {
    this.#access = access;
  }

  /** For every connection of the Unix socket. A closed TCP connection has no address either, so that tells nothing. */
  trust(socket: Duplex): void {
    this.#unixSockets.add(socket);
  }

  /** Throws REQUEST_INVALID where it is not clear whom a request is for or from, HOST_REFUSED, ORIGIN_REFUSED, API_KEY_INVALID or KEY_SCOPE_MISSING. */
  check(request: IncomingMessage, scope: RouteScope): Client {
    const { headers, socket } = request;
    const { host, origin } = headers;
    checkOnce(request);
    const target = authorityOf(request.url);
    if (!this.access.allowsHost(host) || (target !== undefined && !this.access.allowsHost(target))) {
      const named = quoted(target ?? host ?? "");
      throw new HearthError("HOST_REFUSED", `The Host header names ${named}, which is not this device.`);
    }
    if (!this.access.allowsOrigin(origin, host)) {
      throw new HearthError("ORIGIN_REFUSED", `Pages of ${quoted(origin)} may not use this server.`);
    }
    const unixSocket = this.#unixSockets.has(socket);
    const address = unixSocket ? "unix" : (socket.remoteAddress ?? "");
    if (scope === "open") return { id: address, key: null, local: unixSocket };
    if (scope === "local" && (unixSocket || isOfThisDevice(request))) return { id: address, key: null, local: true };
    const { authorization, "sec-websocket-protocol": protocols } = headers;
    const needed = scope === "local" ? "admin" : scope;
    return this.#authenticator.check({ authorization, protocols, address, unixSocket }, needed);
  }

  /** Checks as check() does, and counts the request. Throws RATE_LIMITED too. */
  admit(request: IncomingMessage, scope: RouteScope): Admission {
    const client = this.check(request, scope);
    return { client, release: scope === "open" ? () => {} : this.#rateLimits.admit(client) };
  }
}

/** Headers by which a proxy on this device says that its client is elsewhere. */
const ofProxies = ["forwarded", "x-forwarded-for", "x-real-ip", "via"] as const;

/** Whether a program of this device asks, and for itself. It may have connected to the device's own address in the network. */
function isOfThisDevice({ headers, socket: { remoteAddress = "", localAddress } }: IncomingMessage): boolean {
  const isOwn = isLoopback(remoteAddress) || (remoteAddress !== "" && remoteAddress === localAddress);
  return isOwn && ofProxies.every((name) => headers[name] === undefined);
}

/** Headers that say who asks whom for what. Sent twice, a proxy may have looked at one and we at the other. */
const decisive = ["host", "authorization", "origin", "content-type"] as const;

function checkOnce({ rawHeaders, httpVersion }: IncomingMessage): void {
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  for (const name of decisive) {
    if (names.filter((other) => other === name).length > 1) {
      throw new HearthError("REQUEST_INVALID", `The header ${name} was sent more than once.`, { param: name });
    }
  }
  if (httpVersion === "1.1" && !names.includes("host")) {
    throw new HearthError("REQUEST_INVALID", "The request has no Host header.", { param: "host" });
  }
}

/** Where a request names its target as for a proxy (`GET http://host/path`), the host in it: it counts beside the header. */
function authorityOf(target: string | undefined): string | undefined {
  if (target === undefined || target.startsWith("/") || target === "*") return undefined;
  return URL.canParse(target) ? new URL(target).host : "";
}
