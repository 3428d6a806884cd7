/** The state of the daemon and its board in one object, for `hearth status` and the pages of owners. Counts and names, nothing that a client wrote. */
import { statfs } from "node:fs/promises";
import os from "node:os";
import type { Clock } from "../base/clock.js";
import type { Condition, Health } from "../base/health.js";
import { version } from "../base/version.js";
import type { Config } from "../config/options.js";
import type { WeightResidency } from "../engine/contract.js";
import type { MachineFiles } from "../machine/files.js";
import { boardName } from "../machine/heat.js";
import { readMemory } from "../machine/memory.js";
import type { RecentClient } from "../service/answered.js";
import type { StatusParts } from "./compose-server.js";
import type { GovernorState } from "./governor/governor.js";

export interface ModelStatus {
  readonly name: string;
  /** The one that is loaded from the start and stays. */
  readonly configured: boolean;
  readonly phase: string;
  /** Weights and KV cache; 0 before it is mapped. */
  readonly memoryBytes: number;
  readonly architecture: string | null;
  readonly weightType: string | null;
  readonly parameters: number | null;
  readonly contextTokens: number | null;
  /** The kernel set, and the threads of a prompt and of an answer where nothing limits them. */
  readonly isa: string | null;
  readonly threads: number | null;
  readonly decodeThreads: number | null;
  /** The speed of one answer, seen lately; null: too few were. */
  readonly tokensPerSecond: number | null;
  readonly slots: number | null;
  readonly slotsBusy: number;
  readonly queued: number;
  /** null: all weights are in memory. */
  readonly residency: WeightResidency | null;
}

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** HOST:PORT; null before it listens. */
  readonly address: string | null;
  readonly https: boolean;
  readonly healthy: boolean;
  readonly conditions: readonly Condition[];
  readonly models: readonly ModelStatus[];
  readonly board: { readonly name: string | null; readonly cores: number; readonly kernel: string };
  readonly memory: {
    /** This process's resident pages, the model's file among them. */
    readonly residentBytes: number;
    readonly totalBytes: number;
    readonly availableBytes: number;
    /** The limit of a control group; null: none. */
    readonly limitBytes: number | null;
  };
  readonly pace: GovernorState;
  readonly clients: readonly RecentClient[];
  readonly files: {
    readonly state: string;
    readonly freeBytes: number | null;
    readonly prefixBytes: number;
  };
}

export interface StatusDependencies {
  readonly clock: Clock;
  readonly files: MachineFiles;
  readonly health: Health;
  readonly stateFolder: string;
  readonly governor: () => GovernorState;
  readonly prefixBytes: () => number;
}

export class StatusReporter {
  /** HOST:PORT, as soon as it listens. */
  address: string | null = null;
  readonly #https: boolean;
  readonly #dependencies: StatusDependencies;
  readonly #startedAt: number;

  constructor(config: Pick<Config, "tls.cert" | "tls.self_signed">, dependencies: StatusDependencies) {
    this.#https = config["tls.cert"] !== "" || config["tls.self_signed"];
    this.#dependencies = dependencies;
    this.#startedAt = dependencies.clock.now();
  }

  async report({ models, generations }: StatusParts): Promise<StatusReport> {
    const { clock, files, health, stateFolder, governor, prefixBytes } = this.#dependencies;
    const memory = await readMemory(files);
    const limit = process.constrainedMemory();
    const totalBytes = memory?.totalBytes ?? os.totalmem();
    return {
      version,
      pid: process.pid,
      uptimeSeconds: Math.round((clock.now() - this.#startedAt) / 1000),
      address: this.address,
      https: this.#https,
      healthy: health.healthy,
      conditions: health.conditions(),
      models: modelStatus(models),
      board: { name: await boardName(files), cores: os.availableParallelism(), kernel: os.release() },
      memory: {
        residentBytes: process.memoryUsage.rss(),
        totalBytes,
        availableBytes: memory?.availableBytes ?? os.freemem(),
        limitBytes: limit > 0 && limit < totalBytes ? limit : null,
      },
      pace: governor(),
      clients: generations.recentClients(),
      files: { state: stateFolder, freeBytes: await freeBytes(stateFolder), prefixBytes: prefixBytes() },
    };
  }
}

/** The models in memory, and the one that is being loaded. */
export function modelStatus(models: StatusParts["models"]): readonly ModelStatus[] {
  const ready = new Map(models.ready().map(({ name, loaded }) => [name, loaded]));
  return models.loaded().map(({ name, phase, bytes, info }) => {
    const loaded = phase === "ready" ? ready.get(name) : undefined;
    return {
      name,
      configured: name === models.alias,
      phase,
      memoryBytes: bytes,
      architecture: info?.architecture ?? null,
      weightType: info?.weightType ?? null,
      parameters: info?.parameters ?? null,
      contextTokens: loaded?.scheduler.contextTokens ?? null,
      isa: loaded?.engine.isa ?? null,
      threads: loaded?.scheduler.bestThreads[0] ?? null,
      decodeThreads: loaded?.scheduler.bestThreads[1] ?? null,
      tokensPerSecond: loaded?.scheduler.decodeSpeed.tokensPerSecond ?? null,
      slots: loaded?.engine.options.maxSequences ?? null,
      slotsBusy: loaded?.scheduler.busySlots ?? 0,
      queued: loaded?.scheduler.queueLength ?? 0,
      residency: loaded?.engine.residency() ?? null,
    };
  });
}

async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null; // it is not there yet
  }
}
