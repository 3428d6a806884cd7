/** Sampling without chance and without any change to the logits, for measurements. */
import type { SamplerOptions } from "./contract.js";

export const greedySampler: SamplerOptions = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyLastN: 0,
  seed: 0,
  logitBias: [],
};
