/** The chunks of a step with what they are for, and the step that the engine is asked for. */
import type { StepPlan } from "../engine/contract.js";
import type { BusySlot } from "./slots.js";
import type { PlannedChunk } from "./step-plan.js";

/** A step's chunk with the slot it is for. */
export interface RunningChunk extends PlannedChunk {
  readonly of: BusySlot;
  /** `tokens` of the history, then the drafts. */
  readonly ids: Int32Array;
}

export function toStepPlan(chunks: readonly RunningChunk[]): StepPlan {
  return {
    chunks: chunks.map((chunk) => {
      const { job, tokens: read, sequence } = chunk.of;
      return {
        sequence,
        tokens: chunk.ids,
        drafts: chunk.drafts,
        promptLeft: job.phase === "decode" ? 0 : job.history.length - read.length - chunk.tokens,
        sample: chunk.sample,
        logits: chunk.sample && job.request.topLogprobs !== undefined ? "last" : "none",
        hidden: job.pooling !== null,
      };
    }),
  };
}
