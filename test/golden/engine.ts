/** Runs the real engine on golden files: logits and greedy continuations, in whatever pieces a test wants. */
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { Engine, KvType } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { shared } from "../helpers/shared.js";

export const engineModule = loadEngineModule();

export interface RunOptions {
  readonly threads?: number;
  /** Prompt tokens a step; all at once without. */
  readonly chunk?: number;
  readonly sequences?: number;
  readonly isa?: string;
  readonly contextTokens?: number;
  readonly kvType?: KvType;
  /** The share of the weights that stays in memory; the others are read from the file for each step. */
  readonly keptShare?: number;
}

/** Opens an engine on a file of ../shared for the time of `body`. */
export async function withEngine<T>(
  file: string,
  options: RunOptions,
  body: (engine: Engine) => Promise<T>,
): Promise<T> {
  const model = await engineModule.loadModel(shared(file), { vocabularyOnly: false });
  const engine = await engineModule.createEngine(model, {
    threads: options.threads ?? 2,
    decodeThreads: 0,
    maxSequences: options.sequences ?? 1,
    contextTokens: options.contextTokens ?? 256,
    kvTokens: 0,
    kvType: options.kvType ?? "f16",
    ...(options.keptShare !== undefined && { keptShare: options.keptShare }),
    maxBatchTokens: 512,
    isa: options.isa ?? process.env.HEARTH_ISA ?? "",
  });
  try {
    return await body(engine);
  } finally {
    await engine.close();
  }
}

/** The kernel sets of this build that this CPU runs `file` with; the others are told to the test. */
export async function runnableIsas(file: string, t: TestContext): Promise<string[]> {
  const runnable: string[] = [];
  for (const isa of engineModule.compiledIsas()) {
    try {
      runnable.push(await withEngine(file, { isa }, async (engine) => engine.isa));
    } catch (error) {
      if (!(error instanceof HearthError) || error.code !== "ISA_UNSUPPORTED") throw error;
      t.diagnostic(error.message);
    }
  }
  return runnable;
}

/** [tokens, vocabulary], row-major. */
export function logits(file: string, tokens: readonly number[], options: RunOptions = {}): Promise<Float32Array> {
  return withEngine(file, options, async (engine) => {
    const sequence = engine.openSequence(greedySampler);
    const parts: Float32Array[] = [];
    for (const piece of chunks(tokens, options.chunk)) {
      const result = await stepAlone(engine, { sequence, tokens: piece, sample: false, logits: "all" });
      parts.push(result.logits);
    }
    return concatenate(parts);
  });
}

/** The first maximum after each token, `count` times. */
export function greedy(
  file: string,
  prompt: readonly number[],
  count: number,
  options: RunOptions = {},
): Promise<number[]> {
  return withEngine(file, options, (engine) => continueGreedily(engine, prompt, count, options.chunk));
}

async function continueGreedily(
  engine: Engine,
  prompt: readonly number[],
  count: number,
  chunk: number | undefined,
): Promise<number[]> {
  const sequence = engine.openSequence(greedySampler);
  const drawn: number[] = [];
  for (const tokens of chunks(prompt, chunk)) {
    drawn[0] = await drawAlone(engine, sequence, tokens);
  }
  while (drawn.length < count) {
    drawn.push(await drawAlone(engine, sequence, Int32Array.of(drawn.at(-1) ?? -1)));
  }
  return drawn;
}

async function drawAlone(engine: Engine, sequence: number, tokens: Int32Array): Promise<number> {
  const result = await stepAlone(engine, { sequence, tokens, sample: true });
  const [token] = result.tokens;
  if (token === undefined) throw new Error("The engine drew no token.");
  return token;
}

/** All prompts side by side in one engine: read in one step, then decoded together. */
export function greedyBatch(
  file: string,
  prompts: readonly (readonly number[])[],
  count: number,
  options: RunOptions = {},
): Promise<number[][]> {
  return withEngine(file, { ...options, sequences: prompts.length }, async (engine) => {
    const streams = prompts.map((prompt) => ({
      sequence: engine.openSequence(greedySampler),
      next: Int32Array.from(prompt) as Int32Array,
      drawn: [] as number[],
    }));
    for (let i = 0; i < count; i++) {
      const plan = streams.map(({ sequence, next }) => ({ sequence, tokens: next, sample: true }));
      const result = await engine.step({ chunks: plan });
      streams.forEach((stream, at) => {
        stream.next = result.chunks[at]?.tokens ?? new Int32Array(0);
        stream.drawn.push(...stream.next);
      });
    }
    return streams.map((stream) => stream.drawn);
  });
}

function* chunks(tokens: readonly number[], size = tokens.length): Generator<Int32Array> {
  for (let at = 0; at < tokens.length; at += size) yield Int32Array.from(tokens.slice(at, at + size));
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Little-endian float32, as the golden files have it. */
export function readFloats(file: string): Float32Array {
  const bytes = readFileSync(shared(file));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** sum((a - b)^2) / sum(b^2) */
export function normalizedError(ours: Float32Array, golden: Float32Array): number {
  let error = 0;
  let norm = 0;
  golden.forEach((value, i) => {
    error += (Number(ours[i]) - value) ** 2;
    norm += value ** 2;
  });
  return error / norm;
}
