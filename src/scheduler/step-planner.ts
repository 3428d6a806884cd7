/**
 * StepPlanner makes the chunks of each step: which prompt tokens, which answers and which drafts, as many as earlier steps of their
 * kind say that it may carry. Knows slots and costs; it must not run steps.
 */
import type { Engine, StepResult } from "../engine/contract.js";
import { DecodeSpeed } from "./decode-speed.js";
import type { SchedulerMetrics } from "./metrics.js";
import { PromptPacing } from "./prefill-pacing.js";
import type { RunningChunk } from "./running-chunk.js";
import type { BusySlot } from "./slots.js";
import { maxDrafts, StepCost } from "./speculation.js";
import { plan } from "./step-plan.js";
import type { SchedulerOptions } from "./types.js";

/** KV room a stream below which none has drafts: the block that its drafts may start. */
const draftHeadroomTokens = 32;

export class StepPlanner {
  readonly decodeSpeed = new DecodeSpeed();
  readonly #engine: Engine;
  readonly #options: SchedulerOptions;
  readonly #contextTokens: number;
  readonly #metrics: SchedulerMetrics;
  readonly #pacing: PromptPacing;
  readonly #decodeCost = new StepCost();

  /** `contextTokens`: that one sequence can hold. */
  constructor(engine: Engine, options: SchedulerOptions, contextTokens: number, metrics: SchedulerMetrics) {
    this.#engine = engine;
    this.#options = options;
    this.#contextTokens = contextTokens;
    this.#metrics = metrics;
    this.#pacing = new PromptPacing(options.maxGapMs, options.prefillStepMs, engine.residency() !== null);
  }

  /** The chunks of the next step, none where there is nothing to do. `turn` counts the steps; one of prompts alone takes `mostMs` at most. */
  next(busy: readonly BusySlot[], turn: number, mostMs = Number.POSITIVE_INFINITY): RunningChunk[] {
    const { maxUnreadTokens } = this.#options;
    const ready = busy.filter(({ job }) => job.phase !== "ended" && job.stream.length < maxUnreadTokens);
    const { maxBatchTokens } = this.#engine.options;
    const decoding = ready.filter(({ job }) => job.phase === "decode");
    const drafted = this.#draft(decoding);
    const columns = [...drafted.values()].reduce((sum, drafts) => sum + drafts.length, decoding.length);
    const planned = plan(
      ready.map(({ index, job, tokens }) => ({
        index,
        phase: job.phase === "decode" ? "decode" : "prefill",
        pendingTokens: job.history.length - tokens.length,
        drafts: drafted.get(index)?.length ?? 0,
        admission: job.admission,
        sample: job.wantsAnswer,
      })),
      { batchTokens: maxBatchTokens, prefillTokens: this.#promptTokens(columns, maxBatchTokens, mostMs), turn },
    );
    return planned.flatMap((chunk) => {
      const of = ready.find(({ index }) => index === chunk.slot);
      if (!of) return [];
      const start = of.tokens.length;
      const drafts = drafted.get(of.index)?.slice(0, chunk.drafts) ?? [];
      const ids = Int32Array.from([...of.job.history.slice(start, start + chunk.tokens), ...drafts]);
      return [{ ...chunk, of, ids }];
    });
  }

  /**
   * Learns from a step what the next ones will cost. To be told before its results are applied. `isUsual`: it had the threads that suit
   * the model; with fewer it would look as if the machine had become slow.
   */
  observe(chunks: readonly RunningChunk[], { computeMs }: StepResult, isUsual = true): void {
    const prefilled = chunks.filter(({ of }) => of.job.phase !== "decode");
    const promptTokens = prefilled.reduce((sum, chunk) => sum + chunk.tokens, 0);
    const columns = chunks.reduce((sum, { of, ids }) => sum + (of.job.phase === "decode" ? ids.length : 0), 0);
    if (prefilled.length === 0) {
      this.#decodeCost.observe(columns, computeMs);
      if (columns === 1 && isUsual) this.decodeSpeed.observe(computeMs);
    }
    this.#metrics.stepSeconds.observe(computeMs / 1000);
    this.#metrics.promptTokens.inc(promptTokens);
    const decodeMs = columns > 0 ? this.#decodeCost.estimate(columns) : null;
    if (promptTokens > 0) this.#pacing.observe({ promptTokens, decodeMs, computeMs });
  }

  /** The prompt tokens of a step in which answers have `columns` tokens. Answers go alone until their own cost is known. */
  #promptTokens(columns: number, limit: number, mostMs: number): number {
    if (columns === 0) return this.#pacing.alone(limit, mostMs);
    return this.#decodeCost.known ? this.#pacing.beside(this.#decodeCost.estimate(columns), limit) : 0;
  }

  /** The draft of each answer, by slot. Nothing while KV room is short: a draft must not drive anybody out. */
  #draft(decoding: readonly BusySlot[]): Map<number, number[]> {
    const drafted = new Map<number, number[]>();
    const isShort = this.#engine.freeKvTokens() < decoding.length * draftHeadroomTokens;
    if (!this.#options.speculation || isShort) return drafted;
    let columns = decoding.length;
    for (const { index, job } of decoding) {
      if (job.request.topLogprobs !== undefined) continue;
      const wanted = job.request.maxTokens - job.generatedTokens - 1;
      const limit = Math.min(maxDrafts, wanted, this.#contextTokens - job.history.length);
      const proposed = job.drafter.propose(job.history, limit);
      const drafts = proposed.slice(0, job.drafter.bestDrafts(this.#decodeCost, columns));
      drafted.set(index, drafts);
      columns += drafts.length;
    }
    return drafted;
  }
}
