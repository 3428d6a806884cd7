/**
 * Keeps the kernels and thread counts of loaded models right: measures them when the models are idle, at first and when answers
 * come much slower than they did then. A request stops the measurement. It must not know where results are kept.
 */
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { MatmulChoice, MatmulKind, Model } from "../../engine/contract.js";
import type { ServingModel } from "../serving-model.js";
import { choicesOf, describeChoice, type MatmulRow } from "./matmuls.js";
import type { MeasuredTuning, TuneOptions } from "./threads.js";

/** Measures tunings and keeps them. */
export interface Tunings {
  /** False where somebody has said how many threads. */
  readonly wantsThreads: boolean;
  /** null where none was measured. */
  find(file: string): MeasuredTuning | null;
  measure(file: string, model: Model, options: TuneOptions): Promise<MeasuredTuning>;
  /** null where it was not measured for all of these kinds of matrices. */
  findMatmuls(kinds: readonly MatmulKind[]): readonly MatmulChoice[] | null;
  /** Empty where there is nothing to choose from. */
  measureMatmuls(model: Model, options: TuneOptions): Promise<readonly MatmulRow[]>;
}

export interface TunableModel {
  readonly name: string;
  readonly path: string;
  readonly loaded: ServingModel;
}

export interface AutoTunerDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tunings: Tunings;
}

/** The share of the measured speed below which something has changed. A long context alone takes about a quarter. */
const muchSlower = 0.6;
/** A board that became slow for good, by heat or a long context, is not measured all the time. */
const againAfterMs = 3_600_000;

export class AutoTuner {
  readonly #dependencies: AutoTunerDependencies;
  /** When a model's file was measured last, or could not be. */
  readonly #triedAt = new Map<string, number>();

  constructor(dependencies: AutoTunerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Measures those models that need it. Never rejects; what goes wrong is logged. */
  async tune(models: readonly TunableModel[], signal: AbortSignal): Promise<void> {
    for (const model of models) {
      try {
        await this.#tuneModel(model, signal);
      } catch (error) {
        if (signal.aborted) return; // in the next idle time
        const { clock, logger } = this.#dependencies;
        logger.warn({ model: model.name, err: error }, "the best kernels and threads could not be measured");
        this.#triedAt.set(model.path, clock.now());
      }
    }
  }

  async #tuneModel(model: TunableModel, signal: AbortSignal): Promise<void> {
    const { clock, tunings } = this.#dependencies;
    const { path, loaded } = model;
    // The storage sets its speed, and whoever measured would take the memory that it has.
    if (loaded.engine.residency() !== null) return;
    const triedAt = this.#triedAt.get(path);
    if (triedAt !== undefined && clock.now() - triedAt < againAfterMs) return;
    const known = tunings.find(path);
    const seen = loaded.scheduler.decodeSpeed.tokensPerSecond;
    const isSlow = known !== null && seen !== null && seen < muchSlower * known.decodeTokensPerSecond;
    // Kernels first: how many threads keep the memory busy depends on them.
    if (isSlow || tunings.findMatmuls(loaded.engine.matmuls()) === null) await this.#measureMatmuls(model, signal);
    const hasChoice = tunings.wantsThreads && loaded.engine.options.threads > 1;
    if (hasChoice && (isSlow || known === null)) await this.#measureThreads(model, signal);
    else if (isSlow) this.#triedAt.set(path, clock.now());
  }

  async #measureMatmuls({ name, loaded: { model, scheduler } }: TunableModel, signal: AbortSignal): Promise<void> {
    const { clock, logger, tunings } = this.#dependencies;
    const startedAt = clock.now();
    const rows = await tunings.measureMatmuls(model, { signal });
    if (rows.length === 0) return;
    const choices = choicesOf(rows);
    scheduler.useMatmuls(choices);
    const kernels = choices.map(describeChoice);
    const tookMs = Math.round(clock.now() - startedAt);
    logger.info({ model: name, kernels, tookMs }, "measured the best kernels");
  }

  async #measureThreads(
    { name, path, loaded: { model, scheduler } }: TunableModel,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, logger, tunings } = this.#dependencies;
    const startedAt = clock.now();
    const { threads, decodeThreads, decodeTokensPerSecond } = await tunings.measure(path, model, { signal });
    scheduler.useThreads(threads, decodeThreads);
    this.#triedAt.set(path, clock.now());
    const tookMs = Math.round(clock.now() - startedAt);
    logger.info({ model: name, threads, decodeThreads, decodeTokensPerSecond, tookMs }, "measured the best threads");
  }
}
