/** Plans of memory as the engine makes them, for tests of what follows from them. */
import type { EngineOptions, MemoryPlan } from "../../src/engine/contract.js";

const gb = 1e9;

export const plannedOptions: EngineOptions = {
  threads: 2,
  decodeThreads: 2,
  maxSequences: 1,
  contextTokens: 4096,
  kvTokens: 4096,
  kvType: "f16",
  maxBatchTokens: 512,
  prefixBytes: 0,
  isa: "fake",
};

/** A dense model of 4 GB whose weights are all of one kind; `part` changes it. */
export function memoryPlan(part: Partial<MemoryPlan> = {}): MemoryPlan {
  return {
    options: plannedOptions,
    budgetBytes: 8 * gb,
    limit: "--memory",
    reserveBytes: 0.1 * gb,
    processBytes: 0.1 * gb,
    kvBytes: 0.5 * gb,
    prefixBytes: 0,
    scratchBytes: 0.1 * gb,
    weightBytes: 4 * gb,
    keptBytes: 4 * gb,
    streamedBytes: 0,
    streamedExpertBytes: 0,
    ringBytes: 0,
    matmuls: [{ type: "Q4_0", rowLength: 4096, bytes: 4 * gb, expertBytes: 0 }],
    experts: 0,
    expertsUsed: 0,
    mayBeQ8: true,
    ...part,
  };
}
