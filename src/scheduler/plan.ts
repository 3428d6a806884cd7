/** Decides what the next engine step runs. Pure: no clock, no engine, no text. */

export interface PlanSlot {
  readonly index: number;
  readonly phase: "prefill" | "decode";
  /** Tokens that are not in the KV cache yet. One while decoding. */
  readonly pendingTokens: number;
  /** While decoding: guesses that may ride along. */
  readonly drafts: number;
  /** Smaller is older. */
  readonly admission: number;
  /** The last pending token is to be followed by a drawn one. */
  readonly sample: boolean;
}

export interface StepBudget {
  /** Of the whole step; the engine's limit. */
  readonly batchTokens: number;
  /** Of the prompts in it; at least 1. */
  readonly prefillTokens: number;
}

export interface PlannedChunk {
  readonly slot: number;
  /** Without the drafts. */
  readonly tokens: number;
  readonly drafts: number;
  readonly sample: boolean;
}

/**
 * Decoding streams go first: a prompt may be slow, a voice must not stutter. What is left goes to the prompts in equal
 * shares, so that a short question does not wait for a long document; what a short prompt leaves goes to the longer ones.
 */
export function plan(slots: readonly PlanSlot[], budget: StepBudget): PlannedChunk[] {
  const oldestFirst = [...slots].sort((a, b) => a.admission - b.admission);
  const decoding = oldestFirst.filter((slot) => slot.phase === "decode").slice(0, budget.batchTokens);
  let batchLeft = budget.batchTokens - decoding.length;
  const chunks = decoding.map((slot): PlannedChunk => {
    const drafts = Math.min(slot.drafts, batchLeft);
    batchLeft -= drafts;
    return { slot: slot.index, tokens: 1, drafts, sample: slot.sample };
  });

  let tokensLeft = Math.min(budget.prefillTokens, batchLeft);
  const prompts = oldestFirst.filter((slot) => slot.phase === "prefill").slice(0, Math.max(tokensLeft, 0));
  // Shortest first, so that each share is final when it is given. Equal lengths keep their age order: the sort is stable.
  const shortestFirst = [...prompts].sort((a, b) => a.pendingTokens - b.pendingTokens);
  shortestFirst.forEach(({ index, pendingTokens, sample }, given) => {
    const share = Math.ceil(tokensLeft / (shortestFirst.length - given));
    const tokens = Math.min(pendingTokens, share);
    chunks.push({ slot: index, tokens, drafts: 0, sample: sample && tokens === pendingTokens });
    tokensLeft -= tokens;
  });
  return chunks;
}
