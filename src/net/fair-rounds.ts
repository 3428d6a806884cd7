/**
 * Work of connections that ask for much at once, bit by bit: between two rounds the event loop serves everybody else, and accepts one
 * new connection. Knows nothing of what the work is.
 */

/** Bounds what a crowd of such connections adds to the wait of the others. */
const roundMs = 1;

const waiting: (() => void)[] = [];
let isScheduled = false;

/** Calls `work` in a later turn of the event loop, after what was handed in before. */
export function inALaterRound(work: () => void): void {
  waiting.push(work);
  if (!isScheduled) setImmediate(round);
  isScheduled = true;
}

/** Resolves then. */
export function laterRound(): Promise<void> {
  return new Promise((resolve) => inALaterRound(resolve));
}

function round(): void {
  const end = performance.now() + roundMs;
  let left = waiting.length;
  do {
    waiting.shift()?.();
    left--;
  } while (left > 0 && performance.now() < end);
  isScheduled = waiting.length > 0;
  if (isScheduled) setImmediate(round);
}
