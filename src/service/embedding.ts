/** A text as a vector: the mean of the model's last hidden states, scaled to length 1. */
import { HearthError } from "../base/errors.js";
import type { LoadedModel } from "./model-host.js";
import { queueing } from "./queueing.js";
import { defaultSampling, type Embedding, type EmbeddingRequest } from "./types.js";

/** Throws CONTEXT_OVERFLOW, TOKEN_OUT_OF_RANGE and what the scheduler throws. */
export async function embed(
  { scheduler, prompts, promptLimit }: LoadedModel,
  request: EmbeddingRequest,
): Promise<Embedding> {
  const { input, signal } = request;
  scheduler.checkAccepts();
  const messages = typeof input === "string" ? [{ role: "user" as const, content: input }] : [];
  promptLimit.check(messages);
  const prompt =
    typeof input === "string" ? (await prompts.build(messages, { raw: true })).tokens : Int32Array.from(input);
  const stream = scheduler.submit({
    prompt,
    sampler: { ...defaultSampling, seed: 0 },
    maxTokens: 0,
    pool: true,
    stopTokens: new Set(),
    cacheKey: null,
    signal,
    ...queueing(request.demand),
  });
  for await (const event of stream) {
    if (event.type === "pooled") return { vector: normalized(event.mean), promptTokens: prompt.length };
  }
  throw new HearthError("INTERNAL", "The embedding ended without a vector.");
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
