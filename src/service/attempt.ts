/** One attempt at an answer: makes the prompt and the grammar, submits them to the scheduler, and gives on what comes of it. */
import { randomInt } from "node:crypto";
import { HearthError } from "../base/errors.js";
import { holdsUnmarked } from "../chat/grammar/answer.js";
import type { Prompt } from "../chat/prompt.js";
import type { Grammar, SamplerOptions } from "../engine/contract.js";
import { AnswerReader } from "./answer-reader.js";
import { AnswerTracker } from "./answer-tracker.js";
import type { ModelDefaults } from "./model-defaults.js";
import { buildPrompt } from "./prompt.js";
import { repeatsCalls } from "./repeated-calls.js";
import type { ServingModel } from "./serving-model.js";
import { defaultSampling, type GenerationEvent, type GenerationRequest, type Usage } from "./types.js";

/** The largest range of node:crypto's randomInt. */
const seeds = 2 ** 48 - 1;

/**
 * The events of an attempt; leaving the loop cancels it. `before`: the usage of an attempt that was in vain. Returns the usage when
 * this one was, else null. Throws what building a prompt, compiling a grammar and the scheduler throw.
 */
export async function* attempt(
  loaded: ServingModel,
  request: GenerationRequest,
  before: Usage | null,
): AsyncGenerator<GenerationEvent, Usage | null> {
  const { model, defaults, scheduler, prompts } = loaded;
  scheduler.checkAccepts(); // before the work of making a prompt
  const prompt = await buildPrompt(loaded, request);
  const grammar = request.generate ? await answerGrammar(loaded, prompt, request) : null;
  const grammarFrom = prompt.tokens.length;
  const sampling = sampler(defaults, request.sampling);
  request.onSampling?.(sampling);
  const stream = scheduler.submit({
    prompt: prompt.tokens,
    sampler: { ...sampling, ...(grammar ? { grammar, grammarFrom } : {}) },
    maxTokens: request.generate ? (request.maxTokens ?? defaults.maxTokens ?? scheduler.contextTokens) : 0,
    stopTokens: prompts.stopTokens,
    ...(request.topLogprobs !== undefined && { topLogprobs: request.topLogprobs }),
    cacheKey: request.cacheKey,
    signal: request.signal,
    demand: request.demand,
  });
  const stop = request.stop.length > 0 ? request.stop : defaults.stop;
  const reader = new AnswerReader(model, { prompt, visible: prompts.visibleTokens, stop });
  const tracker = new AnswerTracker(model, reader, {
    promptTokens: prompt.tokens.length,
    oneCall: wantsOneCall(request),
    mostSameCalls: loaded.callRepeats,
    before,
  });
  for await (const event of stream) {
    for (const told of tracker.take(event)) yield told;
    if (tracker.isOver) break;
  }
  return tracker.wasted;
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

function wantsOneCall({ toolChoice, parallelToolCalls = true }: GenerationRequest): boolean {
  return !parallelToolCalls || typeof toolChoice === "object";
}

function sampler(defaults: ModelDefaults, asked: Partial<SamplerOptions>): SamplerOptions {
  return { ...defaultSampling, seed: randomInt(seeds), ...defaults.sampling, ...asked };
}
