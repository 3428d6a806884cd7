/**
 * Listens as soon as that is possible: DHCP may bring an address later, and another program may still hold the port. Knows nothing of
 * what listens.
 */

import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";

export interface ListeningOptions {
  readonly clock: Clock;
  /** The limit for all waits together; after that the error is thrown. */
  readonly limitMs: number;
  /** Ends the waiting with STOPPED. */
  readonly signal: AbortSignal;
  /** Hears why it waits, each time. */
  readonly onWait: (error: HearthError, waitMs: number) => void;
}

const firstWaitMs = 500;
const longestWaitMs = 10_000;

/** Calls `listen` until it does not throw LISTEN_FAILED. Throws what it throws else, and STOPPED. */
export async function listenWhenPossible<T>(listen: () => Promise<T>, options: ListeningOptions): Promise<T> {
  const { clock, limitMs, signal, onWait } = options;
  const startedAt = clock.now();
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    if (signal.aborted) throw new HearthError("STOPPED", "The daemon was stopped before it could listen.");
    try {
      return await listen();
    } catch (error) {
      const leftMs = limitMs - (clock.now() - startedAt);
      if (!(error instanceof HearthError) || error.code !== "LISTEN_FAILED" || leftMs <= 0) throw error;
      const nextMs = Math.min(waitMs, leftMs);
      onWait(error, nextMs);
      await pause(nextMs, clock, signal);
    }
  }
}

function pause(durationMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(durationMs, resolve);
    const stop = () => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
