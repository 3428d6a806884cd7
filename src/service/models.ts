/** The models that clients may list, look at, load, fetch and remove. */
import { HearthError } from "../base/errors.js";
import type { ModelInfo } from "../engine/contract.js";
import type { ModelStore, StoredModel } from "../store/model-store.js";
import { isSameName } from "../store/names.js";
import type { OnProgress } from "../store/progress.js";
import type { Models } from "./model-host.js";
import type { LoadedModelInfo } from "./model-registry.js";

export interface ModelEntry {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  /** null where nobody has looked into the file yet. */
  readonly file: ModelFileEntry | null;
}

export interface ModelFileEntry {
  readonly bytes: number;
  /** 64 hex digits; empty for a file that is not in the store. */
  readonly digest: string;
  readonly architecture: string;
  /** `Q4_K_M`. */
  readonly type: string;
  readonly parameters: number;
  readonly contextTrained: number;
  readonly layers: number;
  readonly embedding: number;
  /** Jinja; null where it has none, or is not loaded. */
  readonly chatTemplate: string | null;
}

export interface LoadedEntry extends ModelEntry {
  /** Weights and KV cache. */
  readonly memoryBytes: number;
  /** Milliseconds since 1970; null: not by itself. */
  readonly expiresAt: number | null;
  /** That a prompt and its answer may have together. */
  readonly contextTokens: number;
}

/** What runs them. */
export interface RunningModels extends Models {
  /** Another server runs it. */
  isElsewhere?(name: string): boolean;
  loaded(): readonly LoadedModelInfo[];
  unload(name: string): Promise<void>;
}

/** Downloads a model into the store; `source` in the words of whoever asks. */
export type Puller = (source: string, onProgress: OnProgress, signal: AbortSignal) => Promise<void>;

export interface LibraryOptions {
  readonly pull: Puller;
  /** As configured. */
  readonly contextTokens: number;
  /** Milliseconds since 1970: what files outside the store are told to be from. */
  readonly startedAt: number;
}

export class ModelLibrary {
  readonly #running: RunningModels;
  readonly #store: ModelStore;
  readonly #options: LibraryOptions;

  constructor(running: RunningModels, store: ModelStore, options: LibraryOptions) {
    this.#running = running;
    this.#store = store;
    this.#options = options;
  }

  /** That a prompt and its answer may have together, as configured. */
  get contextTokens(): number {
    return this.#options.contextTokens;
  }

  /** Each under all its names. */
  list(): ModelEntry[] {
    return this.#running.names().flatMap((name) => {
      const entry = this.#describe(name);
      const aliases = this.#store.find(name)?.aliases ?? [];
      return [entry, ...aliases.map((alias) => ({ ...entry, name: alias }))];
    });
  }

  loaded(): LoadedEntry[] {
    return this.#running.loaded().flatMap(({ name, bytes, expiresAt, info }) =>
      info === null
        ? []
        : {
            ...this.#describe(name),
            memoryBytes: bytes,
            expiresAt,
            contextTokens: Math.min(this.#options.contextTokens, info.contextTrained),
          },
    );
  }

  /** The model's own name; clients may add the tag `latest`. MODEL_NOT_FOUND. */
  resolve(name: string): string {
    const plain = name.replace(/:latest$/i, "");
    const known = this.#running.names().find((own) => isSameName(name, own));
    return this.#running.resolve(known ?? (plain === "default" ? plain : name));
  }

  /** MODEL_NOT_FOUND. */
  get(name: string): ModelEntry {
    return this.#describe(this.resolve(name));
  }

  /** Loads the model; see Models.acquire. */
  async load(name: string, signal: AbortSignal, keepAliveMs?: number): Promise<void> {
    const own = this.resolve(name);
    if (this.#running.isElsewhere?.(own)) return;
    const { release } = await this.#running.acquire(own, signal, keepAliveMs);
    release();
  }

  unload(name: string): Promise<void> {
    return this.#running.unload(this.resolve(name));
  }

  /** Does nothing for a model that is there. */
  async pull(name: string, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    if (this.#running.names().some((own) => isSameName(name, own))) return;
    await this.#options.pull(name, onProgress, signal);
  }

  /** MODEL_NOT_FOUND, and MODEL_EXISTS where another model has the name. */
  copy(source: string, destination: string): Promise<void> {
    return this.#store.addAlias(source, destination);
  }

  /** Removes a model of the store, or only the name where it has others. MODEL_NOT_FOUND; MODEL_IN_USE for the configured one. */
  async remove(name: string): Promise<void> {
    const stored = this.#store.get(name);
    if (this.#isConfigured(stored)) {
      const message = `${JSON.stringify(stored.name)} is the model that the daemon loads at its start.`;
      throw new HearthError("MODEL_IN_USE", message, { param: "model" });
    }
    if (isSameName(name, stored.name)) await this.#running.unload(stored.name).catch(ignoreUnknown);
    await this.#store.remove(name);
  }

  /** It stays loaded, and without its file the next start would lack it. */
  #isConfigured({ name }: StoredModel): boolean {
    try {
      return this.#running.resolve(name) === this.#running.resolve("default");
    } catch (error) {
      ignoreUnknown(error);
      return false;
    }
  }

  #describe(name: string): ModelEntry {
    const stored = this.#store.find(name);
    const info = this.#running.loaded().find((running) => running.name === name)?.info ?? null;
    const modifiedAt = stored ? Date.parse(stored.addedAt) : this.#options.startedAt;
    const file = info ? fromInfo(info, stored) : stored ? fromStore(stored) : null;
    return { name, modifiedAt, file };
  }
}

/** A model of the store that nothing can run need not be unloaded. */
function ignoreUnknown(error: unknown): void {
  if (!(error instanceof HearthError) || error.code !== "MODEL_NOT_FOUND") throw error;
}

function fromInfo(info: ModelInfo, stored: StoredModel | null): ModelFileEntry {
  const { architecture, parameters, contextTrained, layers, embedding, chatTemplate } = info;
  return {
    bytes: info.fileBytes,
    digest: stored?.files[0]?.sha256 ?? "",
    type: stored?.description.type ?? info.weightType,
    ...{ architecture, parameters, contextTrained, layers, embedding, chatTemplate },
  };
}

function fromStore({ description, bytes, files }: StoredModel): ModelFileEntry {
  const { architecture, type, parameters, contextTrained, layers, embedding } = description;
  const digest = files[0]?.sha256 ?? "";
  return { bytes, digest, architecture, type, parameters, contextTrained, layers, embedding, chatTemplate: null };
}
