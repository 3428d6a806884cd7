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
  ImportPlan,
  MatmulSpeed,
  MatmulTrial,
  Model,
  ModelInfo,
  QuantizeOptions,
  QuantizeProgress,
  QuantizeReport,
  QuantizeWatch,
} from "./contract.js";

/** The exports of native/binding/: the contract, with methods in place of properties and errors that are not yet ours. */
interface Addon
  extends Omit<
    EngineModule,
    "loadModel" | "createEngine" | "measureMatmul" | "quantizeModel" | "importModel" | "buildId"
  > {
  loadModel(path: string, options: { vocabularyOnly: boolean }): Promise<AddonModel>;
  createEngine(model: AddonModel, options: EngineOptions): Promise<AddonEngine>;
  measureMatmul(model: AddonModel, trial: MatmulTrial): Promise<MatmulSpeed[]>;
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

/** Calls `body`; what it throws, or its promise rejects with, becomes a HearthError. */
function guarded<T>(body: () => T): T {
  const rethrow = (error: unknown): never => {
    throw toHearthError(error);
  };
  try {
    const result = body();
    return result instanceof Promise ? (result.catch(rethrow) as T) : result;
  } catch (error) {
    return rethrow(error);
  }
}

/** The methods of `handle` that are named, guarded. */
function forward<T, K extends keyof T>(handle: T, names: readonly K[]): Pick<T, K> {
  const methods = names.map((name) => {
    const method = handle[name] as (...args: unknown[]) => unknown;
    return [name, (...args: unknown[]) => guarded(() => method.apply(handle, args))];
  });
  return Object.fromEntries(methods) as Pick<T, K>;
}

/** Runs the work until it ends or the signal stops it; no progress is told afterwards. */
async function watched(
  start: (onProgress: OnProgress) => AddonWork,
  { onProgress, signal }: QuantizeWatch = {},
): Promise<QuantizeReport> {
  signal?.throwIfAborted();
  let running = true;
  const work = guarded(() => start((progress) => running && onProgress?.(progress)));
  const cancel = () => work.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    return await guarded(() => work.done);
  } catch (error) {
    if (error instanceof HearthError && error.code === "STOPPED") signal?.throwIfAborted();
    throw error;
  } finally {
    running = false;
    signal?.removeEventListener("abort", cancel);
  }
}

/** The addon's side of each model, which engines are made of. */
const handles = new WeakMap<Model, AddonModel>();

function toModel(handle: AddonModel): Model {
  const methods = forward(handle, ["encode", "decode", "compileGrammar", "checkStorage"]);
  const model = { info: handle.info(), ...methods };
  handles.set(model, handle);
  return model;
}

function toEngine(handle: AddonEngine): Engine {
  const methods = forward(handle, [
    "residency",
    "memory",
    "fitWeights",
    "holdFreeKv",
    "useThreads",
    "matmuls",
    "useMatmuls",
    "openSequence",
    "forkSequence",
    "truncateSequence",
    "resumableTokens",
    "setSampler",
    "closeSequence",
    "sequenceLength",
    "freeKvTokens",
    "identify",
    "saveSnapshot",
    "restoreSnapshot",
    "describeSnapshot",
    "step",
    "stopStep",
    "close",
  ]);
  return { options: handle.options(), isa: handle.isa(), ...methods };
}

function handleOf(model: Model): AddonModel {
  const handle = handles.get(model);
  if (!handle) throw new HearthError("INTERNAL", "The model is not the addon's.");
  return handle;
}

const addonPath = fileURLToPath(new URL("../../build/Release/hearth.node", import.meta.url));

/** The addon as an EngineModule. ADDON_LOAD_FAILED when it was not built, or not for this machine. */
export function loadEngineModule(): EngineModule {
  if (!existsSync(addonPath)) {
    throw new HearthError("ADDON_LOAD_FAILED", `There is no ${addonPath}.`);
  }
  const addon = loadAddon();
  return {
    ...forward(addon, [
      "describeFile",
      "checkHead",
      "planMemory",
      "measureReading",
      "measureWeights",
      "tryLock",
      "measureReadBandwidth",
      "writeSyntheticModel",
      "matmulWays",
      "compiledIsas",
      "notify",
    ]),
    loadModel: async (path, options) => toModel(await guarded(() => addon.loadModel(path, options))),
    createEngine: async (model, options) => toEngine(await guarded(() => addon.createEngine(handleOf(model), options))),
    measureMatmul: (model, trial) => guarded(() => addon.measureMatmul(handleOf(model), trial)),
    quantizeModel: (source, path, options, watch) =>
      watched((onProgress) => addon.quantizeModel(source, path, options, onProgress), watch),
    importModel: (plan, path, options, watch) =>
      watched((onProgress) => addon.importModel(plan, path, options, onProgress), watch),
    buildId,
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
