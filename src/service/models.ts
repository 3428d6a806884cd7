/** The models that clients may list, look at, fetch and remove: those of the store, and the one that is loaded. */
import { HearthError } from "../base/errors.js";
import type { ModelStore, StoredModel } from "../store/model-store.js";
import { isSameName } from "../store/names.js";
import type { OnProgress } from "../store/progress.js";
import type { ModelHost } from "./model-host.js";

export interface ModelEntry {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly bytes: number;
  /** 64 hex digits that tell one file from another. */
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
  /** Tokens that a prompt and its answer may have; null: not loaded. */
  readonly contextTokens: number | null;
}

/** Downloads a model into the store; `source` in the words of whoever asks. */
export type Puller = (source: string, onProgress: OnProgress, signal: AbortSignal) => Promise<void>;

export class ModelLibrary {
  readonly #host: ModelHost;
  readonly #store: ModelStore;
  readonly #pull: Puller;
  readonly #startedAt: number;

  constructor(host: ModelHost, store: ModelStore, pull: Puller, startedAt: number) {
    this.#host = host;
    this.#store = store;
    this.#pull = pull;
    this.#startedAt = startedAt;
  }

  list(): ModelEntry[] {
    const stored = this.#store.scan().models.map(fromStore);
    const loaded = this.loaded();
    return loaded && !stored.some(({ name }) => isSameName(name, loaded.name)) ? [loaded, ...stored] : stored;
  }

  /** null before the model is there. */
  loaded(): ModelEntry | null {
    const ready = this.#host.loaded;
    if (!ready) return null;
    const { info } = ready.model;
    const name = this.#host.alias;
    const stored = this.#store.find(name);
    return {
      name,
      modifiedAt: stored ? Date.parse(stored.addedAt) : this.#startedAt,
      bytes: info.fileBytes,
      digest: stored?.files[0]?.sha256 ?? "0".repeat(64),
      architecture: info.architecture,
      type: info.weightType,
      parameters: info.parameters,
      contextTrained: info.contextTrained,
      layers: info.layers,
      embedding: info.embedding,
      chatTemplate: info.chatTemplate,
      contextTokens: ready.scheduler.contextTokens,
    };
  }

  /** MODEL_NOT_FOUND. */
  get(name: string): ModelEntry {
    const loaded = this.loaded();
    if (loaded && (isSameName(name, loaded.name) || name === "default")) return loaded;
    const stored = this.#store.find(name);
    if (stored) return fromStore(stored);
    throw new HearthError("MODEL_NOT_FOUND", `There is no model ${JSON.stringify(name.slice(0, 80))}.`, {
      param: "model",
    });
  }

  /** Does nothing for a model that is there. */
  async pull(name: string, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    if (this.list().some((entry) => isSameName(name, entry.name))) return;
    await this.#pull(name, onProgress, signal);
  }

  /** MODEL_NOT_FOUND, and MODEL_EXISTS where another model has the name. */
  copy(source: string, destination: string): Promise<void> {
    return this.#store.addAlias(source, destination);
  }

  remove(name: string): Promise<void> {
    return this.#store.remove(name);
  }
}

function fromStore(model: StoredModel): ModelEntry {
  const { architecture, type, parameters, contextTrained, layers, embedding } = model.description;
  return {
    name: model.name,
    modifiedAt: Date.parse(model.addedAt),
    bytes: model.bytes,
    digest: model.files[0]?.sha256 ?? "",
    architecture,
    type,
    parameters,
    contextTrained,
    layers,
    embedding,
    chatTemplate: null,
    contextTokens: null,
  };
}
