/** Measures how matrices are multiplied fastest on this machine, and how many threads suit a model. The configuration wins over both. */
import path from "node:path";
import type { Clock } from "../base/clock.js";
import type { Config } from "../config/options.js";
import type { Engine, EngineModule, MatmulChoice, MatmulKind, Model } from "../engine/contract.js";
import { manyColumns, type WeightSpeed } from "../service/plan/predict.js";
import type { Tunings } from "../service/tuning/auto-tuner.js";
import { choicesFor, choicesOf, type MatmulRow, tuneMatmuls } from "../service/tuning/matmuls.js";
import { type MeasuredTuning, type TuneOptions, type TuningResult, tune } from "../service/tuning/threads.js";
import { machineKey, TuningStore, tuningKey } from "../store/machine-tunings.js";
import { forcedReading } from "./model-options.js";

export class MachineTuner implements Tunings {
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
  get wantsThreads(): boolean {
    return this.#config["engine.threads"] === 0 && this.#config["engine.decode_threads"] === 0;
  }

  /** The result of an earlier measurement; null where there is none, and where it is not wanted. */
  find(file: string): MeasuredTuning | null {
    return this.wantsThreads ? this.#store.find(tuningKey(file, this.#build, this.#forced)) : null;
  }

  /** Measures and stores. DISK_FULL, FILE_WRITE_FAILED; what the engine throws. */
  async measure(file: string, model: Model, measuring: TuneOptions = {}): Promise<TuningResult> {
    const kernels = { isa: this.#config["engine.isa"], reading: forcedReading(this.#config) };
    const matmuls = this.#known();
    const result = await tune(this.#engineModule, model, { ...kernels, matmuls }, measuring);
    const { threads, decodeThreads, decodeTokensPerSecond } = result;
    const measuredAt = this.#wallTime();
    const measured = { threads, decodeThreads, decodeTokensPerSecond, model: path.basename(file), measuredAt };
    await this.#store.save(tuningKey(file, this.#build, this.#forced), measured);
    return result;
  }

  /** The choices that were measured for these kinds of matrices; null where one of them has none. */
  findMatmuls(kinds: readonly MatmulKind[]): MatmulChoice[] | null {
    return choicesFor(kinds, this.#known());
  }

  /** Measures and stores. Nothing where there is nothing to choose from. DISK_FULL, FILE_WRITE_FAILED; what the engine throws. */
  async measureMatmuls(model: Model, measuring: TuneOptions = {}): Promise<readonly MatmulRow[]> {
    const rows = await this.#tuneMatmuls(model, measuring);
    if (rows.length > 0) await this.#saveMatmuls(choicesOf(rows));
    return rows;
  }

  /** Gives an engine the choices that were measured before, or else now: for commands, to which it does not matter if they cannot be stored. */
  async useMatmuls(engine: Engine, model: Model): Promise<void> {
    const known = this.findMatmuls(engine.matmuls());
    if (known) return engine.useMatmuls(known);
    const choices = choicesOf(await this.#tuneMatmuls(model, {}));
    engine.useMatmuls(choices);
    if (choices.length > 0) await this.#saveMatmuls(choices).catch(() => {});
  }

  /** How fast weights of this kind were multiplied when somebody measured it; null: nobody did. */
  findSpeed({ type, rowLength }: MatmulKind): WeightSpeed | null {
    const stored = this.#store.findSpeeds(machineKey(this.#build, this.#forced));
    return stored.find((speed) => speed.type === type && speed.rowLength === rowLength) ?? null;
  }

  /** Measures how fast weights of these kinds are multiplied, and stores it where that can be done. What the engine throws. */
  async measureSpeeds(kinds: readonly MatmulKind[]): Promise<WeightSpeed[]> {
    const usual = this.#forced;
    const threads = this.#config["engine.threads"];
    const speeds: WeightSpeed[] = [];
    for (const { type, rowLength } of kinds) {
      const [choice] = this.findMatmuls([{ type, rowLength }]) ?? [];
      const measure = (way: string, columns: number) =>
        this.#engineModule.measureWeights({ type, rowLength }, { way, columns, threads });
      const one = await measure(choice?.one ?? usual, 1);
      speeds.push({ type, rowLength, one, many: await measure(choice?.many ?? usual, manyColumns) });
    }
    await this.#store.saveSpeeds(machineKey(this.#build, this.#forced), speeds, this.#wallTime()).catch(() => {});
    return speeds;
  }

  async #tuneMatmuls(model: Model, measuring: TuneOptions): Promise<readonly MatmulRow[]> {
    const ways = this.#ways();
    if (ways.length < 2) return [];
    const threads = this.#config["engine.threads"];
    const now = () => this.#clock.now();
    return tuneMatmuls(this.#engineModule, model, { ...measuring, ways, threads, now });
  }

  async #saveMatmuls(choices: readonly MatmulChoice[]): Promise<void> {
    await this.#store.saveMatmuls(machineKey(this.#build, this.#forced), choices, this.#wallTime());
  }

  /** The stored choices that this CPU can run. */
  #known(): MatmulChoice[] {
    const ways = new Set(this.#ways());
    const stored = this.#store.findMatmuls(machineKey(this.#build, this.#forced));
    return stored.filter(({ one, few, many }) => [one, few, many].every((way) => ways.has(way)));
  }

  #ways(): readonly string[] {
    return this.#engineModule.matmulWays(this.#config["engine.isa"], forcedReading(this.#config));
  }

  get #build(): string {
    return this.#engineModule.buildId();
  }

  get #forced(): string {
    return `${this.#config["engine.isa"]}:${forcedReading(this.#config)}`;
  }

  #wallTime(): string {
    return new Date(this.#clock.wallTime()).toISOString();
  }
}
