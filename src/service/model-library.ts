/** The models that clients may list, look at, load, fetch, name and remove. */
import { createHash } from "node:crypto";
import { HearthError } from "../base/errors.js";
import { checkTemplate } from "../chat/template-check.js";
import type { TemplateRenderer } from "../chat/template-thread.js";
import type { ModelInfo } from "../engine/contract.js";
import { type Blobs, checkDigest } from "../store/blobs.js";
import { createFromBlobs } from "../store/create-model.js";
import type { DigestCache } from "../store/digest-cache.js";
import { FactsReader } from "../store/model-facts.js";
import { isSameName } from "../store/model-names.js";
import { type ModelSettings, mergeSettings } from "../store/model-settings.js";
import type { ModelStore, StoredModel } from "../store/model-store.js";
import type { OnProgress } from "../store/progress.js";
import type { Models } from "./model-host.js";
import type { CatalogModel, LoadedModelInfo } from "./model-registry.js";

export type { ModelSettings } from "../store/model-settings.js";

export interface ModelEntry {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  /** 64 hex digits: the SHA-256 of its first file; of a model without a file here, of what tells it apart. */
  readonly digest: string;
  /** null where there is no file that could be looked into. */
  readonly file: ModelFileEntry | null;
  /** The model whose file the name stands for; null where it has its own. */
  readonly base: string | null;
  readonly settings: ModelSettings;
}

export interface ModelFileEntry {
  readonly bytes: number;
  readonly architecture: string;
  /** `Q4_K_M`. */
  readonly type: string;
  readonly parameters: number;
  readonly contextTrained: number;
  readonly layers: number;
  readonly embedding: number;
  /** Jinja; null where it has none. */
  readonly chatTemplate: string | null;
}

export interface LoadedEntry extends ModelEntry {
  /** Weights and KV cache. */
  readonly memoryBytes: number;
  /** Milliseconds since 1970; null: not by itself. */
  readonly expiresAt: number | null;
  /** The tokens that a prompt and its answer may have together. */
  readonly contextTokens: number;
}

export interface ContextLimits {
  /** The configured context, or `mostTokens` where that is less. */
  readonly contextTokens: number;
  /** The model's own limit, where it is known. */
  readonly mostTokens: number;
}

/** The models that are loaded and answer. */
export interface RunningModels extends Models {
  /** Another server runs it. */
  isElsewhere?(name: string): boolean;
  /** The model that a name stands for, and the one whose file it uses. MODEL_NOT_FOUND. */
  locate(name: string): { readonly model: CatalogModel; readonly file: CatalogModel };
  loaded(): readonly LoadedModelInfo[];
  unload(name: string): Promise<void>;
}

/** Downloads a model into the store; `source` in the words of whoever asks. */
export type Puller = (source: string, onProgress: OnProgress, signal: AbortSignal) => Promise<void>;

export interface LibraryOptions {
  /** Tries the templates of made models. */
  readonly renderer: TemplateRenderer;
  readonly pull: Puller;
  readonly digests: Pick<DigestCache, "of">;
  readonly blobs: Blobs;
  /** The configured context. */
  readonly contextTokens: number;
  /** Milliseconds since 1970: what models without a file here are told to be from. */
  readonly startedAt: number;
}

export class ModelLibrary {
  readonly #running: RunningModels;
  readonly #store: ModelStore;
  readonly #options: LibraryOptions;
  readonly #facts: FactsReader;

  constructor(running: RunningModels, store: ModelStore, options: LibraryOptions) {
    this.#running = running;
    this.#store = store;
    this.#options = options;
    this.#facts = new FactsReader(store.engine);
  }

  /** Each under all its names. */
  async list(): Promise<ModelEntry[]> {
    const entries = await Promise.all(this.#running.names().map((name) => this.#describe(name)));
    return entries.flatMap((entry) => {
      const aliases = this.#store.find(entry.name)?.aliases ?? [];
      return [entry, ...aliases.map((alias) => ({ ...entry, name: alias }))];
    });
  }

  async loaded(): Promise<LoadedEntry[]> {
    const entries = this.#running.loaded().map(async ({ name, bytes, expiresAt, info, contextTokens }) => ({
      ...(await this.#describe(name)),
      memoryBytes: bytes,
      expiresAt,
      contextTokens: contextTokens ?? this.#contextOf(info?.contextTrained),
      isMapped: info !== null,
    }));
    return (await Promise.all(entries)).filter(({ isMapped }) => isMapped);
  }

  /** The model's own name; case does not count, nor does the tag `latest`. MODEL_NOT_FOUND. */
  resolve(name: string): string {
    return this.#running.resolve(name);
  }

  /** MODEL_NOT_FOUND. */
  get(name: string): Promise<ModelEntry> {
    return this.#describe(this.resolve(name));
  }

  /** How much a prompt and its answer may have together. */
  async contextLimits(name: string): Promise<ContextLimits> {
    const own = this.resolve(name);
    const file = this.#running.isElsewhere?.(own) ? null : this.#locate(own)?.file;
    const running = this.#running.loaded().find((each) => file && each.name === this.#running.resolve(file.name));
    const facts = file ? (running?.info ?? (await this.#facts.read(file.path))) : null;
    const contextTokens = running?.contextTokens ?? this.#contextOf(facts?.contextTrained);
    return { contextTokens, mostTokens: facts?.contextTrained || contextTokens };
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

  has(name: string): boolean {
    return this.#running.names().some((own) => isSameName(name, own)) || this.#store.find(name) !== null;
  }

  /** Does nothing for a model that is there. */
  async pull(name: string, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    if (this.#running.names().some((own) => isSameName(name, own))) return;
    await this.#options.pull(name, onProgress, signal);
  }

  /** Gives the model a name that is removed on its own. Throws what `derive` does. */
  copy(source: string, destination: string): Promise<void> {
    return this.derive(destination, source, {});
  }

  /**
   * Makes a name for the file of `from`, asked as `settings` say and as that name is asked for the rest. MODEL_NOT_FOUND,
   * MODEL_EXISTS, MODEL_NAME_INVALID, CHAT_TEMPLATE_FAILED.
   */
  async derive(name: string, from: string, settings: ModelSettings): Promise<void> {
    const { model, file } = this.#running.locate(this.resolve(from));
    this.#checkFree(name);
    if (settings.template !== undefined) await checkTemplate(settings.template, this.#options.renderer);
    const facts = await this.#facts.read(file.path);
    if (!facts) throw new HearthError("MODEL_NOT_FOUND", `The file of ${JSON.stringify(from)} cannot be read.`);
    const { bytes: _bytes, chatTemplate: _template, modifiedAt: _at, ...description } = facts;
    const base = this.#running.resolve(file.name);
    await this.#store.derive(name, { base, settings: mergeSettings(model.settings ?? {}, settings), description });
  }

  /** A model of files that were sent before. Throws what createFromBlobs does, and CHAT_TEMPLATE_FAILED. */
  async createFromBlobs(name: string, digests: readonly string[], settings: ModelSettings): Promise<void> {
    this.#checkFree(name);
    if (settings.template !== undefined) await checkTemplate(settings.template, this.#options.renderer);
    await createFromBlobs(this.#store, this.#options.blobs, name, digests, settings);
  }

  /** Whether a file is here, by `sha256:HEX`. REQUEST_INVALID for anything else. */
  async hasBlob(digest: string): Promise<boolean> {
    return (await this.#options.blobs.find(checkDigest(digest))) !== null;
  }

  /** See Blobs.receive. */
  receiveBlob(digest: string, bytes: AsyncIterable<Buffer>, declaredBytes: number | null): Promise<void> {
    return this.#options.blobs.receive(checkDigest(digest), bytes, declaredBytes);
  }

  /**
   * Removes a model of the store, or only the name where it has others. MODEL_NOT_FOUND; MODEL_IN_USE for the configured one and
   * for one that others are made from.
   */
  async remove(name: string): Promise<void> {
    const stored = this.#store.get(name);
    this.#store.checkRemovable(name);
    if (this.#isConfigured(stored)) {
      const message = `${JSON.stringify(stored.name)} is the model that the daemon loads at its start.`;
      throw new HearthError("MODEL_IN_USE", message, { param: "model" });
    }
    if (isSameName(name, stored.name) && stored.base === undefined) {
      await this.#running.unload(stored.name).catch(ignoreUnknown);
    }
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

  /** MODEL_EXISTS for a name that the store does not know, and that means a model all the same. */
  #checkFree(name: string): void {
    if (this.#store.find(name) || !this.#running.names().some((own) => isSameName(name, own))) return;
    throw new HearthError("MODEL_EXISTS", `There is a model ${JSON.stringify(name.slice(0, 80))} already.`, {
      param: "name",
    });
  }

  #contextOf(contextTrained: number | undefined): number {
    const { contextTokens } = this.#options;
    return contextTrained ? Math.min(contextTokens, contextTrained) : contextTokens;
  }

  async #describe(name: string): Promise<ModelEntry> {
    if (this.#running.isElsewhere?.(name)) return this.#without(name, null, {});
    const located = this.#locate(name);
    if (!located) return this.#without(name, this.#store.find(name)?.base ?? null, {});
    const { model, file } = located;
    const stored = this.#store.find(name);
    const own = model === file ? stored : this.#store.find(file.name);
    const ownName = this.#running.resolve(file.name);
    const info = this.#running.loaded().find((running) => running.name === ownName)?.info ?? null;
    const facts = await this.#facts.read(file.path);
    return {
      name,
      modifiedAt: stored ? Date.parse(stored.addedAt) : (facts?.modifiedAt ?? this.#options.startedAt),
      digest: own?.files[0]?.sha256 ?? (await this.#options.digests.of(file.path)),
      file: facts ?? (info ? fromInfo(info) : own ? fromStore(own) : null),
      base: model === file ? null : ownName,
      settings: model.settings ?? {},
    };
  }

  #locate(name: string): ReturnType<RunningModels["locate"]> | null {
    try {
      return this.#running.locate(name);
    } catch (error) {
      ignoreUnknown(error);
      return null;
    }
  }

  /** Clients want a digest, of which they show the beginning. */
  #without(name: string, base: string | null, settings: ModelSettings): ModelEntry {
    const digest = createHash("sha256").update(name).digest("hex");
    return { name, modifiedAt: this.#options.startedAt, digest, file: null, base, settings };
  }
}

/** A model of the store that nothing can run need not be unloaded. */
function ignoreUnknown(error: unknown): void {
  if (!(error instanceof HearthError) || error.code !== "MODEL_NOT_FOUND") throw error;
}

function fromInfo(info: ModelInfo): ModelFileEntry {
  const { architecture, parameters, contextTrained, layers, embedding, chatTemplate, fileBytes, weightType } = info;
  return {
    bytes: fileBytes,
    type: weightType,
    ...{ architecture, parameters, contextTrained, layers, embedding, chatTemplate },
  };
}

function fromStore({ description, bytes }: StoredModel): ModelFileEntry {
  const { architecture, type, parameters, contextTrained, layers, embedding } = description;
  return { bytes, architecture, type, parameters, contextTrained, layers, embedding, chatTemplate: null };
}
