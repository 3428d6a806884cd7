/** The protocol-neutral way to an answer: a conversation in, one stream of events out. */
import { randomInt } from "node:crypto";
import type { SamplerOptions } from "../engine/contract.js";
import type { SequenceStream } from "../scheduler/stream.js";
import { AnswerText } from "./answer-text.js";
import type { ModelHost } from "./model-host.js";
import { defaultSampling, type GenerationEvent, type GenerationRequest } from "./types.js";

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
}

export class GenerationService implements Generations {
  readonly #host: ModelHost;

  constructor(host: ModelHost) {
    this.#host = host;
  }

  resolveModel(name: string): string {
    return this.#host.resolve(name);
  }

  models(): readonly string[] {
    return [this.#host.alias];
  }

  async *generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined> {
    this.#host.resolve(request.model);
    const loaded = await this.#host.ready(request.signal);
    loaded.scheduler.checkAccepts(); // before the work of making a prompt
    loaded.promptLimit.check(request.messages);
    const grammar = request.generate ? await loaded.grammars.get(request.format) : null;
    const { tokens, startsText } = await loaded.prompts.build(request.messages, { raw: request.raw ?? false });
    const stream = loaded.scheduler.submit({
      prompt: tokens,
      sampler: { ...sampler(request.sampling), ...(grammar ? { grammar, grammarFrom: tokens.length } : {}) },
      maxTokens: request.generate ? (request.maxTokens ?? loaded.scheduler.contextTokens) : 0,
      stopTokens: loaded.prompts.stopTokens,
      cacheKey: request.cacheKey,
      signal: request.signal,
    });
    const text = new AnswerText(loaded.model, { startsText, stop: request.stop });
    yield* answer(stream, text, tokens.length);
  }
}

/** Tokens to text, until the sequence ends or a stop text comes; leaving the loop then ends the sequence. */
async function* answer(
  stream: SequenceStream,
  text: AnswerText,
  promptTokens: number,
): AsyncGenerator<GenerationEvent> {
  let cachedTokens = 0;
  let generatedTokens = 0;
  for await (const event of stream) {
    if (event.type === "token") {
      if (generatedTokens === 0) yield { type: "started" };
      generatedTokens++;
      yield { type: "delta", text: text.push(event.token), tokens: [event.token] };
      if (!text.stopped) continue;
      yield { type: "done", reason: "stop", usage: { promptTokens, cachedTokens, generatedTokens } };
      return;
    }
    if (event.type === "end") {
      const rest = text.flush();
      if (rest !== "") yield { type: "delta", text: rest, tokens: [] };
      yield { type: "done", reason: event.reason, usage: event.usage };
      return;
    }
    if (event.type === "prompt") cachedTokens = event.cached;
    yield event;
  }
}

function sampler(asked: Partial<SamplerOptions>): SamplerOptions {
  return { ...defaultSampling, seed: randomInt(seeds), ...asked };
}
