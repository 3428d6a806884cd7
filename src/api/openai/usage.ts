/** Counts and times of answers, as OpenAI's and llama.cpp's clients read them. Pure. */
import type { Timings } from "../../service/timings.js";
import type { Usage } from "../../service/types.js";

/** The counts and times of one prompt and its answers. */
export function toUsage(usages: readonly Usage[]) {
  const [first] = usages;
  const sum = (count: (usage: Usage) => number) => usages.reduce((total, usage) => total + count(usage), 0);
  const promptTokens = first?.promptTokens ?? 0;
  const completionTokens = sum((usage) => usage.generatedTokens);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: first?.cachedTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: sum((usage) => usage.reasoningTokens) },
  };
}

/** The timings in llama-server's fields. Milliseconds. */
export function toTimings({ usage, promptMs, generateMs }: Timings) {
  const promptTokens = usage.promptTokens - usage.cachedTokens;
  return {
    cache_n: usage.cachedTokens,
    prompt_n: promptTokens,
    prompt_ms: promptMs,
    prompt_per_token_ms: each(promptMs, promptTokens),
    prompt_per_second: each(promptTokens, promptMs / 1000),
    predicted_n: usage.generatedTokens,
    predicted_ms: generateMs,
    predicted_per_token_ms: each(generateMs, usage.generatedTokens),
    predicted_per_second: each(usage.generatedTokens, generateMs / 1000),
  };
}

/** Clients do not expect null where a number is. */
function each(amount: number, count: number): number {
  return count > 0 ? amount / count : 0;
}
