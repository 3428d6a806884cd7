/** Thread counts for a model on this machine: measured before, or now. What is configured wins over both. */
import path from "node:path";
import type { Clock } from "../base/clock.js";
import { version } from "../base/version.js";
import type { Config } from "../config/options.js";
import type { EngineModule, Model } from "../engine/contract.js";
import { type Tuning, type TuningResult, tune } from "../service/tuning.js";
import { TuningStore, tuningKey } from "../store/tunings.js";

export interface MeasureOptions {
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export class ThreadTuner {
  readonly #config: Config;
  readonly #store: TuningStore;
  readonly #engineModule: EngineModule;
  readonly #clock: Clock;

  constructor(config: Config, stateFolder: string, engineModule: EngineModule, clock: Clock) {
    this.#config = config;
    this.#store = new TuningStore(stateFolder);
    this.#engineModule = engineModule;
    this.#clock = clock;
  }

  /** What was measured before; null where nothing was, and where the configuration says how many threads. */
  find(file: string): Tuning | null {
    if (this.#config["engine.threads"] !== 0 || this.#config["engine.decode_threads"] !== 0) return null;
    return this.#store.find(this.#key(file));
  }

  /** Measures and stores. DISK_FULL, FILE_WRITE_FAILED; what the engine throws. */
  async measure(file: string, model: Model, measuring: MeasureOptions = {}): Promise<TuningResult> {
    const result = await tune(this.#engineModule, model, this.#config["engine.isa"], measuring);
    const { threads, decodeThreads } = result;
    const measuredAt = new Date(this.#clock.wallTime()).toISOString();
    await this.#store.save(this.#key(file), { threads, decodeThreads, model: path.basename(file), measuredAt });
    return result;
  }

  #key(file: string): string {
    return tuningKey(file, version, this.#config["engine.isa"]);
  }
}
