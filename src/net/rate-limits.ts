/** Limits the requests of one client: requests a minute (a token bucket) and requests at the same time. */
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Client } from "./api-key-auth.js";

interface Account {
  /** Requests that may come at once; fractions are on their way. */
  allowance: number;
  /** On the clock's monotonic scale: when the allowance was true. */
  countedAt: number;
  running: number;
}

/** Accounts beyond this are closed where they have nothing to say any more. */
const maxAccounts = 1024;
const minuteMs = 60_000;

export class RateLimits {
  readonly #clock: Clock;
  #requestsPerMinute: number;
  readonly #accounts = new Map<string, Account>();

  /** `requestsPerMinute`: of a client whose key does not say; 0 is no limit. */
  constructor(clock: Clock, requestsPerMinute: number) {
    this.#clock = clock;
    this.#requestsPerMinute = requestsPerMinute;
  }

  /** For all requests from now on. */
  setRequestsPerMinute(requestsPerMinute: number): void {
    this.#requestsPerMinute = requestsPerMinute;
  }

  /** Clients that are remembered. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Counts a request until the result is called. Throws RATE_LIMITED. */
  admit(client: Client): () => void {
    const perMinute = this.#limitOf(client);
    const concurrent = client.key?.concurrentRequests ?? Number.POSITIVE_INFINITY;
    if (perMinute === 0 && concurrent === Number.POSITIVE_INFINITY) return () => {};
    const account = this.#account(client.id, perMinute);
    if (account.running >= concurrent) {
      throw new HearthError("RATE_LIMITED", `${concurrent} requests of ${nameOf(client)} run already.`);
    }
    if (perMinute > 0) this.#spend(account, perMinute, client);
    account.running++;
    let ended = false;
    return () => {
      if (!ended) account.running--;
      ended = true;
    };
  }

  #limitOf({ key, local }: Client): number {
    // Without a key, clients on this device cannot be told from each other.
    if (key === null && local) return 0;
    return key?.requestsPerMinute ?? this.#requestsPerMinute;
  }

  #account(id: string, perMinute: number): Account {
    const now = this.#clock.now();
    const known = this.#accounts.get(id);
    if (known) {
      known.allowance = Math.min(perMinute, known.allowance + ((now - known.countedAt) / minuteMs) * perMinute);
      known.countedAt = now;
      return known;
    }
    if (this.#accounts.size >= maxAccounts) this.#forget(now);
    const account = { allowance: perMinute, countedAt: now, running: 0 };
    this.#accounts.set(id, account);
    return account;
  }

  #spend(account: Account, perMinute: number, client: Client): void {
    if (account.allowance < 1) {
      const seconds = Math.ceil(((1 - account.allowance) * minuteMs) / perMinute / 1000);
      throw new HearthError("RATE_LIMITED", `${nameOf(client)} may make ${perMinute} requests a minute.`, {
        retryAfterSeconds: seconds,
      });
    }
    account.allowance--;
  }

  /** Whoever has asked for nothing in the last minute has the whole allowance again; else the oldest has to go. */
  #forget(now: number): void {
    const idle = [...this.#accounts].filter(([, { running }]) => running === 0);
    const rested = idle.filter(([, { countedAt }]) => now - countedAt >= minuteMs);
    for (const [id] of rested.length > 0 ? rested : idle.slice(0, 1)) this.#accounts.delete(id);
  }
}

function nameOf({ id, key }: Client): string {
  return key ? `the key ${key.name}` : `the address ${id}`;
}
