/**
 * Follows one attempt at an answer: makes generation events of the scheduler's, counts tokens, and says when the answer is over or
 * the attempt was in vain. It takes one event at a time and waits for nothing.
 */
import type { Model } from "../engine/contract.js";
import type { FinishReason, SequenceEvent } from "../scheduler/types.js";
import type { AnswerReader } from "./answer-reader.js";
import { SameCalls } from "./repeated-calls.js";
import { scoreOf } from "./scores.js";
import type { AnswerEvent, GenerationEvent, Usage } from "./types.js";

type TokenEvent = Extract<SequenceEvent, { type: "token" }>;
type EndEvent = Extract<SequenceEvent, { type: "end" }>;

export interface TrackerOptions {
  readonly promptTokens: number;
  /** The answer ends with its first call. */
  readonly oneCall: boolean;
  /** The answer ends with so many calls in a row that are the same: the model gets their results, and can go on. 0: it does not. */
  readonly mostSameCalls: number;
  /** The usage of an attempt at this answer that was in vain, to be counted with it; null where this is the first one. */
  readonly before: Usage | null;
}

export class AnswerTracker {
  readonly #model: Model;
  readonly #reader: AnswerReader;
  readonly #options: TrackerOptions;
  readonly #sameCalls = new SameCalls();
  #cachedTokens = 0;
  #generatedTokens = 0;
  #reasoningTokens = 0;
  /** Tokens without a score wait here for what they become, so that nobody is told those of an attempt in vain. */
  #held: GenerationEvent[] = [];
  #last: AnswerEvent["type"] = "text";
  #isOver = false;
  #wasted: Usage | null = null;

  constructor(model: Model, reader: AnswerReader, options: TrackerOptions) {
    this.#model = model;
    this.#reader = reader;
    this.#options = options;
  }

  /** Further events of the sequence are no part of the answer. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The tokens that the attempt has used up in vain: it calls a tool that there is not, and says not a word. Else null. */
  get wasted(): Usage | null {
    return this.#wasted;
  }

  take(event: SequenceEvent): GenerationEvent[] {
    switch (event.type) {
      case "token":
        return this.#token(event);
      case "end":
        return this.#end(event);
      case "prompt":
        this.#cachedTokens = event.cached;
        return this.#waiting(event);
      case "queued":
        return this.#waiting(event);
      case "pooled": // an embedding's
        return [];
    }
  }

  /** The first attempt tells how it waits, the second one does not. */
  #waiting(event: GenerationEvent): GenerationEvent[] {
    return this.#options.before ? [] : [event];
  }

  #token(event: TokenEvent): GenerationEvent[] {
    const { before, oneCall, mostSameCalls } = this.#options;
    const score = scoreOf(event, this.#model);
    this.#held.push({ type: "token", id: event.token, score });
    const events = score ? this.#release() : [];
    if (this.#generatedTokens === 0 && !before) events.push({ type: "started" });
    this.#generatedTokens++;
    if (this.#reader.inReasoning) this.#reasoningTokens++;
    const parts = this.#reader.push(event.token);
    if (this.#reader.namesNoTool && !before && !score) {
      this.#wasted = this.#usage;
      this.#isOver = true;
      return events;
    }
    for (const part of parts) {
      events.push(...this.#tell(part));
      const count = this.#sameCalls.take(part);
      if (count > 0 && (oneCall || count === mostSameCalls)) return [...events, this.#done("stop")];
    }
    return this.#reader.stopped ? [...events, this.#done("stop")] : events;
  }

  #end({ reason, usage }: EndEvent): GenerationEvent[] {
    const events: GenerationEvent[] = [];
    for (const part of this.#reader.flush({ isCut: reason === "length" })) {
      events.push(...this.#tell(part));
      if (this.#options.oneCall && part.type === "callEnd") break;
    }
    if (this.#last === "text") events.push(...this.#release());
    this.#cachedTokens = usage.cachedTokens;
    this.#generatedTokens = usage.generatedTokens;
    return [...events, this.#done(reason)];
  }

  /** A part of the answer, behind the tokens that became it. */
  #tell(part: AnswerEvent): GenerationEvent[] {
    this.#last = part.type;
    return [...this.#release(), part];
  }

  #release(): GenerationEvent[] {
    const tokens = this.#held;
    this.#held = [];
    return tokens;
  }

  #done(reason: FinishReason): GenerationEvent {
    this.#isOver = true;
    return { type: "done", reason, usage: this.#usage };
  }

  get #usage(): Usage {
    const { before, promptTokens } = this.#options;
    return {
      promptTokens: before?.promptTokens ?? promptTokens,
      cachedTokens: before?.cachedTokens ?? this.#cachedTokens,
      generatedTokens: this.#generatedTokens + (before?.generatedTokens ?? 0),
      reasoningTokens: this.#reasoningTokens + (before?.reasoningTokens ?? 0),
    };
  }
}
