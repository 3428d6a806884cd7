/** The owner's figures: what /hearth/v1/status tells on the device itself, and to keys of the scope admin. Pure. */

export interface StatusReport {
  readonly uptimeSeconds: number;
  readonly models: readonly ReportedModel[];
  readonly board: { readonly name: string | null; readonly cores: number; readonly kernel: string };
  readonly memory: { readonly residentBytes: number; readonly totalBytes: number; readonly availableBytes: number };
  readonly pace: {
    readonly cores: number;
    readonly threads: number;
    readonly workShare: number;
    readonly restraints: readonly string[];
    readonly heat: { readonly celsius: number | null; readonly throttle: { readonly now: readonly string[] } | null };
  };
  readonly clients: readonly { readonly name: string; readonly answers: number; readonly running: number }[];
}

/** A warning of the log, said so many times; the time in seconds since 1970. */
export interface LoggedWarning {
  readonly logged_at: number;
  readonly text: string;
  readonly times: number;
}

export interface ReportedModel {
  readonly name: string;
  readonly phase: string;
  /** Weights and KV cache. */
  readonly memoryBytes: number;
  readonly architecture: string | null;
  readonly weightType: string | null;
  readonly contextTokens: number | null;
  readonly isa: string | null;
  readonly threads: number | null;
  readonly tokensPerSecond: number | null;
  /** null: all weights are in memory. */
  readonly residency: { readonly keptBytes: number; readonly streamedBytes: number } | null;
}

/** The parts of the board's memory in bytes, together all of it. */
export interface MemoryParts {
  /** Pages of hearth, with those of model files that are in memory now. */
  readonly daemon: number;
  readonly others: number;
  readonly free: number;
}

/** Pages of a model's file are free memory to the system, and none to the model: they count for hearth. */
export function memoryParts({ memory: { residentBytes, totalBytes, availableBytes } }: StatusReport): MemoryParts {
  const daemon = Math.min(residentBytes, totalBytes);
  const free = Math.min(availableBytes, totalBytes - daemon);
  return { daemon, others: totalBytes - daemon - free, free };
}

/** Whether the board computes less than it could, and the reasons. */
export function isSlowed({ pace: { cores, threads, workShare, restraints } }: StatusReport): boolean {
  return restraints.length > 0 || threads < cores || workShare < 0.99;
}
