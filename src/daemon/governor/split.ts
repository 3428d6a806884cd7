/** Turns a part of full power into threads and rests. Pure. */

export interface Effort {
  /** The most threads of a step. */
  readonly threads: number;
  /** The part of the time in which steps run, above 0 and up to 1. */
  readonly workShare: number;
}

/** Rather than a thread more for so little of its power, with rests for all, no thread more. Who holds a temperature asks again. */
const spared = 0.25;

/**
 * The fewest threads that can take the power, and rests for what they would take too much. Fewer threads come first: an answer is
 * written as fast as memory is read, and the last thread warms the chip more than it hurries the answer.
 */
export function splitPower(share: number, cores: number, mostThreads: number): Effort {
  const wanted = Math.max(0, Math.min(1, share)) * cores;
  const threads = Math.max(1, Math.min(mostThreads, Math.ceil(wanted - spared)));
  return { threads, workShare: Math.min(1, wanted / threads) };
}
