/** Finds the files of a model's name or path. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { HearthError } from "../base/errors.js";
import { isMissing, reasonOf, shownPath } from "../base/files.js";
import type { EngineModule } from "../engine/contract.js";
import type { CatalogModel, ModelCatalog } from "../service/model-registry.js";
import { isSameName } from "../store/model-names.js";
import type { ModelSettings } from "../store/model-settings.js";
import { ModelStore } from "../store/model-store.js";

/** A model that can be loaded, and the name that clients know it by. */
export interface ModelFile {
  readonly name: string;
  /** GGUF; of a split model the first part. */
  readonly path: string;
  /** How it is asked under this name. */
  readonly settings?: ModelSettings | undefined;
}

/** The model that comes with hearth. Its file stands beside src/ and dist/. */
export const embeddedModel: ModelFile = {
  name: "spark",
  path: fileURLToPath(new URL("../../models/spark/spark-q8_0.gguf", import.meta.url)),
};

export function openModelStore(state: string, engine: EngineModule): ModelStore {
  return new ModelStore(path.join(state, "models"), engine);
}

/**
 * A file, a name of the store, or the model that comes with hearth, which an empty name means too. A file that exists wins
 * over a name. FILE_OPEN_FAILED, MODEL_NOT_FOUND.
 */
export function resolveModel(name: string, store: ModelStore): ModelFile {
  if (name === "") return existing(embeddedModel);
  const file = path.resolve(name);
  const looksLikeFile = /\.gguf$/i.test(name) || /^[./~]/.test(name);
  const found = kindOf(file, looksLikeFile);
  if (found === "file") return readable({ name: path.basename(file).replace(/\.gguf$/i, ""), path: file });
  const stored = store.find(name);
  if (stored) {
    const { path: file } = stored.base === undefined ? stored : resolveModel(stored.base, store);
    return readable({ name: stored.name, path: file, settings: stored.settings });
  }
  if (isSameName(name, embeddedModel.name)) return existing(embeddedModel);
  if (looksLikeFile) {
    if (found === "other")
      throw new HearthError("FILE_OPEN_FAILED", `${shownPath(file)} is not a regular file.`, { param: "model" });
    throw new HearthError("FILE_OPEN_FAILED", `There is no file ${shownPath(file)}.`, { param: "model" });
  }
  throw new HearthError(
    "MODEL_NOT_FOUND",
    `${JSON.stringify(name.slice(0, 200))} is neither a file nor in the store.`,
    {
      param: "model",
    },
  );
}

/** The model that a daemon loads first. */
export interface ConfiguredModel {
  readonly model: ModelFile;
  /** Why it is not the one that the configuration names; null when it is. */
  readonly missing: string | null;
}

/**
 * The model of `model.path`. Where it is gone, the one that comes with hearth takes its place: who answers little is of more use
 * than who does not start. FILE_OPEN_FAILED where it is there and may not be read.
 */
export function configuredModel(name: string, store: ModelStore): ConfiguredModel {
  try {
    return { model: resolveModel(name, store), missing: null };
  } catch (error) {
    if (!(error instanceof HearthError) || name === "" || !isGone(name, error)) throw error;
    const missing = `The configured model is gone, and ${embeddedModel.name} answers in its place. ${error.message}`;
    return { model: existing(embeddedModel), missing };
  }
}

/** The store's models and the one that comes with hearth. */
export class StoreCatalog implements ModelCatalog {
  readonly #store: ModelStore;

  constructor(store: ModelStore) {
    this.#store = store;
  }

  list(): readonly CatalogModel[] {
    const { models } = this.#store.scan();
    const isShadowed = this.#store.find(embeddedModel.name) !== null;
    return isShadowed || !existsSync(embeddedModel.path) ? models : [...models, embeddedModel];
  }

  find(name: string): CatalogModel | null {
    const isEmbedded = isSameName(name, embeddedModel.name) && existsSync(embeddedModel.path);
    return this.#store.find(name) ?? (isEmbedded ? embeddedModel : null);
  }
}

function existing(model: ModelFile): ModelFile {
  if (existsSync(model.path)) return model;
  throw new HearthError("FILE_OPEN_FAILED", `The model that comes with hearth is missing: ${model.path}.`, {
    param: "model.path",
  });
}

/** The kind of file at a path. Faults are errors only where a path was surely meant: a name may be one of the store. */
function kindOf(file: string, isPath: boolean): "file" | "other" | "none" {
  try {
    return statSync(file).isFile() ? "file" : "other";
  } catch (error) {
    if (!isPath || isMissing(error)) return "none";
    throw unreadable(file, error);
  }
}

function readable(model: ModelFile): ModelFile {
  try {
    accessSync(model.path, constants.R_OK);
    return model;
  } catch (error) {
    throw unreadable(model.path, error);
  }
}

function unreadable(file: string, cause: unknown): HearthError {
  // The service may not look into home folders; a copy in its store it may read.
  const advice = `Check the path and its permissions, or give hearth a copy: \`sudo hearth models import ${shownPath(file)}\`.`;
  return new HearthError("FILE_OPEN_FAILED", `${shownPath(file)}: ${reasonOf(cause)}.`, {
    param: "model",
    cause,
    ...(isMissing(cause) ? {} : { advice }),
  });
}

function isGone(name: string, { code, cause }: HearthError): boolean {
  if (code === "MODEL_NOT_FOUND" || isMissing(cause)) return true;
  return code === "FILE_OPEN_FAILED" && cause === undefined && !existsSync(path.resolve(name));
}
