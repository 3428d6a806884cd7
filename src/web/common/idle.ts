/** Work for when the page has nothing else to do, some pieces at a time, the newest first. */

const waiting = new Set<() => void>();
let isAsked = false;

/** Pieces are done for so long, which leaves a frame its time. */
const spentMs = 10;
/** A busy page does some so often. */
const longestMs = 500;

/** Safari has no word for idle times. */
const ask: (work: () => void) => unknown =
  "requestIdleCallback" in globalThis
    ? (work) => requestIdleCallback(work, { timeout: longestMs })
    : (work) => setTimeout(work, 20);

/** Returns what ends the waiting. */
export function whenIdle(work: () => void): () => void {
  waiting.add(work);
  askAgain();
  return () => waiting.delete(work);
}

function askAgain(): void {
  if (isAsked || waiting.size === 0) return;
  isAsked = true;
  ask(() => {
    isAsked = false;
    const end = performance.now() + spentMs;
    for (const work of [...waiting].reverse()) {
      if (!waiting.delete(work)) continue; // the work before was the end of it
      work();
      if (performance.now() >= end) break;
    }
    askAgain();
  });
}
