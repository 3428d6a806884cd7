/** One request and one event type for every protocol: what goes into a generation and what comes out of it. */
import type { Demand } from "../base/demand.js";
import type { AnswerEvent } from "../chat/answers/events.js";
import type { OutputFormat } from "../chat/grammar/format.js";
import type { Message, Tool, ToolChoice } from "../chat/messages.js";
import type { SamplerOptions } from "../engine/contract.js";
import type { FinishReason, SequenceUsage } from "../scheduler/types.js";

export type { AnswerEvent } from "../chat/answers/events.js";
export type { OutputFormat } from "../chat/grammar/format.js";
export type { Message, Tool, ToolCall, ToolChoice } from "../chat/messages.js";
export { roles } from "../chat/messages.js";
export type { FinishReason } from "../scheduler/types.js";

/** Tokens of the prompt, of it in the KV cache before, and generated; of these, in the reasoning. */
export interface Usage extends SequenceUsage {
  readonly reasoningTokens: number;
}

export interface GenerationRequest {
  /** A model's name, or `default` for the configured one. */
  readonly model: string;
  /** The conversation, oldest first. A model without a chat template continues its texts as one. */
  readonly messages: readonly Message[];
  /** Continue the texts as they are, also where the model has a chat template. */
  readonly raw?: boolean;
  /** Continue these tokens instead of the messages. */
  readonly promptTokens?: readonly number[];
  /** The tools that the model may call. */
  readonly tools?: readonly Tool[];
  /** Without it: auto. A call that is asked for is begun in the prompt; its arguments are the model's. */
  readonly toolChoice?: ToolChoice;
  /** false: the answer ends with its first call. */
  readonly parallelToolCalls?: boolean;
  /** `none` turns reasoning off where the template can; other words are handed to it. Without one: as the template likes. */
  readonly reasoningEffort?: string | null;
  /** Fields that are left out have the model's default, or that of `defaultSampling`; without a seed one is drawn. */
  readonly sampling: Partial<SamplerOptions>;
  /** null: as the model's defaults say, or until the model ends, or the context does. */
  readonly maxTokens: number | null;
  /** Texts that end the answer and are not part of it; none: those of the model's defaults. */
  readonly stop: readonly string[];
  /** The form of the answer; by default any text. Its end is forced, so that only `length` cuts it. */
  readonly format?: OutputFormat;
  /** Log probabilities of the drawn tokens and of so many likeliest ones, at most 20; without: none. */
  readonly topLogprobs?: number;
  /**
   * auto: of a conversation that is too long for the context leave out results of tools and then whole turns, the oldest
   * first; of a raw text its beginning. disabled: that is an error. Without it: as the server is set up.
   */
  readonly truncation?: "auto" | "disabled";
  /** Is told before the first event when something was left out. */
  readonly onShortened?: (leftOut: LeftOut) => void;
  /** Is told before the first event what the answer is drawn with, where this server draws it. */
  readonly onSampling?: (sampling: SamplerOptions) => void;
  /** The request's own name for its messages, for errors; `input` without it. */
  readonly inputField?: string;
  /** Names the conversation, so that its KV cache is found again among equals. */
  readonly cacheKey: string | null;
  /** false: read the prompt into the KV cache and answer nothing. */
  readonly generate: boolean;
  readonly signal: AbortSignal;
  /** Who asks, how urgently, how long it may wait. Without it: anybody, as usual. */
  readonly demand?: Demand;
  /** How long the model stays loaded afterwards; -1 for ever. Without it as configured. */
  readonly keepAliveMs?: number;
}

/** The parts of the request that a prompt lacks. */
export interface LeftOut {
  readonly turns: number;
  /** The results that are missing in turns that are there. */
  readonly toolResults: number;
  /** The tokens that are missing of a raw text. */
  readonly tokens: number;
}

/** A token as a piece of text: not always whole characters. */
export interface TokenScore {
  readonly bytes: Uint8Array;
  /** Natural logarithm, of what the model gives it before any sampler. */
  readonly logprob: number;
}

/** The score of a drawn token and those of the likeliest ones, where they were asked for. */
export interface DrawnScore {
  readonly token: TokenScore;
  readonly top: readonly TokenScore[];
}

export interface EmbeddingRequest {
  readonly model: string;
  /** A text, or its tokens. */
  readonly input: string | readonly number[];
  /** Length of the vector; without it the model's own. */
  readonly dimensions?: number;
  /** Cut what is too long for the context at its end. Without it that is an error. */
  readonly truncate?: boolean;
  /** The request's own name for its texts, for errors; `input` without it. */
  readonly inputField?: string;
  readonly signal: AbortSignal;
  readonly demand?: Demand;
}

export interface Embedding {
  /** The mean of the last layer's normed outputs, of length 1. */
  readonly vector: Float32Array;
  readonly promptTokens: number;
}

export type GenerationEvent =
  /** Waits for a slot; 1 is next. */
  | { readonly type: "queued"; readonly position: number }
  /** `read` of `total` prompt tokens are in the KV cache, `cached` of them from before. */
  | { readonly type: "prompt"; readonly read: number; readonly cached: number; readonly total: number }
  /** The first token was drawn. */
  | { readonly type: "started" }
  /**
   * A token was drawn; `id` is null where another server drew it. It comes before what it becomes, and one that becomes nothing
   * comes only where it has a score or where the text ends with it.
   */
  | { readonly type: "token"; readonly id: number | null; readonly score: DrawnScore | null }
  | AnswerEvent
  | { readonly type: "done"; readonly reason: FinishReason; readonly usage: Usage };

/** The sampling of a request that names none. Usual values of local runtimes. */
export const defaultSampling: Omit<SamplerOptions, "seed"> = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  typicalP: 1,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyLastN: 64,
  logitBias: [],
};
