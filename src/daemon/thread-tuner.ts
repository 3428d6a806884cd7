/** Thread counts for a model on this machine: measured before, or now. What is configured wins over both. */
import path from "node:path";
import type { Clock } from "../base/clock.js";
import type { Config } from "../config/options.js";
import type { EngineModule, Model } from "../engine/contract.js";
import type { Tunings } from "../service/thread-tuning/auto-tuner.js";
import { type MeasuredTuning, type TuneOptions, type TuningResult, tune } from "../service/thread-tuning/measure.js";
import { TuningStore, tuningKey } from "../store/thread-tunings.js";

export class ThreadTuner implements Tunings {
  readonly #config: Config;
  readonly #store: TuningStore;
  readonly #engineModule: EngineModule;
  readonly #clock: Clock;

  constructor(config: Config, stateFolder: string, engineModule: EngineModule, clock: Clock) {
    this.#config = config;
    this.#store = new TuningStore(stateFolder, engineModule);
    this.#engineModule = engineModule;
    this.#clock = clock;
  }

  /** False where the configuration says how many threads. */
  get isWanted(): boolean {
    return this.#config["engine.threads"] === 0 && this.#config["engine.decode_threads"] === 0;
  }

  /** The result of an earlier measurement; null where there is none, and where it is not wanted. */
  find(file: string): MeasuredTuning | null {
    return this.isWanted ? this.#store.find(this.#key(file)) : null;
  }

  /** Measures and stores. DISK_FULL, FILE_WRITE_FAILED; what the engine throws. */
  async measure(file: string, model: Model, measuring: TuneOptions = {}): Promise<TuningResult> {
    const result = await tune(this.#engineModule, model, this.#config["engine.isa"], measuring);
    const { threads, decodeThreads, decodeTokensPerSecond } = result;
    const measuredAt = new Date(this.#clock.wallTime()).toISOString();
    const measured = { threads, decodeThreads, decodeTokensPerSecond, model: path.basename(file), measuredAt };
    await this.#store.save(this.#key(file), measured);
    return result;
  }

  #key(file: string): string {
    return tuningKey(file, this.#engineModule.buildId(), this.#config["engine.isa"]);
  }
}
