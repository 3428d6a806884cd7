/** The scheduler's input and output: token ids, counts and reasons. No protocol and no text. */
import type { Demand } from "../base/demand.js";
import type { SamplerOptions } from "../engine/contract.js";
import type { LoopLimits } from "./loop-watch.js";
import { defaultSnapshotPolicy, type SnapshotPolicyOptions } from "./prefix-snapshots.js";

export interface SequenceRequest {
  /** At least one id, BOS included where the model wants it. */
  readonly prompt: Int32Array;
  readonly sampler: SamplerOptions;
  /** Tokens to generate; 0 reads the prompt into the KV cache and ends. */
  readonly maxTokens: number;
  /** With each token its log probability, and those of so many likelier or equal ones; without: none. At most 20. */
  readonly topLogprobs?: number;
  /** Average the prompt's hidden states for an embedding, all of them computed anew. Only where maxTokens is 0. */
  readonly pooling?: boolean;
  /** Ids that end the answer. They are not part of it. */
  readonly stopTokens: ReadonlySet<number>;
  /** Requests of one conversation share it: among equal prefixes its own slot is preferred. */
  readonly cacheKey: string | null;
  /** The job's sequence stays in the KV cache before all others. */
  readonly pinned?: boolean;
  readonly signal?: AbortSignal;
  /** Its place in the queue: clients share the slots fairly, and one that waits too long gets QUEUE_TIMEOUT. */
  readonly demand?: Demand | undefined;
}

export interface SequenceUsage {
  readonly promptTokens: number;
  /** The prompt's tokens that were in the KV cache already. */
  readonly cachedTokens: number;
  readonly generatedTokens: number;
}

/** `stop`: an end-of-generation token, or a stop text. `length`: maxTokens, the end of the context, or a loop. */
export type FinishReason = "stop" | "length";

export interface TokenScore {
  readonly token: number;
  /** Natural logarithm of what the model gives the token, before any sampler. */
  readonly logprob: number;
}

export type SequenceEvent =
  /** 1 is next. */
  | { readonly type: "queued"; readonly position: number }
  /** `read` of `total` prompt tokens are in the KV cache, `cached` of them from before. */
  | { readonly type: "prompt"; readonly read: number; readonly cached: number; readonly total: number }
  /** `top`: the likeliest tokens, best first, where they were asked for. */
  | { readonly type: "token"; readonly token: number; readonly logprob?: number; readonly top?: readonly TokenScore[] }
  /** [embedding] the mean of the prompt's hidden states. */
  | { readonly type: "pooled"; readonly mean: Float32Array }
  | { readonly type: "end"; readonly reason: FinishReason; readonly usage: SequenceUsage };

export interface SchedulerOptions {
  /** Requests that may wait for a slot; the next one gets QUEUE_FULL. */
  readonly maxQueued: number;
  /** How long a request may wait for a slot; 0: any time. */
  readonly maxQueueMs: number;
  /** Tokens that wait for a slow reader before its sequence pauses. */
  readonly maxUnreadTokens: number;
  /** Between two tokens of an answer while a prompt is read; at most fourfold its own time (see prefill-pacing.ts). */
  readonly maxGapMs: number;
  /** How long a step should take while only prompts are read: bounds how long a cancel waits, and feeds the watchdog. */
  readonly prefillStepMs: number;
  /** Draft tokens that repeat earlier ones (see speculation.ts). The answers are the same with and without. */
  readonly speculation: boolean;
  /** The limits that make an answer a loop: it ends, and within a grammar goes on to its end. See loop-watch.ts. */
  readonly loops: LoopLimits;
  readonly snapshots: SnapshotPolicyOptions;
}

export const defaultSchedulerOptions: SchedulerOptions = {
  maxQueued: 32,
  maxQueueMs: 0,
  maxUnreadTokens: 256,
  maxGapMs: 250,
  prefillStepMs: 2000,
  speculation: true,
  loops: { repeats: 24, tokens: 512 },
  snapshots: defaultSnapshotPolicy,
};

/** For the watchdog: work without progress is a hang. */
export interface SchedulerProgress {
  /** A step runs, or one could. */
  readonly busy: boolean;
  readonly stepsCompleted: number;
  /** On the clock's monotonic scale: the last finished step, or when work last began. */
  readonly lastProgressAt: number;
}
