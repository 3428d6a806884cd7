/** POST /v1/completions: continues texts as they are, without the model's chat template. */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { inWords } from "../../net/openapi-notes.js";
import type { Server } from "../../net/server.js";
import { parseAt, unsupported } from "../../net/validate.js";
import { askedModel } from "../../service/generation.js";
import type { DrawnScore, GenerationEvent, GenerationRequest } from "../../service/types.js";
import { type AnswerWriter, type RouteDependencies, sendAnswers } from "./answers.js";
import { constraintFields, toFormat } from "./constraints.js";
import {
  answerFields,
  maxAnswers,
  modelName,
  requires,
  samplingFields,
  severalOf,
  tokenIds,
  tokenLimit,
  toMaxTokens,
  toSampling,
  toStop,
} from "./fields.js";
import { toCompletionLogprobs } from "./logprobs.js";

export const completionSchema = z.object({
  model: modelName,
  prompt: z.union([
    z.string(),
    z.array(z.string()).min(1).max(maxAnswers),
    tokenIds,
    z.array(tokenIds).min(1).max(maxAnswers).meta(inWords),
  ]),
  ...answerFields,
  ...constraintFields,
  n: answerFields.n.meta(inWords),
  ...samplingFields,
  max_tokens: tokenLimit(0),
  logprobs: z.int().min(0).max(20).nullish(),
  best_of: z.int().min(1).max(20).nullish().meta(inWords),
  echo: z.boolean().nullish().meta(inWords),
  suffix: z.string().nullish().meta(inWords),
});
type CompletionRequest = z.infer<typeof completionSchema>;

/** The public API's limit for requests that name none. */
const defaultMaxTokens = 16;

export function routeCompletions({ app }: Server, dependencies: RouteDependencies): void {
  const config = { api: { summary: "Continues texts", body: completionSchema.meta(requires("prompt")) } };
  app.post("/v1/completions", { config }, async (request, reply) => {
    const body = parseAt(completionSchema, request.body, "");
    refuseUnsupported(body);
    const model = askedModel(dependencies.generations, body.model);
    dependencies.fields.name(request, reply, completionSchema);
    return sendAnswers(
      request,
      reply,
      {
        prefix: "cmpl",
        chunkObject: "text_completion",
        object: "text_completion",
        model,
        stream: body.stream ?? false,
        includeUsage: body.stream_options?.include_usage ?? false,
        serviceTier: body.service_tier ?? null,
        answersPerPrompt: body.n ?? 1,
        toGenerations: (signal) => toGenerations(body, model, signal),
        writer: (index) => new TextWriter(index, typeof body.logprobs === "number"),
      },
      dependencies,
    );
  });
}

/** Prompt by prompt, each with its `n` answers. */
function toGenerations(request: CompletionRequest, model: string, signal: AbortSignal): GenerationRequest[] {
  const prompts = severalOf(request.prompt);
  const answers = request.n ?? 1;
  if (prompts.length * answers > maxAnswers) {
    throw new HearthError("REQUEST_INVALID", `prompt and n ask for more than ${maxAnswers} answers.`, { param: "n" });
  }
  const maxTokens = request.max_tokens ?? defaultMaxTokens;
  const format = toFormat(request);
  return prompts.flatMap((prompt) =>
    Array.from({ length: answers }, (_, index) => ({
      model,
      ...(typeof prompt === "string"
        ? { messages: [{ role: "user" as const, content: prompt }] }
        : { messages: [], promptTokens: prompt }),
      raw: true,
      format,
      sampling: toSampling(request, index),
      maxTokens: toMaxTokens(maxTokens || 1),
      stop: toStop(request.stop),
      ...(typeof request.logprobs === "number" && { topLogprobs: request.logprobs }),
      cacheKey: request.user ?? null,
      generate: maxTokens !== 0,
      inputField: "prompt",
      signal,
    })),
  );
}

class TextWriter implements AnswerWriter {
  readonly #index: number;
  readonly #wantsScores: boolean;
  readonly #scores: DrawnScore[] = [];
  #unsent: DrawnScore[] = [];
  #text = "";
  #reason: "stop" | "length" = "stop";

  constructor(index: number, wantsScores: boolean) {
    this.#index = index;
    this.#wantsScores = wantsScores;
  }

  get choice() {
    const logprobs = this.#wantsScores ? toCompletionLogprobs(this.#scores, 0) : null;
    return { index: this.#index, text: this.#text, logprobs, finish_reason: this.#reason };
  }

  take(event: GenerationEvent): readonly object[] {
    if (event.type === "token" && event.score) {
      this.#scores.push(event.score);
      this.#unsent.push(event.score);
    } else if (event.type === "text" && event.text !== "") return [this.#chunk(event.text, null)];
    else if (event.type === "done") {
      this.#reason = event.reason;
      return [this.#chunk("", event.reason)];
    }
    return [];
  }

  #chunk(text: string, reason: "stop" | "length" | null): object {
    const scores = this.#unsent;
    const logprobs = scores.length > 0 ? toCompletionLogprobs(scores, this.#text.length) : null;
    this.#unsent = [];
    this.#text += text;
    return { index: this.#index, text, logprobs, finish_reason: reason };
  }
}

function refuseUnsupported({ best_of: bestOf, n, echo, suffix }: CompletionRequest): void {
  if (bestOf && bestOf > (n ?? 1)) throw unsupported("best_of", "choosing the best of several answers");
  if (echo) throw unsupported("echo", "answers that repeat the prompt");
  if (suffix) throw unsupported("suffix", "inserting text");
}
