/** Applies a step's results to the requests: what was read, what was drawn, and who is at the end. It must not know queues. */
import { HearthError } from "../base/errors.js";
import type { ChunkResult, StopReason } from "../engine/contract.js";
import type { Job } from "./job.js";
import { logprobs } from "./logprobs.js";
import type { SchedulerMetrics } from "./metrics.js";
import type { RunningChunk } from "./running-chunk.js";

export class StepOutcome {
  readonly #contextTokens: number;
  readonly #metrics: SchedulerMetrics;

  /** `contextTokens`: that one sequence can hold. */
  constructor(contextTokens: number, metrics: SchedulerMetrics) {
    this.#contextTokens = contextTokens;
    this.#metrics = metrics;
  }

  apply(chunk: RunningChunk, { tokens: drawn, stopped, logits, hidden }: ChunkResult): void {
    const { of: slot, ids, tokens, drafts } = chunk;
    const { job } = slot;
    const right = Math.max(0, stopped ? drawn.length : drawn.length - 1); // the engine drew on after each right draft
    if (slot.tokens.length === 0) job.pooling?.reset(); // it lost its slot, and reads its prompt again
    slot.tokens.push(...ids.subarray(0, tokens + right));
    job.pooling?.add(hidden, tokens);
    if (job.phase === "decode") this.#countDrafts(drafts, right);
    if (job.phase === "ended") return; // cancelled while the step ran
    if (job.phase === "prefill") job.reportPrompt(slot.tokens.length);
    if (drawn.length > 0) job.times.drew(drawn.length);
    for (const token of drawn) this.#take(job, token, logits);
    if (stopped) endByGrammar(job, stopped);
    else if (!chunk.sample && slot.tokens.length === job.history.length) endOfPrompt(job);
  }

  #countDrafts(drafts: number, right: number): void {
    this.#metrics.drafts.inc(drafts);
    this.#metrics.acceptedDrafts.inc(right);
  }

  /** `logits`: that the token was drawn from, where the job wants to know. */
  #take(job: Job, token: number, logits: Float32Array): void {
    if (job.phase === "ended") return; // by a token drawn in the same step
    job.phase = "decode";
    if (job.request.stopTokens.has(token)) {
      job.end("stop");
      return;
    }
    job.history.push(token);
    const { topLogprobs } = job.request;
    const scores = topLogprobs === undefined ? {} : logprobs(logits, token, topLogprobs);
    job.stream.push({ type: "token", token, ...scores });
    this.#metrics.generatedTokens.inc();
    const isFull = job.history.length > this.#contextTokens;
    const isOver = job.generatedTokens >= job.request.maxTokens || isFull;
    if (job.loopWatch.loopsWith(token) || isOver) job.end("length");
  }
}

/** No token was drawn. */
function endByGrammar(job: Job, reason: StopReason): void {
  if (job.phase === "ended") return; // by a token drawn in the same step
  if (reason === "grammarEnd") job.end("stop");
  else if (reason === "grammarLoops") job.end("length");
  else if (reason === "grammarTooComplex")
    job.fail(new HearthError("GRAMMAR_TOO_COMPLEX", "The grammar is too ambiguous to be followed."));
  else job.fail(new HearthError("FORMAT_STUCK", "No token of the model leads on in the format that was asked for."));
}

function endOfPrompt(job: Job): void {
  if (job.pooling) job.stream.push({ type: "pooled", mean: job.pooling.mean });
  job.end("stop");
}
