/** An EngineModule of fake models and engines, with handles for the test: what was loaded, and which calls fail. */
import { setTimeout as delay } from "node:timers/promises";
import { type ErrorCode, HearthError } from "../../src/base/errors.js";
import type {
  Engine,
  EngineModule,
  EngineOptions,
  MatmulSpeed,
  MatmulTrial,
  Model,
  ModelFileInfo,
  ModelMemoryPlan,
  QuantizeReport,
} from "../../src/engine/contract.js";
import { FakeEngine, type FakeOptions, oneMatmul } from "./engine.js";
import { Failures } from "./failures.js";
import { describeFakeFile, FakeModel } from "./model.js";

export { FakeEngine, type FakeOptions, hashedLetters, type NextToken, scripted } from "./engine.js";
export { fakeTokens } from "./model.js";

export class FakeEngineModule implements EngineModule {
  readonly models: FakeModel[] = [];
  readonly engines: FakeEngine[] = [];
  /** The trials that `measureMatmul` was asked for, oldest first. */
  readonly trials: MatmulTrial[] = [];
  /** The messages that `notify` sent. */
  readonly notifications: string[] = [];
  readonly #options: FakeOptions;
  readonly #failures = new Failures();

  constructor(options: FakeOptions = {}) {
    this.#options = options;
  }

  /** The `nth` call of `method` from now on throws `code`. `stepResult` fails a step after it was accepted. */
  failCall(
    method: keyof Engine | keyof EngineModule | "stepResult" | "saveSnapshotResult",
    nth: number,
    code: ErrorCode,
  ): void {
    this.#failures.plan(method, nth, code);
  }

  async loadModel(path: string, { vocabularyOnly }: { vocabularyOnly: boolean }): Promise<FakeModel> {
    await delay(this.#options.loadMs ?? 0);
    await this.#options.loading;
    this.#failures.check("loadModel");
    const model = new FakeModel(path, this.#options, vocabularyOnly);
    this.models.push(model);
    return model;
  }

  async createEngine(model: Model, options: EngineOptions): Promise<FakeEngine> {
    this.#failures.check("createEngine");
    if (!(model instanceof FakeModel)) throw new HearthError("INTERNAL", "The fake engine runs fake models only.");
    if (!model.info.hasWeights) throw new HearthError("MODEL_HAS_NO_WEIGHTS", "The file holds only a vocabulary.");
    const engine = new FakeEngine(model, options, this.#options, this.#failures);
    this.engines.push(engine);
    return engine;
  }

  async describeFile(path: string): Promise<ModelFileInfo> {
    this.#failures.check("describeFile");
    return describeFakeFile(new FakeModel(path, this.#options, false).info);
  }

  tryLock(): boolean {
    this.#failures.check("tryLock");
    return true;
  }

  matmulWays(): readonly string[] {
    return (this.#options.matmuls ?? oneMatmul).ways;
  }

  async measureMatmul(_model: Model, trial: MatmulTrial): Promise<readonly MatmulSpeed[]> {
    this.#failures.check("measureMatmul");
    this.trials.push(trial);
    const { kinds, speed } = this.#options.matmuls ?? oneMatmul;
    return kinds.map((kind) => ({ ...kind, bytesPerSecond: speed(kind, trial) }));
  }

  async checkHead(): Promise<boolean> {
    return true;
  }

  async planMemory(): Promise<ModelMemoryPlan> {
    throw new HearthError("MODEL_ARCHITECTURE_UNSUPPORTED", "The fake engine plans nothing.");
  }

  async measureReading(): Promise<number> {
    return 1e9;
  }

  async measureWeights(): Promise<number> {
    return 10e9;
  }

  async measureReadBandwidth(): Promise<number> {
    return 10e9;
  }

  async writeSyntheticModel(): Promise<void> {
    throw new HearthError("FILE_WRITE_FAILED", "The fake engine writes no models.");
  }

  async quantizeModel(): Promise<QuantizeReport> {
    throw new HearthError("FILE_WRITE_FAILED", "The fake engine writes no models.");
  }

  async importModel(): Promise<QuantizeReport> {
    throw new HearthError("FILE_WRITE_FAILED", "The fake engine writes no models.");
  }

  compiledIsas(): readonly string[] {
    return ["fake"];
  }

  buildId(): string {
    return "fake";
  }

  notify(_socketPath: string, message: string): void {
    this.notifications.push(message);
  }
}
