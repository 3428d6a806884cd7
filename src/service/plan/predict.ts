/**
 * Predicts how fast a model is from what a token reads and how fast this machine reads it: weights that are kept from memory, the others
 * from the disk meanwhile. Pure: speeds are handed in.
 */
import type { MatmulKind, MemoryPlan, PlannedMatmul } from "../../engine/contract.js";
import { PromptPacing } from "../../scheduler/prefill-pacing.js";
import { defaultSchedulerOptions } from "../../scheduler/types.js";

/** Bytes of weights a second that are multiplied with one column, and with `manyColumns` at once. */
export interface WeightSpeed extends MatmulKind {
  readonly one: number;
  readonly many: number;
}

/** The columns that stand for a piece of a prompt. */
export const manyColumns = 128;

export interface Speeds {
  /** Bytes of the model's file a second, read past the page cache; null: nobody could measure it. */
  readonly diskBytesPerSecond: number | null;
  /** For each of a plan's kinds of weights, or for those that hold most. */
  readonly weights: readonly WeightSpeed[];
}

export interface Prediction {
  /** Weights that each token of an answer is multiplied with. */
  readonly weightBytesPerToken: number;
  /** A part of them that is read from the file. */
  readonly streamedBytesPerToken: number;
  /** Null where a speed that it depends on is not known. */
  readonly secondsPerToken: number | null;
  /** For a prompt of `promptTokens`, and the first token of its answer. */
  readonly firstTokenSeconds: number | null;
  readonly promptTokens: number;
  /** The slower of both, which an answer waits for: the disk, or the weights in memory. */
  readonly boundBy: "disk" | "memory";
}

/** The prompt that the time to the first token is told of. */
const usualPrompt = 1000;

export function predict(plan: MemoryPlan, speeds: Speeds): Prediction {
  const promptTokens = Math.min(usualPrompt, plan.options.contextTokens - 1);
  const disk = diskSeconds(plan, speeds, 1);
  const compute = computeSeconds(plan, speeds, 1);
  return {
    weightBytesPerToken: touchedBytes(plan, 1),
    streamedBytesPerToken: streamedBytes(plan, 1),
    secondsPerToken: stepSeconds(plan, speeds, 1),
    firstTokenSeconds: promptSeconds(plan, speeds, promptTokens),
    promptTokens,
    boundBy: (disk ?? 0) > (compute ?? 0) ? "disk" : "memory",
  };
}

/** The time of all steps that the scheduler would make of a prompt that comes alone. */
function promptSeconds(plan: MemoryPlan, speeds: Speeds, tokens: number): number | null {
  const { maxGapMs, prefillStepMs } = defaultSchedulerOptions;
  const pacing = new PromptPacing(maxGapMs, prefillStepMs, plan.streamedBytes > 0 && plan.experts === 0);
  let seconds = 0;
  for (let left = tokens; left > 0; ) {
    const taken = pacing.alone(Math.min(left, plan.options.maxBatchTokens));
    const step = stepSeconds(plan, speeds, taken);
    if (step === null) return null;
    pacing.observe({ promptTokens: taken, decodeMs: null, computeMs: 1000 * step });
    seconds += step;
    left -= taken;
  }
  return seconds;
}

/** A step of so many tokens of one sequence. */
function stepSeconds(plan: MemoryPlan, speeds: Speeds, tokens: number): number | null {
  const disk = diskSeconds(plan, speeds, tokens);
  const compute = computeSeconds(plan, speeds, tokens);
  if (disk === null || compute === null) return null;
  // Which experts a token needs is known too late to read them beside the computation.
  return plan.experts > 0 ? disk + compute : Math.max(disk, compute);
}

function diskSeconds(plan: MemoryPlan, { diskBytesPerSecond }: Speeds, tokens: number): number | null {
  if (plan.streamedBytes === 0) return 0;
  return diskBytesPerSecond === null ? null : streamedBytes(plan, tokens) / diskBytesPerSecond;
}

/** The share of a layer's experts that so many tokens use, where all experts are as likely. */
function shareOfExperts({ experts, expertsUsed }: MemoryPlan, tokens: number): number {
  return experts === 0 ? 0 : 1 - (1 - expertsUsed / experts) ** tokens;
}

function touchedBytes(plan: MemoryPlan, tokens: number): number {
  const share = shareOfExperts(plan, tokens);
  return plan.matmuls.reduce((sum, { bytes, expertBytes }) => sum + bytes + share * expertBytes, 0);
}

function streamedBytes(plan: MemoryPlan, tokens: number): number {
  const { streamedBytes: all, streamedExpertBytes: experts } = plan;
  return all - experts + shareOfExperts(plan, tokens) * experts;
}

/** Null where no kind of the model's weights was measured. */
function computeSeconds(plan: MemoryPlan, { weights }: Speeds, tokens: number): number | null {
  const share = shareOfExperts(plan, tokens);
  // Tokens that share an expert.
  const beside = share === 0 ? 1 : (tokens * plan.expertsUsed) / plan.experts / share;
  let seconds = 0;
  for (const matmul of plan.matmuls) {
    const speed = speedOf(matmul, weights);
    if (!speed) return null;
    seconds += matmul.bytes * secondsPerByte(speed, tokens);
    seconds += share * matmul.expertBytes * secondsPerByte(speed, beside);
  }
  return seconds;
}

/** The speed of the same kind, or else of the type, or else of the kind that was measured first, which holds most weights. */
function speedOf({ type, rowLength }: PlannedMatmul, weights: readonly WeightSpeed[]): WeightSpeed | undefined {
  const ofType = weights.filter((speed) => speed.type === type);
  return ofType.find((speed) => speed.rowLength === rowLength) ?? ofType[0] ?? weights[0];
}

/** Few columns wait for the weights, and many for the arithmetic. */
function secondsPerByte({ one, many }: WeightSpeed, columns: number): number {
  return Math.max(1 / one, columns / manyColumns / many);
}
