/** The timed runs of `hearth bench`: steps as the daemon takes them. Which tokens they carry does not matter to the speed. */
import type { Engine, StepChunk } from "../engine/contract.js";
import { PromptPacing } from "../scheduler/prefill-pacing.js";
import { defaultSchedulerOptions } from "../scheduler/types.js";

/** Tokens of one prefill step: as much as an idle daemon would take at most. */
export const batchTokens = 512;

/** Each of the sequences, which are emptied, reads `tokens` tokens. */
export async function prefill(
  engine: Engine,
  sequences: readonly number[],
  tokens: number,
  vocabulary: number,
): Promise<void> {
  for (const sequence of sequences) {
    engine.truncateSequence(sequence, 0);
    for (let start = 0; start < tokens; start += batchTokens) {
      const ids = someTokens(start, Math.min(batchTokens, tokens - start), vocabulary);
      await engine.step({ chunks: [{ sequence, tokens: ids, sample: start + ids.length === tokens }] });
    }
  }
}

/** Each of the sequences generates `tokens` tokens from an almost empty context, all in the same steps. */
export async function decode(engine: Engine, sequences: readonly number[], tokens: number): Promise<void> {
  for (const sequence of sequences) engine.truncateSequence(sequence, 0);
  let last: Int32Array[] = sequences.map(() => Int32Array.of(0));
  for (let i = 0; i < tokens; i++) last = await decodeStep(engine, sequences, last);
}

/** Steps of the answers alone, before a prompt is read beside them. */
const stepsBefore = 8;

export interface SharedRun {
  readonly ms: number;
  readonly steps: number;
  /** The time of a step with answers alone. */
  readonly decodeMs: number;
}

/**
 * The last sequence reads a prompt in pieces as large as the daemon's while answers stream, and the others generate a token
 * in each step.
 */
export async function readWhileDecoding(
  engine: Engine,
  sequences: readonly number[],
  tokens: number,
  vocabulary: number,
): Promise<SharedRun> {
  const reader = sequences.at(-1) ?? 0;
  const streams = sequences.slice(0, -1);
  for (const sequence of sequences) engine.truncateSequence(sequence, 0);
  const { maxGapMs, prefillStepMs } = defaultSchedulerOptions;
  const pacing = new PromptPacing(maxGapMs, prefillStepMs);
  let last: Int32Array[] = streams.map(() => Int32Array.of(0));
  const alone: number[] = [];
  for (let i = 0; i < stepsBefore; i++) {
    const before = performance.now();
    last = await decodeStep(engine, streams, last);
    alone.push(performance.now() - before);
  }
  const decodeMs = median(alone);
  const started = performance.now();
  let steps = 0;
  for (let read = 0; read < tokens; steps++) {
    const room = Math.min(tokens - read, batchTokens - streams.length);
    const ids = someTokens(read, pacing.beside(decodeMs, room), vocabulary);
    const before = performance.now();
    last = await decodeStep(engine, streams, last, { sequence: reader, tokens: ids, sample: false });
    pacing.observe({ promptTokens: ids.length, decodeMs, computeMs: performance.now() - before });
    read += ids.length;
  }
  return { ms: performance.now() - started, steps, decodeMs };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Appends its last token to each stream, and gives those that were drawn, each alone. */
async function decodeStep(
  engine: Engine,
  streams: readonly number[],
  last: readonly Int32Array[],
  ...others: readonly StepChunk[]
): Promise<Int32Array[]> {
  const chunks = streams.map((sequence, i) => ({ sequence, tokens: last[i] ?? Int32Array.of(0), sample: true }));
  const result = await engine.step({ chunks: [...chunks, ...others] });
  return result.chunks.slice(0, streams.length).map(({ tokens }) => tokens);
}

/** They only have to be valid. */
export function someTokens(start: number, length: number, vocabulary: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => (7919 * (start + i)) % vocabulary);
}
