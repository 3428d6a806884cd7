/** Decides what the next engine step runs. Pure: no clock, no engine, no text. */

export interface PlanSlot {
  readonly index: number;
  readonly phase: "prefill" | "decode";
  /** Tokens that are not in the KV cache yet. One while decoding. */
  readonly pendingTokens: number;
  /** While decoding: drafts that may ride along. */
  readonly drafts: number;
  /** Smaller is older. */
  readonly admission: number;
  /** The last pending token is to be followed by a drawn one. */
  readonly sample: boolean;
}

export interface StepBudget {
  /** The limit for the whole step, which is the engine's. */
  readonly batchTokens: number;
  /** The limit for the prompts in it. */
  readonly prefillTokens: number;
  /** Counts the steps, so that shares of less than a token come round. */
  readonly turn: number;
}

/** The oldest prompt has at least this part of what prompts are read, however many shorter ones come. */
const oldestShare = 1 / 8;

export interface PlannedChunk {
  readonly slot: number;
  /** Without the drafts. */
  readonly tokens: number;
  readonly drafts: number;
  readonly sample: boolean;
}

/**
 * Decoding streams go first: a prompt may be slow, a voice must not stutter. What is left goes to the prompt that has least left
 * to read, and then to the next one: so prompts that come together are not all as late as the last one, and a short question
 * does not wait for a long document. The oldest prompt always moves.
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

  const prompts = oldestFirst.filter((slot) => slot.phase === "prefill");
  let tokensLeft = Math.max(0, Math.min(budget.prefillTokens, batchLeft));
  const [oldest] = prompts;
  let reserved = oldest ? Math.min(oldest.pendingTokens, shareOfOldest(tokensLeft, budget.turn)) : 0;
  // Equal rests keep their age order: the sort is stable.
  for (const slot of prompts.sort((a, b) => a.pendingTokens - b.pendingTokens)) {
    if (slot === oldest) reserved = 0;
    const tokens = Math.min(slot.pendingTokens, tokensLeft - reserved);
    if (tokens === 0) continue;
    chunks.push({ slot: slot.index, tokens, drafts: 0, sample: slot.sample && tokens === slot.pendingTokens });
    tokensLeft -= tokens;
  }
  return chunks;
}

/** Whole tokens; over eight turns their sum is the share. */
function shareOfOldest(tokens: number, turn: number): number {
  return Math.floor(oldestShare * (tokens + (turn % (1 / oldestShare))));
}
