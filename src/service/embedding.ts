/** A text as a vector: the mean of the model's last hidden states, scaled to length 1. */
import { HearthError } from "../base/errors.js";
import type { Model } from "../engine/contract.js";
import type { ServingModel } from "./serving-model.js";
import { defaultSampling, type Embedding, type EmbeddingRequest } from "./types.js";

/** Throws CONTEXT_OVERFLOW, TOKEN_OUT_OF_RANGE, REQUEST_UNSUPPORTED for other dimensions, and what the scheduler throws. */
export async function embed(
  { model, scheduler, prompts, promptLimit }: ServingModel,
  request: EmbeddingRequest,
): Promise<Embedding> {
  const { input, signal, dimensions = model.info.embedding } = request;
  checkDimensions(model.info, dimensions);
  scheduler.checkAccepts();
  const content =
    typeof input === "string" ? (request.truncate ? input.slice(0, promptLimit.mostCharacters) : input) : "";
  const messages = [{ role: "user", content }];
  if (!request.truncate) promptLimit.check(messages);
  const whole =
    typeof input === "string" ? (await prompts.build(messages, { raw: true })).tokens : Int32Array.from(input);
  const prompt = request.truncate ? cut(whole, promptLimit.contextTokens, model) : whole;
  promptLimit.checkTokens(prompt.length);
  const stream = scheduler.submit({
    prompt,
    sampler: { ...defaultSampling, seed: 0 },
    maxTokens: 0,
    pooling: true,
    stopTokens: new Set(),
    cacheKey: null,
    signal,
    demand: request.demand,
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

function checkDimensions({ name, embedding }: ServingModel["model"]["info"], dimensions: number): void {
  if (dimensions === embedding || (dimensions < embedding && cuttable.test(name))) return;
  const message = `The model's vectors have ${embedding} dimensions and cannot be given ${dimensions}.`;
  throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "dimensions" });
}

/** The first tokens; where texts end with a token that says so, a cut one does, too. */
function cut(tokens: Int32Array, limit: number, { info: { tokenizer } }: Model): Int32Array {
  if (tokens.length <= limit) return tokens;
  const kept = tokens.slice(0, limit);
  if (tokenizer.addEos && tokenizer.eos !== null) kept[limit - 1] = tokenizer.eos;
  return kept;
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
