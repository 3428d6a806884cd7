/** A plan in one or two lines for people. */
import { formatBytes, formatDuration, formatShort } from "../../base/figures.js";
import type { MemoryPlan } from "../../engine/contract.js";
import type { Prediction } from "./predict.js";
import type { Sizes } from "./sizes.js";

/** `2.4 of 3.8 GB of weights stay in memory, 1.4 GB are read for each token; context 4096 (not 8192), 4 slots, KV cache q8_0, 310 MB`. */
export function describeMemory(plan: MemoryPlan, wished: Sizes): string {
  return `${describeWeights(plan)}; ${describeSizes(plan, wished)}`;
}

function describeWeights({ weightBytes, keptBytes, streamedBytes, experts }: MemoryPlan): string {
  if (streamedBytes === 0) return `all ${formatBytes(weightBytes)} of weights fit in memory`;
  const read = experts > 0 ? "the experts that are not there are read" : `${formatBytes(streamedBytes)} are read`;
  return `${formatBytes(keptBytes)} of ${formatBytes(weightBytes)} of weights stay in memory, ${read} for each token`;
}

function describeSizes({ options, kvBytes }: MemoryPlan, wished: Sizes): string {
  const { contextTokens, maxSequences, kvType = "f16", prefixBytes = 0 } = options;
  const instead = (value: number | string, wish: number | string) =>
    value === wish ? `${value}` : `${value} (not ${wish})`;
  const slots = `${instead(maxSequences, wished.slots)} slot${maxSequences === 1 ? "" : "s"}`;
  const context = contextTokens < wished.contextTokens ? instead(contextTokens, wished.contextTokens) : contextTokens;
  const prefixes =
    prefixBytes === wished.prefixBytes ? "" : `, ${formatBytes(prefixBytes)} for prompts that come again`;
  return `context ${context}, ${slots}, KV cache ${instead(kvType, wished.kvType)}, ${formatBytes(kvBytes)}${prefixes}`;
}

/** `about 0.31 tokens a second, 33 s to the first one after a prompt of 1,000`; null where the speed is not known. */
export function describeSpeed({ secondsPerToken, firstTokenSeconds, promptTokens }: Prediction): string | null {
  if (secondsPerToken === null || firstTokenSeconds === null) return null;
  const speed = `about ${formatShort(1 / secondsPerToken)} tokens a second`;
  const prompt = promptTokens.toLocaleString("en");
  return `${speed}, ${formatDuration(firstTokenSeconds)} to the first one after a prompt of ${prompt}`;
}
