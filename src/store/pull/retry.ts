/** Trying again: exponential back-off with full jitter (Brooker 2015, "Exponential Backoff And Jitter"). */
import { setTimeout as delay } from "node:timers/promises";
import { HearthError } from "../../base/errors.js";
import { secondsOf } from "../../base/http/failure.js";
import { TransientError } from "./http.js";

export interface RetryOptions {
  /** Attempts in a row that bring nothing before it is given up. */
  readonly attempts: number;
  /** The first wait is up to so long; each one after it up to twice as long. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** How long a name without an address is asked for: a network that is not there comes late or not at all. */
  readonly unresolvedMs: number;
}

export const defaultRetry: RetryOptions = { attempts: 8, firstMs: 500, longestMs: 30_000, unresolvedMs: 10_000 };

/** Hears what failed and is tried again. */
export type OnRetry = (reason: string) => void;

/** Counts the failures in a row of one piece of work, and waits after each. */
export class Retry {
  readonly #options: RetryOptions;
  readonly #onRetry: OnRetry;
  #failures = 0;
  #since = performance.now();

  constructor(options: RetryOptions, onRetry: OnRetry) {
    this.#options = options;
    this.#onRetry = onRetry;
  }

  /** Something came: what fails next is the first failure again. */
  progressed(): void {
    this.#failures = 0;
    this.#since = performance.now();
  }

  /** Waits. Throws anything but a TransientError at once, and PULL_FAILED after too many, or too long without an address. */
  async after(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!(error instanceof TransientError)) throw error;
    this.#failures++;
    const { attempts, firstMs, longestMs, unresolvedMs } = this.#options;
    const { message, isUnresolved, retryAfterMs } = error;
    const leftMs = isUnresolved ? this.#since + unresolvedMs - performance.now() : Number.POSITIVE_INFINITY;
    if (leftMs <= 0)
      throw new HearthError("PULL_FAILED", `${message}, for ${secondsOf(unresolvedMs)}.`, { cause: error });
    if (this.#failures >= attempts && !isUnresolved) {
      throw new HearthError("PULL_FAILED", `${message}, ${attempts} times in a row.`, { cause: error });
    }
    // One cut is no news: most answers that were cut go on at once.
    if (isUnresolved || this.#failures > 1) this.#onRetry(message);
    const limit = Math.min(longestMs, firstMs * 2 ** (this.#failures - 1));
    const waitMs = Math.min(retryAfterMs ?? Math.random() * limit, leftMs);
    await delay(waitMs, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
  }
}

/** Runs `action` until it works. PULL_FAILED, or what else it throws. */
export async function retrying<T>(
  options: RetryOptions,
  onRetry: OnRetry,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  const retry = new Retry(options, onRetry);
  for (;;) {
    try {
      return await action();
    } catch (error) {
      await retry.after(error, signal);
    }
  }
}
