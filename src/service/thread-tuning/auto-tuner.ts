/**
 * Keeps the thread counts of loaded models right: measures them when the models are idle, at first and when answers come much
 * slower than they did then. A request stops the measurement. It must not know where results are kept.
 */
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Model } from "../../engine/contract.js";
import type { ServingModel } from "../serving-model.js";
import type { MeasuredTuning, TuneOptions } from "./measure.js";

/** Measures tunings and keeps them. */
export interface Tunings {
  /** null where none was measured. */
  find(file: string): MeasuredTuning | null;
  measure(file: string, model: Model, options: TuneOptions): Promise<MeasuredTuning>;
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
        if (this.#isDue(model)) await this.#measure(model, signal);
      } catch (error) {
        if (signal.aborted) return; // in the next idle time
        const { clock, logger } = this.#dependencies;
        logger.warn({ model: model.name, err: error }, "the best number of threads could not be measured");
        this.#triedAt.set(model.path, clock.now());
      }
    }
  }

  #isDue({ path, loaded: { engine, scheduler } }: TunableModel): boolean {
    if (engine.options.threads === 1) return false; // nothing to choose from
    const { clock, tunings } = this.#dependencies;
    const triedAt = this.#triedAt.get(path);
    if (triedAt !== undefined && clock.now() - triedAt < againAfterMs) return false;
    const known = tunings.find(path);
    if (known === null) return true;
    const seen = scheduler.decodeSpeed.tokensPerSecond;
    return seen !== null && seen < muchSlower * known.decodeTokensPerSecond;
  }

  async #measure({ name, path, loaded: { model, scheduler } }: TunableModel, signal: AbortSignal): Promise<void> {
    const { clock, logger, tunings } = this.#dependencies;
    const startedAt = clock.now();
    const { threads, decodeThreads, decodeTokensPerSecond } = await tunings.measure(path, model, { signal });
    scheduler.useThreads(threads, decodeThreads);
    this.#triedAt.set(path, clock.now());
    const tookMs = Math.round(clock.now() - startedAt);
    logger.info({ model: name, threads, decodeThreads, decodeTokensPerSecond, tookMs }, "measured the best threads");
  }
}
