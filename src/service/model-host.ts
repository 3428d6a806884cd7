/**
 * The loaded model and its life: loading, ready, failed, stopped. The server listens before the model is there, so requests
 * wait here for it. It must not know protocols.
 */

import { basename } from "node:path";
import { type Deferred, deferred, settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { quoted } from "../base/excerpt.js";
import type { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";
import type { GrammarCompiler } from "../chat/grammar/grammar-thread.js";
import { PromptBuilder, type PromptBuilderOptions } from "../chat/prompt.js";
import type { TemplateRenderer } from "../chat/template-thread.js";
import { Tokenizer, type TokenizerOptions } from "../chat/tokenizer.js";
import type {
  Engine,
  EngineModule,
  EngineOptions,
  MatmulChoice,
  MatmulKind,
  Model,
  ModelInfo,
} from "../engine/contract.js";
import type { StepAllowance } from "../scheduler/allowance.js";
import { isFiller } from "../scheduler/loop-watch.js";
import type { SchedulerMetrics } from "../scheduler/metrics.js";
import { Scheduler } from "../scheduler/scheduler.js";
import type { StepTurns } from "../scheduler/step-turns.js";
import type { SchedulerOptions, SchedulerProgress } from "../scheduler/types.js";
import type { ModelSettings } from "../store/model-settings.js";
import type { Overflow } from "./conversation-truncation.js";
import { DiskSnapshots, type DiskSnapshotsDependencies } from "./disk-snapshots.js";
import { GrammarCache } from "./grammar-cache.js";
import { defaultsOf } from "./model-defaults.js";
import { PromptLimit } from "./prompt-limit.js";
import type { ServingModel } from "./serving-model.js";
import { describeChoice } from "./tuning/matmuls.js";
import type { Tuning } from "./tuning/threads.js";

export interface ModelHostOptions {
  /** A GGUF file. */
  readonly path: string;
  /** The name that clients ask for; empty for the file's name. */
  readonly alias: string;
  readonly engine: EngineOptions;
  /** How matrices are multiplied where nothing was measured, see `MatmulChoice`; empty: as the engine thinks best. */
  readonly untunedKernels?: string;
  readonly scheduler: SchedulerOptions;
  /** How the model is asked, beside what its file says. */
  readonly settings?: ModelSettings | undefined;
  readonly fallbackTemplate?: PromptBuilderOptions["fallback"];
  readonly unknownPreTokenizer?: TokenizerOptions["unknownPreTokenizer"];
  /** The way to shorten a conversation that does not fit, where its request names none; without it that is an error. */
  readonly overflow?: Overflow | undefined;
  /** An answer ends with so many calls that are the same, and is words after so many rounds of them; 0 or without: never. */
  readonly callRepeats?: number | undefined;
  /** How long a request waits for the model before it gets MODEL_LOADING. */
  readonly loadWaitMs: number;
}

export interface ModelHostDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The condition `model` is healthy while a model is ready; `engine` is the scheduler's. */
  readonly health: Health;
  readonly metrics: SchedulerMetrics;
  /** Runs chat templates; without one they run on this thread. */
  readonly renderer?: TemplateRenderer;
  /** Compiles schemas; without one they are compiled on this thread. */
  readonly grammarCompiler?: GrammarCompiler;
  /** The turns of all models of the process, where there are several. */
  readonly turns?: StepTurns;
  /** How much of the machine the steps of all models may take; without it, all. */
  readonly allowance?: StepAllowance;
  /** The options of a model's engine that fit the memory, by the model's name, its file and the configured options. */
  readonly fit?: (model: string, file: string, engine: EngineOptions) => Promise<EngineOptions>;
  /** Waits for room for a mapped model and its engine, and throws when there will be none. */
  readonly reserve?: (info: ModelInfo, engine: EngineOptions) => Promise<void>;
  /** Thread counts that were measured for a model's file; without them the engine's options stand. */
  readonly tuning?: (file: string) => Tuning | null;
  /** How these kinds of matrices are multiplied best; null where nobody measured it. */
  readonly matmuls?: (kinds: readonly MatmulKind[]) => readonly MatmulChoice[] | null;
  /** Tells others that a model's file is in use until the result is called. */
  readonly use?: (file: string) => Promise<() => Promise<void>>;
  /** Prefix snapshots on disk; without it there are none. */
  readonly snapshots?: Omit<DiskSnapshotsDependencies, "logger">;
}

export type ModelPhase = "loading" | "ready" | "failed" | "stopped";

/** A model in use: it stays loaded until it is released. */
export interface ModelLease {
  readonly loaded: ServingModel;
  /** May be called again. */
  release(): void;
}

/** The source of answers: one model, or several. */
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

/** Templates of other names of a model that are kept ready. */
const mostTemplates = 8;

/** How long a model that goes may take to write what its next start will need. */
const saveLimitMs = 10_000;
/** Said from the beginning, so that loading is no news that the log warns of. */
const loadingReason = "The model is being loaded.";

export class ModelHost implements Models {
  /** The loaded model's name. */
  readonly alias: string;
  readonly #module: EngineModule;
  readonly #options: ModelHostOptions;
  readonly #dependencies: ModelHostDependencies;
  readonly #loaded: Deferred<ServingModel> = deferred();
  #phase: ModelPhase = "loading";
  #ready: ServingModel | null = null;
  #endUse: () => Promise<void> = async () => {};
  /** By template, the least recently made first. */
  readonly #prompts = new Map<string, Promise<PromptBuilder>>();

  constructor(module: EngineModule, options: ModelHostOptions, dependencies: ModelHostDependencies) {
    this.#module = module;
    this.#options = options;
    this.#dependencies = dependencies;
    this.alias = options.alias || basename(options.path).replace(/\.gguf$/i, "") || defaultModel;
    this.#loaded.promise.catch(() => {}); // whoever waits for it sees the error; without anybody it is no crash
    dependencies.health.setUnhealthy("model", loadingReason);
  }

  get phase(): ModelPhase {
    return this.#phase;
  }

  /** Requests that wait for a slot. */
  get queued(): number {
    return this.#ready?.scheduler.queueLength ?? 0;
  }

  /** Loads the model. Resolves when it is ready, and rejects with what is wrong with it. */
  async start(): Promise<ServingModel> {
    const { health, logger, clock } = this.#dependencies;
    const startedAt = clock.now();
    health.setUnhealthy("model", loadingReason);
    try {
      this.#endUse = (await this.#dependencies.use?.(this.#options.path)) ?? this.#endUse;
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
      const kernels = loaded.engine.matmuls().map(describeChoice);
      const loadMs = Math.round(clock.now() - startedAt);
      const residency = loaded.engine.residency();
      if (residency) logger.warn({ model: this.alias, ...residency }, "the model does not fit in memory");
      logger.info(
        { model: this.alias, architecture, weightType, parameters, isa, kernels, options, loadMs },
        "the model is ready",
      );
      for (const reason of loaded.model.info.tokenizer.warnings)
        logger.warn({ model: this.alias, reason }, "the vocabulary");
      this.#loaded.resolve(loaded);
      return loaded;
    } catch (error) {
      await this.#endUse();
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
    const message = `There is no model ${quoted(name)}; the loaded one is ${JSON.stringify(this.alias)}.`;
    throw new HearthError("MODEL_NOT_FOUND", message, { param: "model" });
  }

  /** null unless it is ready. */
  get loaded(): ServingModel | null {
    return this.#phase === "ready" ? this.#ready : null;
  }

  /** Waits for the model. Throws MODEL_LOADING when that takes too long, and what made the loading fail. */
  async ready(signal: AbortSignal): Promise<ServingModel> {
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

  /**
   * The loaded model as somebody set it for a name: the same weights, KV cache and queue. Rejects with CHAT_TEMPLATE_FAILED
   * when the template of the settings cannot be parsed.
   */
  async withSettings(loaded: ServingModel, settings: ModelSettings): Promise<ServingModel> {
    const { template } = settings;
    const prompts = template === undefined ? loaded.prompts : await this.#promptsFor(loaded.model, template);
    return { ...loaded, prompts, defaults: defaultsOf(loaded.model.info, settings) };
  }

  #promptsFor(model: Model, template: string): Promise<PromptBuilder> {
    const known = this.#prompts.get(template);
    if (known) return known;
    const made = this.#makePrompts(model, template);
    this.#prompts.set(template, made);
    made.catch(() => this.#prompts.delete(template));
    const [oldest] = this.#prompts.keys();
    if (this.#prompts.size > mostTemplates && oldest !== undefined) this.#prompts.delete(oldest);
    return made;
  }

  async #makePrompts(model: Model, template?: string): Promise<PromptBuilder> {
    const { renderer, clock } = this.#dependencies;
    const { fallbackTemplate: fallback = "auto", unknownPreTokenizer = "refuse" } = this.#options;
    return PromptBuilder.open(model, new Tokenizer(model, { unknownPreTokenizer }), {
      template,
      fallback,
      now: () => new Date(clock.wallTime()),
      ...(renderer ? { renderer } : {}),
    });
  }

  /** For the watchdog. Loading is not the scheduler's work. */
  progress(): SchedulerProgress {
    return this.#ready?.scheduler.progress() ?? { busy: false, stepsCompleted: 0, lastProgressAt: 0 };
  }

  /** Takes no new work, lets running answers end within `graceMs`, then frees the model. */
  async stop(graceMs: number): Promise<void> {
    const wasLoading = this.#phase === "loading";
    this.#phase = "stopped";
    this.#dependencies.health.setUnhealthy("model", "The model is being unloaded.");
    if (wasLoading) this.#loaded.reject(new HearthError("SHUTTING_DOWN", "The daemon is stopping."));
    if (!this.#ready) return;
    const { scheduler, engine } = this.#ready;
    await scheduler.drain(graceMs);
    await scheduler.saveSnapshots(saveLimitMs);
    await engine.close();
    await this.#endUse();
  }

  /** Throws ISA_UNKNOWN and the like when what the options name is nothing that this machine can run. */
  #chooseMatmuls(engine: Engine): void {
    const kinds = engine.matmuls();
    const measured = this.#dependencies.matmuls?.(kinds);
    const { untunedKernels: way = "" } = this.#options;
    if (measured) engine.useMatmuls(measured);
    else if (way !== "") engine.useMatmuls(kinds.map((kind) => ({ ...kind, one: way, few: way, many: way })));
  }

  async #load(): Promise<ServingModel> {
    const { fit, reserve, grammarCompiler, tuning, snapshots: disk, ...dependencies } = this.#dependencies;
    const model = await this.#module.loadModel(this.#options.path, { vocabularyOnly: false });
    const { settings, overflow = "error", callRepeats = 0 } = this.#options;
    const prompts = await this.#makePrompts(model, settings?.template);
    const { path, engine: configured } = this.#options;
    const options = (await fit?.(this.alias, path, configured)) ?? configured;
    await reserve?.(model.info, options);
    const engine = await this.#module.createEngine(model, options);
    this.#chooseMatmuls(engine);
    const { logger } = dependencies;
    const { snapshots: policy } = this.#options.scheduler;
    const snapshots = disk ? await DiskSnapshots.open(engine, model.info, policy.minTokens, { ...disk, logger }) : null;
    const isFillerToken = (token: number) =>
      isFiller(new TextDecoder().decode(model.decode(Int32Array.of(token), false)));
    const scheduler = new Scheduler(engine, this.#options.scheduler, {
      ...dependencies,
      snapshots,
      isFiller: isFillerToken,
      probeStorage: () => model.checkStorage(true),
    });
    const threads = tuning?.(this.#options.path);
    if (threads) scheduler.useThreads(threads.threads, threads.decodeThreads);
    const promptLimit = new PromptLimit(model, scheduler.contextTokens);
    const grammars = new GrammarCache(model, grammarCompiler);
    const defaults = defaultsOf(model.info, settings);
    return { model, engine, scheduler, prompts, promptLimit, overflow, callRepeats, grammars, defaults };
  }
}
