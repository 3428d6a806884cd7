/** One request on its way through the scheduler: queued, prefill, decode, ended. */

import type { Clock } from "../base/clock.js";
import { MeanPooling } from "./embedding-pooling.js";
import type { JobTimes } from "./job-times.js";
import type { LoopWatch } from "./loop-watch.js";
import { SequenceStream } from "./sequence-stream.js";
import { Drafter } from "./speculation.js";
import type { FinishReason, SequenceRequest } from "./types.js";

export type JobPhase = "queued" | "prefill" | "decode" | "ended";

export class Job {
  readonly request: SequenceRequest;
  readonly stream: SequenceStream;
  /** The prompt and what was generated; a slot holds a prefix of it in the KV cache. */
  readonly history: number[];
  readonly drafter = new Drafter();
  readonly pooling: MeanPooling | null;
  readonly times: JobTimes;
  readonly loopWatch: LoopWatch;
  phase: JobPhase = "queued";
  /** When it got its slot, as a count; smaller is older. Kept when it loses the slot to an older job. */
  admission = 0;
  cachedTokens = 0;
  /** A snapshot of a prefix of its prompt is being restored. */
  restoring = false;
  /** Whether there is a snapshot was asked already. */
  lookedForSnapshot = false;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #position = 0;
  #cancelWait: () => void = () => {};

  constructor(
    request: SequenceRequest,
    { times, loopWatch }: { times: JobTimes; loopWatch: LoopWatch },
    handlers: { onCancel: (job: Job) => void; onRead: (job: Job) => void },
  ) {
    this.request = request;
    this.times = times;
    this.loopWatch = loopWatch;
    this.pooling = request.pooling ? new MeanPooling() : null;
    this.history = [...request.prompt];
    this.stream = new SequenceStream({
      onLeft: () => handlers.onCancel(this),
      onTaken: () => handlers.onRead(this),
    });
    this.#signal = request.signal;
    this.#onAbort = () => handlers.onCancel(this);
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Tokens of its history that need not be computed where a slot holds them. */
  get reusableTokens(): number {
    if (this.pooling) return 0;
    return this.wantsAnswer ? this.history.length - 1 : this.history.length;
  }

  get generatedTokens(): number {
    return this.history.length - this.request.prompt.length;
  }

  /** Its next token follows the last of the history; false when only the prompt is to be read. */
  get wantsAnswer(): boolean {
    return this.request.maxTokens > 0;
  }

  /** Calls `onTooLong` unless it has got a slot, or ended, before. */
  limitWait(limitMs: number, clock: Clock, onTooLong: () => void): void {
    this.#cancelWait = clock.after(limitMs, onTooLong);
  }

  /** It has a slot. */
  stopWaiting(): void {
    this.#cancelWait();
  }

  /** 1 is next. Told once for each change. */
  reportPosition(position: number): void {
    if (position === this.#position) return;
    this.#position = position;
    this.stream.push({ type: "queued", position });
  }

  /** `read` of its tokens are in the KV cache. What a job reads again that came back to the queue, its client has seen before. */
  reportPrompt(read: number): void {
    if (this.generatedTokens > 0) return;
    this.stream.push({ type: "prompt", read, cached: this.cachedTokens, total: this.request.prompt.length });
  }

  end(reason: FinishReason): void {
    this.#leave();
    const usage = {
      promptTokens: this.request.prompt.length,
      cachedTokens: this.cachedTokens,
      generatedTokens: this.generatedTokens,
    };
    this.stream.push({ type: "end", reason, usage });
  }

  fail(error: unknown): void {
    this.#leave();
    this.stream.fail(error);
  }

  #leave(): void {
    if (this.phase !== "ended") this.times.ended();
    this.phase = "ended";
    this.#cancelWait();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}
