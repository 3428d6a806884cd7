/** The contract with the native addon, of what may be chosen: samplers, engines, and ways to multiply matrices. */
import type { Grammar, KvType } from "./contract-model.js";

export interface SamplerOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly penaltyLastN: number;
  /** 0 to 2^53 - 1. */
  readonly seed: number;
  /** Token id and what is added to its logit, -100 to 100; -100 forbids it. */
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** A grammar of the same model; without one the sequence may say anything. */
  readonly grammar?: Grammar;
  /** Tokens of the sequence before the text that the grammar is for. */
  readonly grammarFrom?: number;
  /**
   * Within a grammar a loop is left, and the text is brought on towards its end: after one token or two in turn came
   * `loopRepeats` times (without letters four times that), or up to 64 in turn filled `loopTokens` tokens; 0 or without: never.
   */
  readonly loopRepeats?: number;
  readonly loopTokens?: number;
}

export interface EngineOptions {
  /** 0: one per physical core that this process may use. */
  readonly threads: number;
  /** The threads, of those above, for steps of few tokens, which are memory-bound; 0: all. */
  readonly decodeThreads: number;
  readonly maxSequences: number;
  readonly contextTokens: number;
  /** The tokens of all sequences; 0: maxSequences x contextTokens. */
  readonly kvTokens: number;
  /** f16 without. q8_0 needs heads of a multiple of 32: OPTION_OUT_OF_RANGE for others. */
  readonly kvType?: KvType;
  readonly maxBatchTokens: number;
  /**
   * Memory for sequences that only hold a prefix for later: `prefixSequences` more of them, and room for more `kvTokens`. At
   * most `maxSequences` of all take part in a step. Without it: none.
   */
  readonly prefixBytes?: number;
  /** Filled in by the engine. */
  readonly prefixSequences?: number;
  /** A kernel set to force; empty for the best that this CPU runs. */
  readonly isa: string;
  /**
   * How weights are read, to force: `streams:256`, an order (streams or memory) and the bytes to fetch ahead. What it leaves
   * out the kernel set decides, until `useMatmuls` says better.
   */
  readonly reading?: string;
  /**
   * Bytes that the whole process may take; 0 or without: as many as the machine and its control groups leave it. Weights that
   * do not fit are read from the file for each step.
   */
  readonly memoryBudget?: number;
  /** Folder for counts of which experts are used, which the next run begins with; empty or without: none are kept. */
  readonly countsFolder?: string;
  /** For tests, 0 to 1: the share of the weights that stays in memory, whatever fits. */
  readonly keptShare?: number;
}

/** Matrices of one type and length of rows: they are all multiplied best in the same way. */
export interface MatmulKind {
  /** `Q4_0` */
  readonly type: string;
  readonly rowLength: number;
}

/**
 * How matrices are multiplied with the columns of a step, which may be one (a token of an answer), few (of some answers) or
 * many (a prompt). A way is a kernel set, an order of reading and the bytes that are fetched ahead: `avx2:streams:256`. All
 * give the same bits.
 */
export interface MatmulChoice extends MatmulKind {
  readonly one: string;
  readonly few: string;
  readonly many: string;
}

export interface MatmulTrial {
  readonly way: string;
  readonly columns: number;
  /** 0: one per physical core that this process may use. */
  readonly threads: number;
}

export interface MatmulSpeed extends MatmulKind {
  /** Weights read a second. */
  readonly bytesPerSecond: number;
}
