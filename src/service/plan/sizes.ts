/**
 * The sizes of an engine that a machine's memory decides about, and smaller ones to fall back on where they do not fit. Pure: what fits
 * is told by plans.
 */
import type { EngineOptions, KvType, MemoryPlan } from "../../engine/contract.js";

export interface Sizes {
  readonly contextTokens: number;
  readonly slots: number;
  readonly kvType: KvType;
  /** Memory for prompts that may come again. */
  readonly prefixBytes: number;
  /** Tokens over all slots; 0: as many as suit context and slots. */
  readonly kvTokens: number;
}

export type SizeName = keyof Sizes;

export interface Wish extends Sizes {
  /** The sizes that somebody set: they stay as they are. */
  readonly fixed: ReadonlySet<SizeName>;
}

const mib = 1024 * 1024;
/** A usual conversation. */
const usualTokens = 2048;
/** Weights are read from the file before a context gets shorter than this: a home's devices and a question have that many tokens. */
const leastWholeContext = 4096;
/** The share of the budget that all but the weights may take where weights are streamed, since these are read the more. */
const shareBesideStreamed = 1 / 3;

/** Each makes the engine smaller; what hurts least comes first. */
const steps: readonly Partial<Sizes>[] = [
  { prefixBytes: 64 * mib },
  { kvType: "q8_0" },
  { slots: 2 },
  { contextTokens: leastWholeContext },
  { prefixBytes: 0 },
  { slots: 1 },
  { contextTokens: 2048 },
  { contextTokens: 1024 },
  { contextTokens: 512 },
];

/** One long conversation fits, and as many usual ones as there are slots; requests wait for room where many are long. */
export function kvTokensFor({ kvTokens, contextTokens, slots }: Omit<Sizes, "kvType" | "prefixBytes">): number {
  return kvTokens || Math.max(contextTokens, Math.min(contextTokens, usualTokens) * slots);
}

/** The shape of a model's KV cache: bytes in 16 bits, for a token and for a sequence beside that. */
export interface KvShape {
  readonly kvBytesPerToken: number;
  readonly kvBytesPerSequence: number;
}

/** 32 values of 8 bits share a scale of 32. */
const q8Share = 36 / 64;

/** Bytes of the KV cache of a model whose header is not at hand, as the engine would plan it. */
export function estimateKvBytes(shape: KvShape, sizes: Omit<Sizes, "prefixBytes">): number {
  const perToken = shape.kvBytesPerToken * (sizes.kvType === "q8_0" ? q8Share : 1);
  return perToken * kvTokensFor(sizes) + shape.kvBytesPerSequence * sizes.slots;
}

/** The engine's options with these sizes. */
export function withSizes(engine: EngineOptions, sizes: Sizes): EngineOptions {
  const { contextTokens, slots: maxSequences, kvType, prefixBytes } = sizes;
  return { ...engine, contextTokens, maxSequences, kvType, prefixBytes, kvTokens: kvTokensFor(sizes) };
}

/** The wish itself, and then ever smaller sizes. `mayBeQ8`: whether the model's KV cache can be of q8_0. */
export function smallerAndSmaller(wish: Wish, mayBeQ8: boolean): Sizes[] {
  const { fixed, ...wished } = wish;
  const all: Sizes[] = [wished];
  for (const step of steps) {
    const last = all.at(-1) ?? wished;
    const [name, value] = Object.entries(step)[0] as [SizeName, Sizes[SizeName]];
    const isSmaller = typeof value === "number" ? value < last[name as "slots"] : last.kvType !== value && mayBeQ8;
    if (!fixed.has(name) && isSmaller) all.push({ ...last, ...step });
  }
  return all;
}

/** The least that the process takes beside its own memory: of weights that are streamed none has to stay. */
export function neededBytes(plan: MemoryPlan): number {
  const { weightBytes, streamedBytes, ringBytes } = plan;
  return besideWeights(plan) + (streamedBytes > 0 ? ringBytes : weightBytes);
}

function besideWeights({ kvBytes, prefixBytes, scratchBytes }: MemoryPlan): number {
  return kvBytes + prefixBytes + scratchBytes;
}

export function fits(plan: MemoryPlan): boolean {
  return neededBytes(plan) <= plan.budgetBytes;
}

/**
 * The place among `plans`, from the largest sizes to the smallest, of the one to take: the first with all weights in memory and a
 * context of some length; else the first that leaves most of the memory to weights; else the smallest whose context holds a usual
 * conversation; else the first that fits at all, or the last.
 */
export function choose(plans: readonly MemoryPlan[]): number {
  const wished = plans[0]?.options.contextTokens ?? 0;
  const holds = (tokens: number) => (plan: MemoryPlan) =>
    fits(plan) && plan.options.contextTokens >= Math.min(tokens, wished);
  const isWhole = (plan: MemoryPlan) => holds(leastWholeContext)(plan) && plan.streamedBytes === 0;
  const isModest = (plan: MemoryPlan) =>
    holds(usualTokens)(plan) && besideWeights(plan) <= shareBesideStreamed * plan.budgetBytes;
  const places = [
    plans.findIndex(isWhole),
    plans.findIndex(isModest),
    plans.findLastIndex(holds(usualTokens)),
    plans.findIndex(fits),
  ];
  return places.find((place) => place >= 0) ?? plans.length - 1;
}
