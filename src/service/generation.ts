/** The protocol-neutral way to an answer: a conversation in, one stream of events out. */
import { HearthError } from "../base/errors.js";
import { attempt } from "./attempt.js";
import { embed } from "./embedding.js";
import type { Models } from "./model-host.js";
import { buildPrompt } from "./prompt.js";
import type { ServingModel } from "./serving-model.js";
import type { Embedding, EmbeddingRequest, GenerationEvent, GenerationRequest, Usage } from "./types.js";

/** All that protocols may ask for. */
export interface Generations {
  /** The model's own name for a name that a client gave. Throws MODEL_NOT_FOUND. */
  resolveModel(name: string): string;
  /** Names of the models that clients may ask for. */
  models(): readonly string[];
  /**
   * Runs one request; leaving the loop, or the request's signal, cancels it. The first event comes when the request was
   * accepted: an error before it means that nothing was done.
   */
  generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined>;
  /** Tokens of the prompt that a request would have. Throws what `generate` throws. */
  countTokens(request: GenerationRequest): Promise<number>;
  /** A text as a vector. Throws what `generate` throws. */
  embed(request: EmbeddingRequest): Promise<Embedding>;
}

/**
 * The model that a request is for, by its own name. Nobody is answered by a model that they did not name: which one that
 * was would depend on the server's configuration. Throws REQUEST_INVALID where there is no name, and MODEL_NOT_FOUND.
 */
export function askedModel(
  generations: Pick<Generations, "resolveModel" | "models">,
  name: string | null | undefined,
): string {
  if (name) return generations.resolveModel(name);
  const message = `The request names no model; there are ${generations.models().slice(0, 10).join(", ")}.`;
  throw new HearthError("REQUEST_INVALID", message, { param: "model" });
}

export class GenerationService implements Generations {
  readonly #models: Models;

  constructor(models: Models) {
    this.#models = models;
  }

  resolveModel(name: string): string {
    return this.#models.resolve(name);
  }

  models(): readonly string[] {
    return this.#models.names();
  }

  async embed(request: EmbeddingRequest): Promise<Embedding> {
    const { loaded, release } = await this.#models.acquire(request.model, request.signal);
    try {
      return await embed(loaded, request);
    } catch (error) {
      throw inWordsOf(error, request);
    } finally {
      release();
    }
  }

  async countTokens(request: GenerationRequest): Promise<number> {
    const { loaded, release } = await this.#models.acquire(request.model, request.signal);
    try {
      return (await buildPrompt(loaded, request)).tokens.length;
    } catch (error) {
      throw inWordsOf(error, request);
    } finally {
      release();
    }
  }

  async *generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined> {
    const { loaded, release } = await this.#models.acquire(request.model, request.signal, request.keepAliveMs);
    try {
      const wasted = yield* attempt(loaded, request, null);
      if (wasted) yield* attempt(loaded, withCall(request, loaded, wasted), wasted);
    } catch (error) {
      throw inWordsOf(error, request);
    } finally {
      release();
    }
  }
}

/**
 * The request for a second attempt. A model that begins a call of a tool that there is not is asked once more, for a call of one that
 * there is: what it wrote would be read aloud otherwise.
 */
function withCall(request: GenerationRequest, { defaults }: ServingModel, wasted: Usage): GenerationRequest {
  const { onShortened: _, onSampling: __, ...again } = request; // were told already
  const most = request.maxTokens ?? defaults.maxTokens;
  const maxTokens = most === null ? null : Math.max(1, most - wasted.generatedTokens);
  return { ...again, toolChoice: "required", maxTokens };
}

/** The request's own word for the field at fault. */
function inWordsOf(error: unknown, { inputField = "input" }: Pick<GenerationRequest, "inputField">): unknown {
  if (!(error instanceof HearthError) || error.param !== "input" || inputField === "input") return error;
  return new HearthError(error.code, error.message, { param: inputField, cause: error });
}
