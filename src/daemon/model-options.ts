/** The configuration in the words of the engine, the scheduler and the service. */
import { totalmem } from "node:os";
import path from "node:path";
import type { LoadedConfig } from "../config/load.js";
import type { Config, OptionKey } from "../config/options.js";
import type { EngineOptions } from "../engine/contract.js";
import { defaultSchedulerOptions } from "../scheduler/types.js";
import type { ModelHostOptions } from "../service/model-host.js";
import type { ModelRegistryOptions } from "../service/model-registry.js";
import { type SizeName, type Sizes, type Wish, withSizes } from "../service/plan/sizes.js";
import type { ModelFile } from "./model-file.js";

/** The share of memory that hearth takes; the rest is for the system and other programs. */
const shareOfMemory = 0.8;

export function modelHostOptions(config: Config, model: ModelFile): ModelHostOptions {
  const { name, path: file, settings } = model;
  return { ...hostOptions(config), path: file, alias: config["model.alias"] || name, settings };
}

export function modelRegistryOptions(config: Config, configured: ModelFile, stateFolder: string): ModelRegistryOptions {
  const host = hostOptions(config);
  return {
    configured,
    alias: config["model.alias"],
    host: { ...host, engine: { ...host.engine, countsFolder: path.join(stateFolder, "experts") } },
    budgetBytes: modelMemory(config),
    keepAliveMs: config["models.keep_alive_ms"],
  };
}

/** Bytes that loaded models may take together: configured, or a share of the machine's or the container's. */
export function modelMemory(config: Config): number {
  const limit = process.constrainedMemory();
  const physical = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return config["models.memory_bytes"] || Math.floor(shareOfMemory * physical);
}

function hostOptions(config: Config): ModelRegistryOptions["host"] {
  return {
    engine: engineOptions(config),
    untunedKernels: config["engine.untuned_kernels"],
    fallbackTemplate: config["model.fallback_template"],
    unknownPreTokenizer: config["model.unknown_pre_tokenizer"],
    scheduler: {
      ...defaultSchedulerOptions,
      maxQueued: config["scheduler.queue"],
      maxQueueMs: config["scheduler.queue_ms"],
      maxGapMs: config["scheduler.max_gap_ms"],
      speculation: config["engine.speculation"],
      // Read for each answer, because a reload may change them.
      loops: {
        get repeats() {
          return config["limits.loop_repeats"];
        },
        get tokens() {
          return config["limits.loop_tokens"];
        },
      },
      snapshots: { idleMs: config["prefix.idle_ms"], minTokens: config["prefix.min_tokens"] },
    },
    overflow: config["context.overflow"],
    callRepeats: config["limits.call_repeats"],
    loadWaitMs: config["model.load_wait_ms"],
  };
}

export function engineOptions(config: Config): EngineOptions {
  const sizes = configuredSizes(config);
  return withSizes(
    {
      threads: config["engine.threads"],
      decodeThreads: config["engine.decode_threads"],
      maxSequences: sizes.slots,
      contextTokens: sizes.contextTokens,
      kvTokens: sizes.kvTokens,
      maxBatchTokens: config["scheduler.batch_tokens"],
      isa: config["engine.isa"],
      reading: forcedReading(config),
      memoryBudget: config["memory.budget_bytes"],
    },
    sizes,
  );
}

/** The options that the sizes of an engine come from. */
const sizeOptions = {
  contextTokens: "context.tokens",
  slots: "scheduler.slots",
  kvType: "kv.type",
  prefixBytes: "prefix.memory_bytes",
  kvTokens: "kv.tokens",
} as const satisfies Record<SizeName, OptionKey>;

export function configuredSizes(config: Config): Sizes {
  return {
    contextTokens: config["context.tokens"],
    slots: config["scheduler.slots"],
    kvType: config["kv.type"],
    prefixBytes: config["prefix.memory_bytes"],
    kvTokens: config["kv.tokens"],
  };
}

/** The sizes of the configuration. Those that nobody set may become smaller where they do not fit. */
export function wishedSizes({ config, origins }: Pick<LoadedConfig, "config" | "origins">): Wish {
  const names = Object.keys(sizeOptions) as SizeName[];
  return {
    ...configuredSizes(config),
    fixed: new Set(names.filter((name) => origins[sizeOptions[name]] !== "default")),
  };
}

/** `EngineOptions.reading`; empty where nothing of it is forced. */
export function forcedReading(config: Config): string {
  const order = config["engine.reading_order"];
  const bytes = config["engine.prefetch_bytes"];
  if (order === "auto" && bytes < 0) return "";
  return `${order === "auto" ? "" : order}:${bytes < 0 ? "" : bytes}`;
}
