/** Which rows of a step's logits and hidden states belong to which chunk. */
import type { StepResult } from "../engine/contract.js";

export interface ChunkRows {
  /** [vocabulary] of a chunk's one token; empty where they were not asked for. */
  readonly logits: Float32Array;
  /** [tokens, embedding]; empty where they were not asked for. */
  readonly hidden: Float32Array;
}

interface RowChunk {
  readonly tokens: number;
  readonly sample: boolean;
  readonly of: {
    readonly job: { readonly pooling: object | null; readonly request: { readonly topLogprobs?: number } };
  };
}

/** A cursor: to be asked for each chunk once, in the plan's order. */
export class ResultRows {
  readonly #result: StepResult;
  readonly #vocabulary: number;
  readonly #embedding: number;
  #logitsAt = 0;
  #hiddenAt = 0;

  constructor(chunks: readonly RowChunk[], result: StepResult) {
    this.#result = result;
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const logitRows = sum(chunks.map((chunk) => (wantsLogits(chunk) ? chunk.tokens : 0)));
    const hiddenRows = sum(chunks.map((chunk) => (wantsHidden(chunk) ? chunk.tokens : 0)));
    this.#vocabulary = logitRows === 0 ? 0 : result.logits.length / logitRows;
    this.#embedding = hiddenRows === 0 ? 0 : result.hidden.length / hiddenRows;
  }

  next(chunk: RowChunk): ChunkRows {
    const logitsEnd = this.#logitsAt + (wantsLogits(chunk) ? chunk.tokens * this.#vocabulary : 0);
    const hiddenEnd = this.#hiddenAt + (wantsHidden(chunk) ? chunk.tokens * this.#embedding : 0);
    const rows = {
      logits: this.#result.logits.subarray(this.#logitsAt, logitsEnd),
      hidden: this.#result.hidden.subarray(this.#hiddenAt, hiddenEnd),
    };
    this.#logitsAt = logitsEnd;
    this.#hiddenAt = hiddenEnd;
    return rows;
  }
}

export function wantsLogits({ sample, of }: RowChunk): boolean {
  return sample && of.job.request.topLogprobs !== undefined;
}

export function wantsHidden({ of }: RowChunk): boolean {
  return of.job.pooling !== null;
}
