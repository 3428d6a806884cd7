/**
 * Several models, of which as many are loaded as the memory allows. The configured one is loaded from the start and stays. The
 * others come with the first request for them, one at a time, and go when nobody asked for them for a while, or when another
 * one needs their room; the least recently used goes first, and never before its answers have ended.
 */

import { type Deferred, deferred } from "../base/async.js";
import { HearthError } from "../base/errors.js";
import { quoted } from "../base/excerpt.js";
import { Health } from "../base/health.js";
import type { EngineModule, EngineOptions, ModelInfo } from "../engine/contract.js";
import { StepTurns } from "../scheduler/step-turns.js";
import type { SchedulerProgress } from "../scheduler/types.js";
import { isSameName } from "../store/model-names.js";
import type { ModelSettings } from "../store/model-settings.js";
import type { IdleTime } from "./idle-time.js";
import {
  defaultModel,
  ModelHost,
  type ModelHostDependencies,
  type ModelHostOptions,
  type ModelLease,
  type ModelPhase,
  type Models,
} from "./model-host.js";
import type { ServingModel } from "./serving-model.js";
import type { TunableModel } from "./tuning/auto-tuner.js";

export interface CatalogModel {
  readonly name: string;
  /** A GGUF file; of a split model the first part. Another path under the same name is another model. Empty with a base. */
  readonly path: string;
  /** Another model, whose file this name stands for. */
  readonly base?: string | undefined;
  /** How the model is asked under this name. */
  readonly settings?: ModelSettings | undefined;
}

/** The models that there are, loaded or not; it may change at any time. */
export interface ModelCatalog {
  list(): readonly CatalogModel[];
  /** By a name or another name of the model. */
  find(name: string): CatalogModel | null;
}

export interface ModelRegistryOptions {
  /** The model that stays; its `alias` and `default` name it. */
  readonly configured: CatalogModel;
  /** Name for clients instead of the model's; empty for none. */
  readonly alias: string;
  readonly host: Omit<ModelHostOptions, "path" | "alias">;
  /** The limit for weights and KV caches of all loaded models. The configured model is loaded in any case. */
  readonly budgetBytes: number;
  /** How long a model stays after its last request; -1 for ever. */
  readonly keepAliveMs: number;
}

export interface ModelRegistryDependencies extends Omit<ModelHostDependencies, "turns" | "reserve"> {
  /** Is told of every use of a model. */
  readonly idle?: Pick<IdleTime, "enter" | "leave">;
  /** Is told of the configured model when it was loaded anew. */
  readonly onReload?: (loaded: ServingModel) => void;
}

export interface LoadedModelInfo {
  readonly name: string;
  readonly phase: ModelPhase;
  /** Weights and KV cache; 0 before it is mapped. */
  readonly bytes: number;
  /** Requests that use it or wait for it. */
  readonly users: number;
  /** Milliseconds since 1970 when it goes unless somebody asks for it; null: not by itself, or not yet. */
  readonly expiresAt: number | null;
  readonly info: ModelInfo | null;
  /** The longest prompt and answer together; null before it is mapped. */
  readonly contextTokens: number | null;
}

interface Resident {
  readonly model: CatalogModel;
  readonly host: ModelHost;
  readonly stays: boolean;
  bytes: number;
  users: number;
  lastUsedAt: number;
  keepAliveMs: number;
  expiresAt: number | null;
  cancelExpiry: (() => void) | null;
  /** Takes no new requests and is on its way out; resolves when it is gone. */
  leaving: Promise<void> | null;
  whenUnused: Deferred<void> | null;
  info: ModelInfo | null;
  contextTokens: number | null;
}

/** Between two attempts to load the configured model anew. */
const reloadAfterMs = 5000;

export class ModelRegistry implements Models {
  readonly #module: EngineModule;
  readonly #catalog: ModelCatalog;
  readonly #options: ModelRegistryOptions;
  readonly #dependencies: ModelRegistryDependencies;
  readonly #turns = new StepTurns();
  #configured: Resident;
  /** Models that take requests, by name. */
  readonly #residents = new Map<string, Resident>();
  readonly #leaving = new Set<Resident>();
  /** One model is loaded at a time: the disk is the bottleneck, and room is counted once. */
  #loading: Promise<void> = Promise.resolve();
  #stopped = false;
  #reloading = false;
  readonly #whenStopped = deferred<void>();

  constructor(
    module: EngineModule,
    catalog: ModelCatalog,
    options: ModelRegistryOptions,
    dependencies: ModelRegistryDependencies,
  ) {
    this.#module = module;
    this.#catalog = catalog;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#configured = this.#makeResident(options.configured, { stays: true });
    this.#residents.set(options.configured.name, this.#configured);
    dependencies.health.onChange(({ name, healthy, reason }) => {
      if (name === "engine" && !healthy && reason.startsWith("FILE_CHANGED")) void this.reload();
    });
  }

  /** The configured model's name for clients. */
  get alias(): string {
    return this.#configured.host.alias;
  }

  /** The phase of the configured model. */
  get phase(): ModelPhase {
    return this.#configured.host.phase;
  }

  /** Loads the configured model. Resolves when it is ready, and rejects with what is wrong with it. */
  start(): Promise<ServingModel> {
    return this.#configured.host.start();
  }

  /**
   * Maps the configured model anew, whose file has changed; again and again until it can be loaded. Meanwhile requests wait, or get
   * what is wrong with the file.
   */
  async reload(): Promise<void> {
    if (this.#reloading) return;
    this.#reloading = true;
    const { logger, clock, onReload } = this.#dependencies;
    while (!this.#stopped) {
      const old = this.#configured;
      this.#configured = this.#makeResident(old.model, { stays: true });
      this.#residents.set(old.model.name, this.#configured);
      await this.#leave(old); // first: there may be no room for both
      try {
        if (!this.#stopped) onReload?.(await this.#configured.host.start());
        break;
      } catch (error) {
        logger.warn({ err: error }, "the configured model could not be loaded anew");
      }
      const waited = deferred<void>();
      const cancel = clock.after(reloadAfterMs, () => waited.resolve());
      await Promise.race([waited.promise, this.#whenStopped.promise]);
      cancel();
    }
    this.#reloading = false;
  }

  names(): readonly string[] {
    const own = [this.alias, this.#options.configured.name];
    return [this.alias, ...this.#catalog.list().flatMap(({ name }) => (own.includes(name) ? [] : [name]))];
  }

  resolve(name: string): string {
    const model = this.#find(name);
    return model === this.#configured.model ? this.alias : model.name;
  }

  async acquire(
    name: string,
    signal: AbortSignal,
    keepAliveMs: number = this.#options.keepAliveMs,
  ): Promise<ModelLease> {
    if (this.#stopped) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    const model = this.#find(name);
    const resident = this.#residentFor(this.#fileOf(model));
    resident.users++;
    this.#dependencies.idle?.enter();
    resident.keepAliveMs = keepAliveMs;
    this.#cancelExpiry(resident);
    let isReleased = false;
    const release = () => {
      if (!isReleased) this.#release(resident);
      isReleased = true;
    };
    try {
      const loaded = await resident.host.ready(signal);
      return { loaded: model.settings ? await resident.host.withSettings(loaded, model.settings) : loaded, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Models that are loaded, being loaded or on their way out, the configured model first. */
  loaded(): readonly LoadedModelInfo[] {
    return this.#all().map(({ host, bytes, users, expiresAt, info, contextTokens }) => ({
      name: host.alias,
      phase: host.phase,
      bytes,
      users,
      expiresAt,
      info,
      contextTokens,
    }));
  }

  /** Models that can answer now. */
  ready(): readonly TunableModel[] {
    return [...this.#residents.values()].flatMap(({ model: { path }, host: { alias, loaded } }) =>
      loaded ? { name: alias, path, loaded } : [],
    );
  }

  /** Resolves when the model is not loaded any more; its answers end first. The configured model stays. */
  async unload(name: string): Promise<void> {
    const { name: own } = this.#fileOf(this.#find(name));
    const resident = this.#residents.get(own);
    if (resident && !resident.stays) await this.#leave(resident);
    await Promise.all([...this.#leaving].filter(({ model }) => model.name === own).map(({ leaving }) => leaving));
  }

  /** Requests that wait for a slot of the model; 0 where it is not loaded. */
  queued(name: string): number {
    return this.#residents.get(this.#fileOf(this.#find(name)).name)?.host.queued ?? 0;
  }

  /** For the watchdog: of the model that has stood still the longest while it had work. */
  progress(): SchedulerProgress {
    const all = this.#all().map(({ host }) => host.progress());
    const stepsCompleted = all.reduce((sum, progress) => sum + progress.stepsCompleted, 0);
    const [slowest] = all.filter(({ busy }) => busy).toSorted((a, b) => a.lastProgressAt - b.lastProgressAt);
    return { busy: slowest !== undefined, stepsCompleted, lastProgressAt: slowest?.lastProgressAt ?? 0 };
  }

  /** Takes no new work, lets running answers end within `graceMs`, then frees the models. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#whenStopped.resolve();
    for (const resident of this.#all()) this.#cancelExpiry(resident);
    await Promise.all(this.#all().map(({ host }) => host.stop(graceMs)));
  }

  #all(): Resident[] {
    return [...this.#residents.values(), ...this.#leaving];
  }

  /** The model that a name stands for, and the one whose file it uses. MODEL_NOT_FOUND. */
  locate(name: string): { readonly model: CatalogModel; readonly file: CatalogModel } {
    const model = this.#find(name);
    return { model, file: this.#fileOf(model) };
  }

  /** The model with the file. Bases have none themselves: whoever makes a name of a name takes the first one's base. */
  #fileOf(model: CatalogModel): CatalogModel {
    if (model.base === undefined) return model;
    try {
      const base = this.#find(model.base);
      if (base.base === undefined) return base;
    } catch {
      // Said better below.
    }
    const message = `${JSON.stringify(model.name)} is made from ${JSON.stringify(model.base)}, which is not there.`;
    throw new HearthError("MODEL_NOT_FOUND", message, { param: "model" });
  }

  #find(name: string): CatalogModel {
    const { model } = this.#configured;
    if ([defaultModel, this.alias, model.name].some((own) => isSameName(name, own))) return model;
    const found = this.#catalog.find(name);
    if (found) return found.name === model.name ? model : found;
    const message = `There is no model ${quoted(name)}; there are ${this.names().slice(0, 10).join(", ")}.`;
    throw new HearthError("MODEL_NOT_FOUND", message, { param: "model" });
  }

  #residentFor(model: CatalogModel): Resident {
    const present = this.#residents.get(model.name);
    if (present?.stays || present?.model.path === model.path) return present;
    if (present) void this.#leave(present); // it was pulled anew meanwhile
    const resident = this.#makeResident(model, { stays: false });
    this.#residents.set(model.name, resident);
    this.#loading = this.#loading.then(() => this.#load(resident));
    return resident;
  }

  #makeResident(model: CatalogModel, { stays }: { stays: boolean }): Resident {
    const { clock } = this.#dependencies;
    const { alias, host, keepAliveMs } = this.#options;
    // Readiness is about the configured model: one that a client asked for must not take the daemon out of service.
    const health = stays ? this.#dependencies.health : new Health(clock);
    const resident: Resident = {
      model,
      stays,
      host: new ModelHost(
        this.#module,
        { ...host, path: model.path, alias: (stays && alias) || model.name },
        {
          ...this.#dependencies,
          health,
          turns: this.#turns,
          reserve: (info, engine) => this.#reserve(resident, info, engine),
        },
      ),
      bytes: 0,
      users: 0,
      lastUsedAt: clock.now(),
      keepAliveMs,
      expiresAt: null,
      cancelExpiry: null,
      leaving: null,
      whenUnused: null,
      info: null,
      contextTokens: null,
    };
    if (!stays) {
      health.onChange(({ name, healthy }) => {
        // Its file changed or cannot be read: the next request maps it anew.
        if (name === "engine" && !healthy) void this.#leave(resident);
      });
    }
    return resident;
  }

  async #load(resident: Resident): Promise<void> {
    if (resident.leaving || this.#stopped) return;
    try {
      await resident.host.start();
      if (resident.users === 0) this.#scheduleExpiry(resident);
    } catch (error) {
      this.#dependencies.logger.warn({ model: resident.model.name, err: error }, "a model could not be loaded");
      if (this.#residents.get(resident.model.name) === resident) this.#residents.delete(resident.model.name);
    }
  }

  /** Makes room for a mapped model. MODEL_DOES_NOT_FIT. */
  async #reserve(resident: Resident, info: ModelInfo, engine: EngineOptions): Promise<void> {
    const { budgetBytes } = this.#options;
    const needed = info.fileBytes + kvCacheBytes(info, engine);
    resident.info = info;
    resident.contextTokens = Math.min(engine.contextTokens, info.contextTrained);
    if (resident.stays) {
      resident.bytes = needed;
      return;
    }
    const others = () => this.#all().filter((other) => other !== resident);
    while (others().reduce((sum, { bytes }) => sum + bytes, needed) > budgetBytes) {
      const [victim] = others()
        .filter(({ stays, bytes, leaving }) => !stays && bytes > 0 && !leaving)
        .toSorted((a, b) => Number(a.users > 0) - Number(b.users > 0) || a.lastUsedAt - b.lastUsedAt);
      const leaving = [...this.#leaving].filter((other) => other !== resident).map((other) => other.leaving);
      const free = Math.max(0, budgetBytes - this.#configured.bytes);
      // Nobody goes for a model that would not fit even alone.
      if (needed > free || (!victim && leaving.length === 0)) {
        const [need, may] = [needed, free].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`);
        const message = `${resident.model.name} needs ${need} of memory, and it may have ${may}.`;
        throw new HearthError("MODEL_DOES_NOT_FIT", message);
      }
      await (victim ? this.#leave(victim) : Promise.all(leaving));
      if (this.#stopped) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    }
    resident.bytes = needed;
  }

  #release(resident: Resident): void {
    resident.users--;
    this.#dependencies.idle?.leave();
    resident.lastUsedAt = this.#dependencies.clock.now();
    if (resident.users > 0) return;
    resident.whenUnused?.resolve();
    if (resident.host.phase === "ready") this.#scheduleExpiry(resident);
  }

  #scheduleExpiry(resident: Resident): void {
    const { stays, keepAliveMs, leaving } = resident;
    if (stays || leaving || keepAliveMs < 0 || this.#stopped) return;
    if (keepAliveMs === 0) {
      void this.#leave(resident);
      return;
    }
    const { clock } = this.#dependencies;
    resident.expiresAt = clock.wallTime() + keepAliveMs;
    resident.cancelExpiry = clock.after(keepAliveMs, () => void this.#leave(resident));
  }

  #cancelExpiry(resident: Resident): void {
    resident.cancelExpiry?.();
    resident.cancelExpiry = null;
    resident.expiresAt = null;
  }

  /** New requests get another one from now on; this one is freed when its requests have ended. Never rejects. */
  #leave(resident: Resident): Promise<void> {
    resident.leaving ??= this.#drain(resident);
    return resident.leaving;
  }

  async #drain(resident: Resident): Promise<void> {
    const { logger, idle } = this.#dependencies;
    idle?.enter();
    this.#cancelExpiry(resident);
    if (this.#residents.get(resident.model.name) === resident) this.#residents.delete(resident.model.name);
    this.#leaving.add(resident);
    try {
      if (resident.users > 0) {
        resident.whenUnused = deferred();
        await resident.whenUnused.promise;
      }
      await resident.host.stop(0);
      logger.info({ model: resident.model.name }, "the model was unloaded");
    } catch (error) {
      logger.error({ model: resident.model.name, err: error }, "a model could not be unloaded");
    } finally {
      this.#leaving.delete(resident);
      idle?.leave();
    }
  }
}

/** The bytes of the KV cache of an engine with these options. */
function kvCacheBytes({ kvBytes, contextTrained }: ModelInfo, options: EngineOptions): number {
  const { perToken, perSequence } = kvBytes[options.kvType ?? "f16"];
  const context = Math.min(options.contextTokens, contextTrained);
  const { kvTokens, maxSequences, prefixBytes = 0 } = options;
  const most = maxSequences * context;
  return perToken * Math.min(kvTokens || most, most) + perSequence * maxSequences + prefixBytes;
}
