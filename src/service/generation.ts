/** The protocol-neutral way to an answer: a conversation in, one stream of events out. */
import { randomBytes, randomInt } from "node:crypto";
import { HearthError } from "../base/errors.js";
import type { AnswerEvent } from "../chat/answers/events.js";
import { holdsUnmarked } from "../chat/grammar/answer.js";
import type { Prompt } from "../chat/prompt.js";
import type { Grammar, SamplerOptions } from "../engine/contract.js";
import { AnswerReader } from "./answer-reader.js";
import { embed } from "./embedding.js";
import type { ModelDefaults } from "./model-defaults.js";
import type { Models } from "./model-host.js";
import { buildPrompt } from "./prompt.js";
import { queueing } from "./queueing.js";
import { repeatsCalls, SameCalls } from "./repeated-calls.js";
import { withScores } from "./scores.js";
import type { ServingModel } from "./serving-model.js";
import {
  defaultSampling,
  type Embedding,
  type EmbeddingRequest,
  type GenerationEvent,
  type GenerationRequest,
  type Usage,
} from "./types.js";

/** The largest range of node:crypto's randomInt. */
const seeds = 2 ** 48 - 1;

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
      yield* generateWith(loaded, request);
    } catch (error) {
      throw inWordsOf(error, request);
    } finally {
      release();
    }
  }
}

/**
 * A model that begins a call of a tool that there is not is asked once more, with a call of one that there is: what it
 * wrote would be read aloud otherwise.
 */
async function* generateWith(loaded: ServingModel, request: GenerationRequest): AsyncGenerator<GenerationEvent> {
  const wasted = yield* attempt(loaded, request, null);
  if (!wasted) return;
  const maxTokens = request.maxTokens ?? loaded.defaults.maxTokens;
  const rest = maxTokens === null ? null : Math.max(1, maxTokens - wasted.generatedTokens);
  const { onShortened: _, onSampling: __, ...again } = request; // were told already
  yield* attempt(loaded, { ...again, toolChoice: "required", maxTokens: rest }, wasted);
}

/** `before`: the usage of an attempt that was given up. Returns the usage when this one has to be. */
async function* attempt(
  loaded: ServingModel,
  request: GenerationRequest,
  before: Usage | null,
): AsyncGenerator<GenerationEvent, Usage | null> {
  const { defaults } = loaded;
  loaded.scheduler.checkAccepts(); // before the work of making a prompt
  const prompt = await buildPrompt(loaded, request);
  const oneCall = wantsOneCall(request);
  const grammar = request.generate ? await answerGrammar(loaded, prompt, request) : null;
  const grammarFrom = prompt.tokens.length;
  const sampling = sampler(defaults, request.sampling);
  request.onSampling?.(sampling);
  const stream = loaded.scheduler.submit({
    prompt: prompt.tokens,
    sampler: { ...sampling, ...(grammar ? { grammar, grammarFrom } : {}) },
    maxTokens: request.generate ? (request.maxTokens ?? defaults.maxTokens ?? loaded.scheduler.contextTokens) : 0,
    stopTokens: loaded.prompts.stopTokens,
    ...(request.topLogprobs !== undefined && { topLogprobs: request.topLogprobs }),
    cacheKey: request.cacheKey,
    signal: request.signal,
    ...queueing(request.demand),
  });
  const visible = loaded.prompts.visibleTokens;
  const stop = request.stop.length > 0 ? request.stop : defaults.stop;
  const reader = new AnswerReader(loaded.model, { prompt, visible, stop });
  return yield* answer(withScores(stream, loaded.model), reader, {
    promptTokens: prompt.tokens.length,
    oneCall,
    mostSameCalls: loaded.callRepeats,
    before,
  });
}

/** Holds calls without their marks too, unless that makes too large a grammar of the tools. */
async function answerGrammar(
  { grammars, callRepeats }: ServingModel,
  { answer, parser }: Prompt,
  request: GenerationRequest,
): Promise<Grammar | null> {
  const { format = { type: "text" }, messages, toolChoice = "auto" } = request;
  const shape = { ...answer, format, several: !wantsOneCall(request) };
  if (toolChoice === "auto" && answer.tools.length > 0 && repeatsCalls(messages, callRepeats)) {
    return grammars.forAnswer({ ...shape, tools: [], withoutCalls: true });
  }
  try {
    const grammar = await grammars.forAnswer(shape);
    // An answer that is JSON may look like a call for a while.
    if (format.type === "text" && holdsUnmarked(shape)) parser?.expectHeldCalls();
    return grammar;
  } catch (error) {
    const isTooLarge = error instanceof HearthError && error.code === "GRAMMAR_TOO_COMPLEX";
    if (!isTooLarge || answer.tools.length === 0 || answer.begun !== null) throw error;
    return grammars.forAnswer({ ...shape, markedOnly: true });
  }
}

interface AnswerOptions {
  readonly promptTokens: number;
  /** The answer ends with its first call. */
  readonly oneCall: boolean;
  /** The answer ends with so many calls in a row that are the same: the model gets their results, and can go on. 0: it does not. */
  readonly mostSameCalls: number;
  /** The usage of an attempt at this answer that was given up, to be counted with it; null where this may be that attempt. */
  readonly before: Usage | null;
}

/**
 * Tokens to what they say, until the sequence ends or a stop text comes; leaving the loop then ends the sequence. Returns what
 * an attempt has used up that names no tool, without a word of it.
 */
async function* answer(
  stream: ReturnType<typeof withScores>,
  reader: AnswerReader,
  { promptTokens, oneCall, mostSameCalls, before }: AnswerOptions,
): AsyncGenerator<GenerationEvent, Usage | null> {
  let cachedTokens = 0;
  let generatedTokens = 0;
  let reasoningTokens = 0;
  let hasScores = false;
  const used = (): Usage => ({
    promptTokens: before?.promptTokens ?? promptTokens,
    cachedTokens: before?.cachedTokens ?? cachedTokens,
    generatedTokens: generatedTokens + (before?.generatedTokens ?? 0),
    reasoningTokens: reasoningTokens + (before?.reasoningTokens ?? 0),
  });
  let unnamed: number[] = []; // tokens that no event has carried yet
  let last: AnswerEvent["type"] = "text";
  const sameCalls = new SameCalls();
  const carry = (event: AnswerEvent) => {
    const tokens = unnamed;
    unnamed = [];
    last = event.type;
    return toGenerationEvent(event, tokens);
  };
  for await (const event of stream) {
    if (event.type === "token") {
      if (generatedTokens === 0 && !before) yield { type: "started" };
      generatedTokens++;
      if (reader.inReasoning) reasoningTokens++;
      unnamed.push(event.token);
      let isOver = false;
      const reads = reader.push(event.token);
      if (reader.namesNoTool && !before && !hasScores) return used();
      for (const read of reads) {
        yield carry(read);
        const count = sameCalls.take(read);
        isOver = count > 0 && (oneCall || count === mostSameCalls);
        if (isOver) break;
      }
      if (!isOver && !reader.stopped) continue;
      yield { type: "done", reason: "stop", usage: used() };
      return null;
    }
    if (event.type === "end") {
      for (const read of reader.flush({ isCut: event.reason === "length" })) {
        yield carry(read);
        if (oneCall && read.type === "callEnd") break;
      }
      if (unnamed.length > 0 && last === "text") yield { type: "delta", text: "", tokens: unnamed };
      ({ cachedTokens, generatedTokens } = event.usage);
      yield { type: "done", reason: event.reason, usage: used() };
      return null;
    }
    if (event.type === "prompt") cachedTokens = event.cached;
    hasScores ||= event.type === "score";
    if (!before || event.type === "score") yield event; // the first attempt told how it waited
  }
  return null;
}

function toGenerationEvent(event: AnswerEvent, tokens: readonly number[]): GenerationEvent {
  switch (event.type) {
    case "text":
      return { type: "delta", text: event.text, tokens };
    case "reasoning":
      return { type: "reasoning", text: event.text, tokens };
    case "call":
      return { type: "toolCall", id: `call_${randomBytes(12).toString("hex")}`, name: event.name, tokens };
    case "arguments":
      return { type: "toolArguments", text: event.text, tokens };
    case "callEnd":
      return { type: "toolCallDone", complete: event.complete, tokens };
  }
}

function wantsOneCall({ toolChoice, parallelToolCalls = true }: GenerationRequest): boolean {
  return !parallelToolCalls || typeof toolChoice === "object";
}

function sampler(defaults: ModelDefaults, asked: Partial<SamplerOptions>): SamplerOptions {
  return { ...defaultSampling, seed: randomInt(seeds), ...defaults.sampling, ...asked };
}

/** The request's own word for the field at fault. */
function inWordsOf(error: unknown, { inputField = "input" }: Pick<GenerationRequest, "inputField">): unknown {
  if (!(error instanceof HearthError) || error.param !== "input" || inputField === "input") return error;
  return new HearthError(error.code, error.message, { param: inputField, cause: error });
}
