/** The configuration in the words of the engine, the scheduler and the service. */
import type { Config } from "../config/options.js";
import type { EngineOptions } from "../engine/contract.js";
import { defaultSchedulerOptions } from "../scheduler/types.js";
import type { ModelHostOptions } from "../service/model-host.js";
import type { ModelFile } from "./model-file.js";

export function modelHostOptions(config: Config, model: ModelFile): ModelHostOptions {
  return {
    path: model.path,
    alias: config["model.alias"] || model.name,
    engine: engineOptions(config),
    fallbackTemplate: config["model.fallback_template"],
    unknownPreTokenizer: config["model.unknown_pre_tokenizer"],
    scheduler: {
      ...defaultSchedulerOptions,
      maxQueued: config["scheduler.queue"],
      speculation: config["engine.speculation"],
    },
    loadWaitMs: config["model.load_wait_ms"],
  };
}

export function engineOptions(config: Config): EngineOptions {
  return {
    threads: config["engine.threads"],
    decodeThreads: config["engine.decode_threads"],
    maxSequences: config["scheduler.slots"],
    contextTokens: config["context.tokens"],
    kvTokens: config["kv.tokens"],
    maxBatchTokens: config["scheduler.batch_tokens"],
    isa: config["engine.isa"],
  };
}
