/**
 * Loads the native addon: the only file that does. Turns its errors into HearthErrors and its objects into the contract's.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { HearthError, isErrorCode } from "../base/errors.js";
import type {
  Engine,
  EngineModule,
  EngineOptions,
  Grammar,
  ImportPlan,
  Model,
  ModelInfo,
  QuantizeOptions,
  QuantizeProgress,
  QuantizeReport,
  QuantizeWatch,
  SamplerOptions,
  SnapshotInfo,
  StepPlan,
  StepResult,
} from "./contract.js";

/** The exports of native/binding/: the contract, with methods in place of properties and errors that are not yet ours. */
interface Addon extends Omit<EngineModule, "loadModel" | "createEngine" | "quantizeModel" | "importModel" | "buildId"> {
  loadModel(path: string, options: { vocabularyOnly: boolean }): Promise<AddonModel>;
  createEngine(model: AddonModel, options: EngineOptions): Promise<AddonEngine>;
  quantizeModel(source: string, path: string, options: QuantizeOptions, onProgress: OnProgress): AddonWork;
  importModel(plan: ImportPlan, path: string, options: QuantizeOptions, onProgress: OnProgress): AddonWork;
}

type OnProgress = (progress: QuantizeProgress) => void;

interface AddonWork {
  readonly done: Promise<QuantizeReport>;
  cancel(): void;
}

interface AddonModel extends Omit<Model, "info"> {
  info(): ModelInfo;
}

interface AddonEngine extends Omit<Engine, "options" | "isa"> {
  options(): EngineOptions;
  isa(): string;
}

function toHearthError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = (error as { code?: unknown }).code;
  return isErrorCode(code) ? new HearthError(code, error.message) : error;
}

function call<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw toHearthError(error);
  }
}

async function callAsync<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw toHearthError(error);
  }
}

/** Runs the work until it ends or the signal stops it; no progress is told afterwards. */
async function watched(
  start: (onProgress: OnProgress) => AddonWork,
  { onProgress, signal }: QuantizeWatch = {},
): Promise<QuantizeReport> {
  signal?.throwIfAborted();
  let running = true;
  const work = call(() => start((progress) => running && onProgress?.(progress)));
  const cancel = () => work.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    return await callAsync(() => work.done);
  } catch (error) {
    if (error instanceof HearthError && error.code === "STOPPED") signal?.throwIfAborted();
    throw error;
  } finally {
    running = false;
    signal?.removeEventListener("abort", cancel);
  }
}

class NativeModel implements Model {
  readonly info: ModelInfo;
  readonly handle: AddonModel;

  constructor(handle: AddonModel) {
    this.handle = handle;
    this.info = handle.info();
  }

  encode(pieces: readonly (string | number)[]): Promise<Int32Array> {
    return callAsync(() => this.handle.encode(pieces));
  }

  decode(ids: Int32Array, withControlTokens: boolean): Uint8Array {
    return call(() => this.handle.decode(ids, withControlTokens));
  }

  compileGrammar(gbnf: string): Promise<Grammar> {
    return callAsync(() => this.handle.compileGrammar(gbnf));
  }

  checkHealth(): void {
    call(() => this.handle.checkHealth());
  }
}

class NativeEngine implements Engine {
  readonly options: EngineOptions;
  readonly isa: string;
  readonly #handle: AddonEngine;

  constructor(handle: AddonEngine) {
    this.#handle = handle;
    this.options = handle.options();
    this.isa = handle.isa();
  }

  useThreads(threads: number, decodeThreads: number): void {
    call(() => this.#handle.useThreads(threads, decodeThreads));
  }

  openSequence(sampler: SamplerOptions): number {
    return call(() => this.#handle.openSequence(sampler));
  }

  forkSequence(source: number, tokens: number, sampler: SamplerOptions): number {
    return call(() => this.#handle.forkSequence(source, tokens, sampler));
  }

  truncateSequence(sequence: number, tokens: number): void {
    call(() => this.#handle.truncateSequence(sequence, tokens));
  }

  resumableTokens(sequence: number, tokens: number): number {
    return call(() => this.#handle.resumableTokens(sequence, tokens));
  }

  setSampler(sequence: number, sampler: SamplerOptions): void {
    call(() => this.#handle.setSampler(sequence, sampler));
  }

  closeSequence(sequence: number): void {
    call(() => this.#handle.closeSequence(sequence));
  }

  sequenceLength(sequence: number): number {
    return call(() => this.#handle.sequenceLength(sequence));
  }

  freeKvTokens(): number {
    return call(() => this.#handle.freeKvTokens());
  }

  identify(): Promise<string> {
    return callAsync(() => this.#handle.identify());
  }

  saveSnapshot(sequence: number, tokens: number, path: string, key: string): Promise<SnapshotInfo> {
    return callAsync(() => this.#handle.saveSnapshot(sequence, tokens, path, key));
  }

  restoreSnapshot(path: string, key: string, tokens: number, sampler: SamplerOptions): Promise<number> {
    return callAsync(() => this.#handle.restoreSnapshot(path, key, tokens, sampler));
  }

  describeSnapshot(path: string, key: string): Promise<SnapshotInfo> {
    return callAsync(() => this.#handle.describeSnapshot(path, key));
  }

  step(plan: StepPlan): Promise<StepResult> {
    return callAsync(() => this.#handle.step(plan));
  }

  stopStep(): void {
    this.#handle.stopStep();
  }

  close(): Promise<void> {
    return callAsync(() => this.#handle.close());
  }
}

const addonPath = fileURLToPath(new URL("../../build/Release/hearth.node", import.meta.url));

/** The addon as an EngineModule. ADDON_LOAD_FAILED when it was not built, or not for this machine. */
export function loadEngineModule(): EngineModule {
  if (!existsSync(addonPath)) {
    throw new HearthError("ADDON_LOAD_FAILED", `There is no ${addonPath}.`);
  }
  const addon = loadAddon();
  return {
    loadModel: async (path, options) => new NativeModel(await callAsync(() => addon.loadModel(path, options))),
    createEngine: async (model, options) => {
      if (!(model instanceof NativeModel)) throw new HearthError("INTERNAL", "The model is not the addon's.");
      return new NativeEngine(await callAsync(() => addon.createEngine(model.handle, options)));
    },
    describeFile: (path) => callAsync(() => addon.describeFile(path)),
    tryLock: (fd) => call(() => addon.tryLock(fd)),
    measureReadBandwidth: (threads) => callAsync(() => addon.measureReadBandwidth(threads)),
    writeSyntheticModel: (shape, type, path) => callAsync(() => addon.writeSyntheticModel(shape, type, path)),
    quantizeModel: (source, path, options, watch) =>
      watched((onProgress) => addon.quantizeModel(source, path, options, onProgress), watch),
    importModel: (plan, path, options, watch) =>
      watched((onProgress) => addon.importModel(plan, path, options, onProgress), watch),
    compiledIsas: () => addon.compiledIsas(),
    buildId,
    notify: (socketPath, message) => call(() => addon.notify(socketPath, message)),
  };
}

let knownBuild: string | null = null;

function buildId(): string {
  knownBuild ??= createHash("sha256").update(readFileSync(addonPath)).digest("hex").slice(0, 32);
  return knownBuild;
}

function loadAddon(): Addon {
  try {
    return createRequire(import.meta.url)(addonPath) as Addon;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new HearthError("ADDON_LOAD_FAILED", `${addonPath} cannot be loaded: ${why}`, { cause: error });
  }
}
