/** Fields that several of OpenAI's requests share, their ranges, and what they mean to the service. */

import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import { inWords, oneOfForms } from "../../net/openapi-notes.js";
import { parseAt, unsupported } from "../../net/validate.js";
import { askedSampling } from "../../service/sampling.js";
import type { GenerationRequest } from "../../service/types.js";

export const shortText = z.string().max(256);
/** Requests need one, see `askedModel`, which says more than a schema could; a pinned prompt does not. */
export const modelName = shortText.nullish().meta({ type: "string", minLength: 1 });
/** For the description of a body. */
export const requires = (input: string) => ({ required: ["model", input] });
/** Ids of tokens; whether the vocabulary has them is the model's to say. */
export const tokenIds = z
  .array(
    z
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  )
  .min(1)
  .max(1_048_576)
  .meta(inWords);
const stopText = z.string().min(1).max(256);
export const maxAnswers = 8;

/** One text, or the ids of one, as a list like several. */
export function severalOf(
  input: string | readonly string[] | readonly number[] | readonly (readonly number[])[],
): readonly (string | readonly number[])[] {
  if (typeof input === "string") return [input];
  return isTokens(input) ? [input] : input;
}

function isTokens(input: readonly unknown[]): input is readonly number[] {
  return typeof input[0] === "number";
}

export const samplingFields = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  /** Negative: drawn. */
  seed: z.int().nullish(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100))
    .nullish()
    .meta(inWords),
  // Not in the public API; other local servers take them under the same names.
  /** Negative, as 0: not bounded. */
  top_k: z.int().min(-1_000_000).max(1_000_000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  typical_p: z.number().min(0).max(1).nullish(),
  repeat_penalty: z.number().min(0.01).max(10).nullish(),
  repetition_penalty: z.number().min(0.01).max(10).nullish(),
  repeat_last_n: z.int().min(-1).max(1_048_576).nullish(),
};
const samplingSchema = z.object(samplingFields);

/** Negative: no limit of the client's, as in llama.cpp and Ollama. */
export const tokenLimit = (min: 0 | 1) =>
  z
    .int()
    .min(-1_048_576)
    .max(1_048_576)
    .refine((limit) => min === 0 || limit !== 0, "Expected a number above 0, or a negative one for no limit")
    .meta(min === 0 ? {} : { not: { const: 0 } })
    .nullish();

/** The first limit that was set; null: none. */
export function toMaxTokens(...limits: readonly (number | null | undefined)[]): number | null {
  const limit = limits.find((each) => each !== null && each !== undefined) ?? -1;
  return limit < 0 ? null : limit;
}

export const answerFields = {
  n: z.int().min(1).max(maxAnswers).nullish(),
  stop: z.union([stopText, z.array(stopText).max(16)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: shortText.nullish(),
  service_tier: z.string().max(32).nullish(),
};

/** The sampling of answer `index` of several: each has a seed of its own, and a request's seed repeats them all. */
export function toSampling(request: z.infer<typeof samplingSchema>, index: number): GenerationRequest["sampling"] {
  const { seed, logit_bias: bias } = request;
  return askedSampling({
    temperature: request.temperature,
    topP: request.top_p,
    topK: typeof request.top_k === "number" ? Math.max(request.top_k, 0) : null,
    minP: request.min_p,
    typicalP: request.typical_p,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    repetitionPenalty: request.repeat_penalty ?? request.repetition_penalty,
    penaltyLastN: request.repeat_last_n,
    seed: seed === null || seed === undefined || seed < 0 ? null : seed + index,
    logitBias: bias ? Object.entries(bias).map(([token, value]) => [Number(token), value] as const) : null,
  });
}

export function toStop(stop: string | readonly string[] | null | undefined): readonly string[] {
  return typeof stop === "string" ? [stop] : (stop ?? []);
}

const textPart = z.object({ text: z.string() });
const refusalPart = z.object({ refusal: z.string() });
const anyPart = z
  .looseObject({ type: z.string().max(64) })
  .meta(
    oneOfForms(
      { type: { const: "text" }, text: { type: "string" } },
      { type: { const: "refusal" }, refusal: { type: "string" } },
    ),
  );
export const contentSchema = z.union([z.string(), z.array(anyPart).max(1024)]);

/** The text of a message's content. REQUEST_UNSUPPORTED for what is no text. */
export function toText(content: z.infer<typeof contentSchema> | null | undefined, path: string): string {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  return content.map((part, i) => partText(part, `${path}[${i}]`)).join("");
}

function partText(part: z.infer<typeof anyPart>, path: string): string {
  switch (part.type) {
    case "text":
      return parseAt(textPart, part, path).text;
    case "refusal":
      return parseAt(refusalPart, part, path).refusal;
    case "image_url":
    case "input_audio":
    case "file":
      throw unsupported(path, `content of type ${part.type}`);
    default:
      throw new HearthError("REQUEST_INVALID", `${path}: ${quoted(part.type)} is no type of content.`, {
        param: `${path}.type`,
      });
  }
}
