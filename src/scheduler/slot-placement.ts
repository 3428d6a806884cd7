/**
 * Finds the slot that spares the most prompt tokens: the longest common prefix with what slots hold in the KV cache.
 * Pure: knows tokens and ages, not the engine.
 */

export interface PrefixSlot {
  readonly index: number;
  /** The tokens that its sequence holds in the KV cache; empty when it has none. */
  readonly tokens: ArrayLike<number>;
  /** Busy slots can be forked from, but not taken. */
  readonly busy: boolean;
  readonly cacheKey: string | null;
  /** A count of uses: smaller was used longer ago. */
  readonly lastUsed: number;
  /** Whoever owns this machine wants it kept. */
  readonly pinned: boolean;
  /** How many of its first `tokens` tokens it can go on from: fewer in models with windows or recurrent layers. */
  resumable(tokens: number): number;
}

export interface Placement {
  /** The idle slot to take; what it holds beyond `keep` is lost. */
  readonly slot: number;
  /** The slot that has the first `keep` tokens: this one, or another one that is forked; null when `shared` is 0. */
  readonly source: number | null;
  /** The common prefix with the source. */
  readonly shared: number;
  /** The tokens of the prefix that the source can go on from. */
  readonly keep: number;
}

/** A fork spares fewer tokens than this does not pay for the slot that it takes. */
const minForkTokens = 16;

export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>, limit: number): number {
  const end = Math.min(a.length, b.length, limit);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}

/**
 * Chooses the slot that a prompt goes to; null when none is idle. At most `keepLimit` tokens are kept: the last prompt token has to be
 * computed again where an answer is to follow it.
 *
 * The source is taken over when it is idle and loses less than it keeps; else it is forked, so that a long conversation
 * survives a stranger who shares only the system prompt with it.
 */
export function place(
  slots: readonly PrefixSlot[],
  prompt: ArrayLike<number>,
  keepLimit: number,
  cacheKey: string | null,
): Placement | null {
  const candidates = slots.map((slot) => {
    const shared = commonPrefix(slot.tokens, prompt, keepLimit);
    return { slot, shared, keep: shared === 0 ? 0 : slot.resumable(shared) };
  });
  const idle = candidates.filter(({ slot }) => !slot.busy);
  if (idle.length === 0) return null;

  const isOwn = (slot: PrefixSlot) => cacheKey !== null && slot.cacheKey === cacheKey;
  const best = candidates.reduce((a, b) => {
    if (a.keep !== b.keep) return a.keep > b.keep ? a : b;
    if (a.shared !== b.shared) return a.shared > b.shared ? a : b;
    if (isOwn(a.slot) !== isOwn(b.slot)) return isOwn(a.slot) ? a : b;
    return a.slot.busy && !b.slot.busy ? b : a;
  });

  const loses = best.slot.tokens.length - best.keep;
  const others = idle.filter(({ slot }) => slot !== best.slot);
  const isKept = best.slot.pinned && others.length > 0;
  if (!best.slot.busy && best.keep > 0 && loses <= best.keep && !isKept) {
    return { slot: best.slot.index, source: best.slot.index, shared: best.shared, keep: best.keep };
  }
  // Also where nothing can be kept: the engine learns where prompts part, and can go on from there the next time.
  if (best.shared >= minForkTokens && others.length > 0) {
    const { shared, keep } = best;
    const slot = cheapestToLose(
      others.map((other) => other.slot),
      slots,
    );
    return { slot, source: best.slot.index, shared, keep };
  }
  const slot = cheapestToLose(
    idle.map((other) => other.slot),
    slots,
  );
  const own = idle.find((candidate) => candidate.slot.index === slot);
  const shared = own?.shared ?? 0;
  return { slot, source: shared > 0 ? slot : null, shared, keep: own?.keep ?? 0 };
}

/**
 * The index of the one of `slots` whose loss costs least: an empty one, else the one with the fewest tokens that no other of
 * `all` has, the longer it was not used the less they count. Pinned ones come last.
 */
export function cheapestToLose(slots: readonly PrefixSlot[], all: readonly PrefixSlot[]): number {
  const newest = Math.max(...all.map(({ lastUsed }) => lastUsed));
  const cost = (slot: PrefixSlot) => {
    if (slot.tokens.length === 0) return -1;
    if (slot.pinned) return Number.POSITIVE_INFINITY;
    const shared = all.map((other) =>
      other === slot ? 0 : commonPrefix(other.tokens, slot.tokens, slot.tokens.length),
    );
    return (slot.tokens.length - Math.max(0, ...shared)) / (1 + newest - slot.lastUsed);
  };
  return slots
    .map((slot) => ({ slot, cost: cost(slot) }))
    .reduce((a, b) => (b.cost < a.cost || (b.cost === a.cost && b.slot.lastUsed < a.slot.lastUsed) ? b : a)).slot.index;
}
