/**
 * Decides what a model gives back when other programs need memory, and when it may have it again: idle parts of the KV cache first,
 * then prompts that are kept for later, then weights, in steps. Pure: no clock, no engine.
 */
import type { EngineMemory } from "../../engine/contract.js";

export interface MemorySample extends EngineMemory {
  /** On any scale. */
  readonly nowMs: number;
  /** Tokens in the KV cache that no request uses: those that no second request asked for yet, and those that one did. */
  readonly idleTokens: number;
  readonly prefixTokens: number;
  /** The KV cache's room that no sequence has. */
  readonly freeKvBytes: number;
}

export type MemoryAction =
  | { readonly kind: "giveBackIdle" }
  | { readonly kind: "giveBackPrefixes" }
  | { readonly kind: "fitWeights"; readonly bytes: number }
  | { readonly kind: "holdFreeKv" };

/** Weights go and come in so many parts: each costs a new choice of what stays. */
const steps = 16;
/** Smaller models are not streamed: the ring would be a good part of them. */
const leastStreamedBytes = 64 * 1024 * 1024;
/** Less than that is no shortage: Node's heap alone comes and goes by it. */
const mostSlackBytes = 64 * 1024 * 1024;
/** From so much waiting on there is a shortage, and below so much there is none. */
const stalledPercent = 10;
const restedPercent = 1;
/** There has to be room for so long before it is taken: what was given back is dear to get again. */
const calmMs = 10_000;
/** After weights were given back for the sake of others' waiting, which is an average of ten seconds. */
const stallStepMs = 5000;

export class MemoryPolicy {
  #roomSince: number | null = null;
  #lastStallStep = Number.NEGATIVE_INFINITY;
  #gaveKv = false;
  /** The bytes that weights were told to fit into last. */
  #fitted = Number.POSITIVE_INFINITY;

  /** At most one action a look: the next one shows its effect. */
  decide(sample: MemorySample): MemoryAction | null {
    if (this.#isShort(sample)) {
      this.#roomSince = null;
      return this.#giveBack(sample);
    }
    const action = this.#couldTake(sample);
    if (action === null) {
      this.#roomSince = null;
      return null;
    }
    this.#roomSince ??= sample.nowMs;
    if (sample.nowMs - this.#roomSince < calmMs) return null;
    this.#roomSince = null;
    if (action.kind === "fitWeights") this.#fitted = action.bytes;
    else this.#gaveKv = false;
    return action;
  }

  #isShort(sample: MemorySample): boolean {
    return sample.affordableBytes < sample.heldBytes - slack(sample) || this.#othersWait(sample);
  }

  /** Waiting alone may be a program's own doing, in a group of its own: it counts where memory is not plenty either. */
  #othersWait({ stalledPercent: stalled, affordableBytes, heldBytes, weightBytes, nowMs }: MemorySample): boolean {
    const isScarce = affordableBytes < heldBytes + weightBytes / 4;
    return isScarce && (stalled ?? 0) >= stalledPercent && nowMs - this.#lastStallStep >= stallStepMs;
  }

  #giveBack(sample: MemorySample): MemoryAction | null {
    if (sample.idleTokens > 0 || sample.prefixTokens > 0) this.#gaveKv = true;
    if (sample.idleTokens > 0) return { kind: "giveBackIdle" };
    if (sample.prefixTokens > 0) return { kind: "giveBackPrefixes" };
    if (sample.weightBytes < leastStreamedBytes) return null;
    const step = Math.ceil(sample.weightBytes / steps);
    const isLacking = sample.affordableBytes < sample.heldBytes - slack(sample);
    const wanted = isLacking ? sample.affordableBytes : sample.heldBytes - step;
    if (!isLacking) this.#lastStallStep = sample.nowMs;
    const bytes = Math.max(0, Math.floor(wanted / step)) * step;
    // They may hold a little more: a ring has a least size.
    if (bytes >= sample.heldBytes || bytes >= this.#fitted) return null;
    this.#fitted = bytes;
    return { kind: "fitWeights", bytes };
  }

  #couldTake(sample: MemorySample): MemoryAction | null {
    const { affordableBytes, heldBytes, weightBytes, freeKvBytes, stalledPercent: stalled } = sample;
    if ((stalled ?? 0) >= restedPercent) return null;
    const step = Math.ceil(weightBytes / steps);
    const may = affordableBytes - slack(sample);
    if (heldBytes < weightBytes) {
      if (weightBytes < leastStreamedBytes || may < Math.min(weightBytes, heldBytes + step)) return null;
      return { kind: "fitWeights", bytes: may >= weightBytes ? weightBytes : Math.floor(may / step) * step };
    }
    return this.#gaveKv && may >= heldBytes + freeKvBytes ? { kind: "holdFreeKv" } : null;
  }
}

function slack({ heldBytes }: MemorySample): number {
  return Math.min(mostSlackBytes, heldBytes / 8);
}
