/** The one check that every request and every WebSocket passes before anything else looks at it. */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Scope } from "../base/api-key.js";
import { HearthError } from "../base/errors.js";
import { quoted } from "../base/excerpt.js";
import type { AccessRules } from "./access.js";
import type { Authenticator, Caller } from "./auth.js";
import type { Quotas } from "./quotas.js";

/** What a route asks of its callers; `open` asks for no key. */
export type RouteScope = Scope | "open";

export interface Admission {
  readonly caller: Caller;
  /** To be called when the request is over. */
  readonly release: () => void;
}

export class Gate {
  readonly access: AccessRules;
  readonly #authenticator: Authenticator;
  readonly #quotas: Quotas;
  readonly #unixSockets = new WeakSet<Duplex>();

  constructor(access: AccessRules, authenticator: Authenticator, quotas: Quotas) {
    this.access = access;
    this.#authenticator = authenticator;
    this.#quotas = quotas;
  }

  /** For every connection of the Unix socket. A closed TCP connection has no address either, so that tells nothing. */
  trust(socket: Duplex): void {
    this.#unixSockets.add(socket);
  }

  /** Throws HOST_REFUSED, ORIGIN_REFUSED, API_KEY_INVALID or KEY_SCOPE_MISSING. */
  check({ headers, socket }: IncomingMessage, scope: RouteScope): Caller {
    const { host, origin } = headers;
    if (!this.access.allowsHost(host)) {
      throw new HearthError("HOST_REFUSED", `The Host header names ${quoted(host ?? "")}, which is not this device.`);
    }
    if (!this.access.allowsOrigin(origin, host)) {
      throw new HearthError("ORIGIN_REFUSED", `Pages of ${quoted(origin)} may not use this server.`);
    }
    const unixSocket = this.#unixSockets.has(socket);
    const address = unixSocket ? "unix" : (socket.remoteAddress ?? "");
    if (scope === "open") return { id: address, key: null, local: unixSocket };
    const { authorization, "sec-websocket-protocol": protocols } = headers;
    return this.#authenticator.check({ authorization, protocols, address, unixSocket }, scope);
  }

  /** The same, and counts the request. Throws RATE_LIMITED too. */
  admit(request: IncomingMessage, scope: RouteScope): Admission {
    const caller = this.check(request, scope);
    return { caller, release: scope === "open" ? () => {} : this.#quotas.admit(caller) };
  }
}
