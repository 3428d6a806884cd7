/** The contract with the native addon, of memory: what a model takes, would take, and may take. Mirrors native/include/plan.h. */
import type { ModelFileInfo } from "./contract-model.js";
import type { EngineOptions, MatmulKind } from "./contract-options.js";

/** The places of weights that do not all fit in memory. Mirrors WeightResidency of native/include/engine.h. */
export interface WeightResidency {
  /** Weights that stay in memory. */
  readonly keptBytes: number;
  /** A part of them that the system cannot take. */
  readonly lockedBytes: number;
  /** A part of them that was in memory when somebody looked last. */
  readonly residentBytes: number;
  /** Weights that each step reads from the file. */
  readonly streamedBytes: number;
  /** Buffers that they are read into. */
  readonly ringBytes: number;
  /** Memory for KV cache, activations and weights together. */
  readonly budgetBytes: number;
  /** The limit that set it: `the machine's free memory`. */
  readonly limit: string;
  /** All that was read so far, how long the storage took for it, and how long steps waited. */
  readonly readBytes: number;
  readonly readingMs: number;
  readonly waitedMs: number;
}

/** The first bytes of one of a model's files, its whole header among them. */
export interface FileHead {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The size of all of the file. */
  readonly fileBytes: number;
}

export interface MemoryPlanRequest {
  readonly engine: EngineOptions;
  /** Memory of the whole process; 0: what the machine and its control groups leave, for a process in this one's place. */
  readonly memoryBytes: number;
  /** Memory that the process takes before the model does; 0: as much as this one. */
  readonly processBytes: number;
}

/** The matrices of one type and length of rows that a token is multiplied with. */
export interface PlannedMatmul extends MatmulKind {
  /** Without those of experts. */
  readonly bytes: number;
  readonly expertBytes: number;
}

/** How an engine would divide the memory. Mirrors MemoryPlan of native/include/plan.h. */
export interface MemoryPlan {
  /** With the defaults filled in. */
  readonly options: EngineOptions;
  readonly budgetBytes: number;
  /** The limit that set it: `the machine's free memory`. */
  readonly limit: string;
  /** Left to others, and what the process takes by itself; neither is of the budget. */
  readonly reserveBytes: number;
  readonly processBytes: number;
  /** The KV cache of the slots, and that of prefixes which are kept for later. */
  readonly kvBytes: number;
  readonly prefixBytes: number;
  /** Activations and logits. */
  readonly scratchBytes: number;
  /** All matrices that a token is multiplied with, all experts among them. */
  readonly weightBytes: number;
  /** Weights that stay in memory, and the others, which are read from the file. */
  readonly keptBytes: number;
  readonly streamedBytes: number;
  /** A part of those: a token reads the experts that it uses. */
  readonly streamedExpertBytes: number;
  readonly ringBytes: number;
  /** The largest first. */
  readonly matmuls: readonly PlannedMatmul[];
  /** Experts of each layer, and how many of them a token uses; 0: none. */
  readonly experts: number;
  readonly expertsUsed: number;
  /** Whether the KV cache can be of the type q8_0. */
  readonly mayBeQ8: boolean;
}

export interface ModelMemoryPlan {
  /** Facts of all files together. */
  readonly model: ModelFileInfo;
  /** The tokens of the vocabulary. */
  readonly tokens: number;
  /** One for each request. */
  readonly plans: readonly MemoryPlan[];
}

/** How the memory of an engine stands to what the system has. Mirrors EngineMemory of native/include/engine.h. */
export interface EngineMemory {
  /** Weights that a step may read. */
  readonly weightBytes: number;
  /** Weights that stay in memory, and the ring. */
  readonly heldBytes: number;
  /** Bytes that weights and ring may take at this moment, less what others lack already. */
  readonly affordableBytes: number;
  /** The share of ten seconds in which some program waited for memory; null: nobody says. */
  readonly stalledPercent: number | null;
}
