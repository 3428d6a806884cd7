/**
 * The log of who was turned away and why. A flood of requests must not become a flood of lines on a memory card: each refusal is
 * logged once a minute, with how many there were since.
 */
import type { Clock } from "../base/clock.js";
import type { ErrorCode, HearthError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";

/** Somebody who was turned away at the door; what else goes wrong with a request is between it and its client. */
const logged: ReadonlySet<ErrorCode> = new Set([
  "HOST_REFUSED",
  "ORIGIN_REFUSED",
  "API_KEY_INVALID",
  "KEY_SCOPE_MISSING",
  "RATE_LIMITED",
  "TOO_MANY_SOCKETS",
  "TOO_MANY_CONNECTIONS",
]);
const minuteMs = 60_000;
/** Different refusals that a minute's log tells apart. */
const maxKinds = 20;
/** The name that a stranger chose is not repeated at any length. */
const maxDetail = 200;

interface Seen {
  /** Not logged yet. */
  count: number;
  /** On the clock's monotonic scale. */
  loggedAt: number;
}

export class RefusalLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #seen = new Map<string, Seen>();

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `from`: the address; `page`: the origin or host that was refused. */
  note(error: HearthError, from: string, page = ""): void {
    if (!logged.has(error.code)) return;
    const now = this.#clock.now();
    const detail = page.slice(0, maxDetail);
    const seen = this.#entry(`${error.code} ${detail}`, now);
    if (!seen) return;
    seen.count++;
    if (now - seen.loggedAt < minuteMs) return;
    const { code, message } = error;
    this.#logger.warn({ code, from, ...(detail && { page: detail }), times: seen.count, reason: message }, "refused");
    seen.loggedAt = now;
    seen.count = 0;
  }

  /** undefined: too many different ones in this minute. */
  #entry(kind: string, now: number): Seen | undefined {
    const known = this.#seen.get(kind);
    if (known) return known;
    if (this.#seen.size >= maxKinds) {
      for (const [other, { loggedAt }] of this.#seen) if (now - loggedAt >= minuteMs) this.#seen.delete(other);
    }
    if (this.#seen.size >= maxKinds) return undefined;
    const fresh = { count: 0, loggedAt: Number.NEGATIVE_INFINITY };
    this.#seen.set(kind, fresh);
    return fresh;
  }
}
