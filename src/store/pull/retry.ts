/** Trying again: exponential back-off with full jitter (Brooker 2015, "Exponential Backoff And Jitter"). */
import { setTimeout as delay } from "node:timers/promises";
import { HearthError } from "../../base/errors.js";
import { TransientError } from "./http.js";

export interface RetryOptions {
  /** Attempts in a row that bring nothing before it is given up. */
  readonly attempts: number;
  /** The first wait is up to so long; each one after it up to twice as long. */
  readonly firstMs: number;
  readonly longestMs: number;
}

export const defaultRetry: RetryOptions = { attempts: 8, firstMs: 500, longestMs: 30_000 };

/** Counts the failures in a row of one piece of work, and waits after each. */
export class Retry {
  readonly #options: RetryOptions;
  #failures = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Something came: what fails next is the first failure again. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Waits. Throws anything but a TransientError at once, and PULL_FAILED after too many. */
  async after(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!(error instanceof TransientError)) throw error;
    this.#failures++;
    const { attempts, firstMs, longestMs } = this.#options;
    if (this.#failures >= attempts) {
      throw new HearthError("PULL_FAILED", `${error.message}, ${attempts} times in a row.`, { cause: error });
    }
    const limit = Math.min(longestMs, firstMs * 2 ** (this.#failures - 1));
    await delay(error.retryAfterMs ?? Math.random() * limit, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
  }
}

/** Runs `action` until it works. PULL_FAILED, or what else it throws. */
export async function retrying<T>(options: RetryOptions, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  const retry = new Retry(options);
  for (;;) {
    try {
      return await action();
    } catch (error) {
      await retry.after(error, signal);
    }
  }
}
