/** The one check that every request and every WebSocket passes before anything else looks at it. */
import type { IncomingHttpHeaders } from "node:http";
import { HearthError } from "../base/errors.js";
import type { AccessRules } from "./access.js";
import type { Authenticator } from "./auth.js";

export class Gate {
  readonly access: AccessRules;
  readonly #authenticator: Authenticator;

  constructor(access: AccessRules, authenticator: Authenticator) {
    this.access = access;
    this.#authenticator = authenticator;
  }

  /** Throws HOST_REFUSED, ORIGIN_REFUSED or API_KEY_INVALID. `open` routes need no key. */
  check({ host, origin, authorization }: IncomingHttpHeaders, open: boolean): void {
    if (!this.access.allowsHost(host)) {
      throw new HearthError(
        "HOST_REFUSED",
        `The Host header names ${JSON.stringify(host ?? "")}, which is not this device.`,
      );
    }
    if (!this.access.allowsOrigin(origin, host)) {
      throw new HearthError("ORIGIN_REFUSED", `Pages of ${JSON.stringify(origin)} may not use this server.`);
    }
    if (!open) this.#authenticator.check(authorization);
  }
}
