/**
 * The loaded model and its life: loading, ready, failed, stopped. The server listens before the model is there, so requests
 * wait here for it. It must not know protocols.
 */
import { basename } from "node:path";
import { type Deferred, deferred, settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";
import { PromptBuilder, type PromptBuilderOptions } from "../chat/prompt.js";
import type { TemplateRenderer } from "../chat/template-thread.js";
import { Tokenizer, type TokenizerOptions } from "../chat/tokenizer.js";
import type { Engine, EngineModule, EngineOptions, Model, ModelInfo } from "../engine/contract.js";
import type { SchedulerMetrics } from "../scheduler/metrics.js";
import { Scheduler } from "../scheduler/scheduler.js";
import type { StepTurns } from "../scheduler/turns.js";
import type { SchedulerOptions, SchedulerProgress } from "../scheduler/types.js";
import { GrammarCache } from "./grammar-cache.js";
import { PromptLimit } from "./prompt-limit.js";
import { StoredPrefixes, type StoredPrefixesDependencies } from "./stored-prefixes.js";
import type { Tuning } from "./tuning.js";

export interface ModelHostOptions {
  /** A GGUF file. */
  readonly path: string;
  /** The name that clients ask for; empty for the file's name. */
  readonly alias: string;
  readonly engine: EngineOptions;
  readonly scheduler: SchedulerOptions;
  readonly fallbackTemplate?: PromptBuilderOptions["fallback"];
  readonly unknownPreTokenizer?: TokenizerOptions["unknownPreTokenizer"];
  /** How long a request waits for the model before it gets MODEL_LOADING. */
  readonly loadWaitMs: number;
}

export interface ModelHostDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The condition `model` is healthy while a model is ready; `engine` is the scheduler's. */
  readonly health: Health;
  readonly metrics: SchedulerMetrics;
  /** Where chat templates run; without one on this thread. */
  readonly renderer?: TemplateRenderer;
  /** Of all models of the process, where there are several. */
  readonly turns?: StepTurns;
  /** Waits for room for a mapped model, and throws when there will be none. */
  readonly reserve?: (info: ModelInfo) => Promise<void>;
  /** Thread counts that were measured for a model's file; without them the engine's options stand. */
  readonly tuning?: (file: string) => Tuning | null;
  /** Where prefixes are kept on disk; without it they are not. */
  readonly prefixes?: Omit<StoredPrefixesDependencies, "logger">;
}

export interface LoadedModel {
  readonly model: Model;
  readonly engine: Engine;
  readonly scheduler: Scheduler;
  readonly prompts: PromptBuilder;
  readonly promptLimit: PromptLimit;
  readonly grammars: GrammarCache;
}

export type ModelPhase = "loading" | "ready" | "failed" | "stopped";

/** A model in use: it stays loaded until it is released. */
export interface ModelLease {
  readonly loaded: LoadedModel;
  /** May be called again. */
  release(): void;
}

/** What answers come from: one model, or several. */
export interface Models {
  /** The model's own name for a name that a client gave. Throws MODEL_NOT_FOUND. */
  resolve(name: string): string;
  /** Names of the models that clients may ask for. */
  names(): readonly string[];
  /**
   * Waits for the model. Throws MODEL_NOT_FOUND, MODEL_LOADING when it takes too long, and what made the loading fail.
   * `keepAliveMs`: how long the model stays after its release; -1 for ever, undefined as configured.
   */
  acquire(name: string, signal: AbortSignal, keepAliveMs?: number): Promise<ModelLease>;
}

/** Every protocol's name for the model that is loaded. */
export const defaultModel = "default";

/** How long a model that goes may take to write what its next start will need. */
const saveLimitMs = 10_000;

export class ModelHost implements Models {
  /** The loaded model's name. */
  readonly alias: string;
  readonly #module: EngineModule;
  readonly #options: ModelHostOptions;
  readonly #dependencies: ModelHostDependencies;
  readonly #loaded: Deferred<LoadedModel> = deferred();
  #phase: ModelPhase = "loading";
  #ready: LoadedModel | null = null;

  constructor(module: EngineModule, options: ModelHostOptions, dependencies: ModelHostDependencies) {
    this.#module = module;
    this.#options = options;
    this.#dependencies = dependencies;
    this.alias = options.alias || basename(options.path).replace(/\.gguf$/i, "") || defaultModel;
    this.#loaded.promise.catch(() => {}); // whoever waits for it sees the error; without anybody it is no crash
    dependencies.health.setUnhealthy("model", "The model is being loaded.");
  }

  get phase(): ModelPhase {
    return this.#phase;
  }

  /** Requests that wait for a slot. */
  get queued(): number {
    return this.#ready?.scheduler.queueLength ?? 0;
  }

  /** Loads the model. Resolves when it is ready, and rejects with what is wrong with it. */
  async start(): Promise<LoadedModel> {
    const { health, logger, clock } = this.#dependencies;
    const startedAt = clock.now();
    try {
      const loaded = await this.#load();
      if (this.#phase === "stopped") {
        await loaded.engine.close();
        throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
      }
      this.#ready = loaded;
      this.#phase = "ready";
      health.setHealthy("model");
      const { architecture, weightType, parameters } = loaded.model.info;
      const { isa, options } = loaded.engine;
      const loadMs = Math.round(clock.now() - startedAt);
      logger.info(
        { model: this.alias, architecture, weightType, parameters, isa, options, loadMs },
        "the model is ready",
      );
      this.#loaded.resolve(loaded);
      return loaded;
    } catch (error) {
      if (this.#phase === "loading") {
        this.#phase = "failed";
        health.setUnhealthy("model", error instanceof Error ? error.message : String(error));
      }
      this.#loaded.reject(error);
      throw error;
    }
  }

  names(): readonly string[] {
    return [this.alias];
  }

  async acquire(name: string, signal: AbortSignal): Promise<ModelLease> {
    this.resolve(name);
    return { loaded: await this.ready(signal), release() {} };
  }

  resolve(name: string): string {
    if (name === defaultModel || name === this.alias) return this.alias;
    const message = `There is no model ${JSON.stringify(name)}; the loaded one is ${JSON.stringify(this.alias)}.`;
    throw new HearthError("MODEL_NOT_FOUND", message, { param: "model" });
  }

  /** null unless it is ready. */
  get loaded(): LoadedModel | null {
    return this.#phase === "ready" ? this.#ready : null;
  }

  /** Waits for the model. Throws MODEL_LOADING when that takes too long, and what made the loading fail. */
  async ready(signal: AbortSignal): Promise<LoadedModel> {
    if (this.#ready) return this.#ready;
    if (this.#phase === "stopped") throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    const given = deferred<void>();
    const giveUp = () => given.resolve(undefined);
    signal.addEventListener("abort", giveUp, { once: true });
    const settled = Promise.race([this.#loaded.promise, given.promise]);
    const outcome = await settlesWithin(settled, this.#options.loadWaitMs, this.#dependencies.clock);
    signal.removeEventListener("abort", giveUp);
    if (signal.aborted) throw new HearthError("REQUEST_CANCELLED", "The request was cancelled.");
    if (outcome === "late") throw new HearthError("MODEL_LOADING", `The model ${this.alias} is still being loaded.`);
    return this.#loaded.promise;
  }

  /** For the watchdog. Loading is not the scheduler's work. */
  progress(): SchedulerProgress {
    return this.#ready?.scheduler.progress() ?? { busy: false, stepsCompleted: 0, lastProgressAt: 0 };
  }

  /** Takes no new work, lets running answers end within `graceMs`, then frees the model. */
  async stop(graceMs: number): Promise<void> {
    const wasLoading = this.#phase === "loading";
    this.#phase = "stopped";
    this.#dependencies.health.setUnhealthy("model", "The daemon is stopping.");
    if (wasLoading) this.#loaded.reject(new HearthError("SHUTTING_DOWN", "The daemon is stopping."));
    if (!this.#ready) return;
    const { scheduler, engine } = this.#ready;
    await scheduler.drain(graceMs);
    await scheduler.savePrefixes(saveLimitMs);
    await engine.close();
  }

  async #load(): Promise<LoadedModel> {
    const { reserve, renderer, tuning, prefixes, ...dependencies } = this.#dependencies;
    const model = await this.#module.loadModel(this.#options.path, { vocabularyOnly: false });
    const { fallbackTemplate: fallback = "auto", unknownPreTokenizer = "refuse" } = this.#options;
    const prompts = await PromptBuilder.open(model, new Tokenizer(model, { unknownPreTokenizer }), {
      fallback,
      now: () => new Date(dependencies.clock.wallTime()),
      ...(renderer ? { renderer } : {}),
    });
    await reserve?.(model.info);
    const engine = await this.#module.createEngine(model, this.#options.engine);
    const { logger } = dependencies;
    const { keeper } = this.#options.scheduler;
    const shelf = prefixes
      ? await StoredPrefixes.open(engine, model.info, keeper.minTokens, { ...prefixes, logger })
      : null;
    const scheduler = new Scheduler(engine, this.#options.scheduler, { ...dependencies, shelf });
    const threads = tuning?.(this.#options.path);
    if (threads) scheduler.useThreads(threads.threads, threads.decodeThreads);
    const promptLimit = new PromptLimit(model, scheduler.contextTokens);
    return { model, engine, scheduler, prompts, promptLimit, grammars: new GrammarCache(model) };
  }
}
