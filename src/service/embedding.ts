/** A text as a vector: the mean of the model's last hidden states, scaled to length 1. */
import { HearthError } from "../base/errors.js";
import type { LoadedModel } from "./model-host.js";
import { queueing } from "./queueing.js";
import { defaultSampling, type Embedding, type EmbeddingRequest } from "./types.js";

/** Throws CONTEXT_OVERFLOW, TOKEN_OUT_OF_RANGE, REQUEST_UNSUPPORTED for other dimensions, and what the scheduler throws. */
export async function embed(
  { model, scheduler, prompts, promptLimit }: LoadedModel,
  request: EmbeddingRequest,
): Promise<Embedding> {
  const { input, signal, dimensions = model.info.embedding } = request;
  checkDimensions(model.info, dimensions);
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
    if (event.type === "pooled") {
      return { vector: normalized(event.mean.subarray(0, dimensions)), promptTokens: prompt.length };
    }
  }
  throw new HearthError("INTERNAL", "The embedding ended without a vector.");
}

/** The names of models whose vectors were trained to be cut (Matryoshka, arXiv:2205.13147); no key of a file says so. */
const cuttable =
  /qwen3.?embedding|embedding.?gemma|nomic.?embed.?text.?v1\.5|jina.?embeddings.?v3|mxbai.?embed.?large/i;

function checkDimensions({ name, embedding }: LoadedModel["model"]["info"], dimensions: number): void {
  if (dimensions === embedding || (dimensions < embedding && cuttable.test(name))) return;
  const message = `The model's vectors have ${embedding} dimensions and cannot be given ${dimensions}.`;
  throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "dimensions" });
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
