/**
 * Finds how many threads suit a model on this board: prefill wants every core, decode waits for memory and may be slower with
 * many threads than with few. Measured, because boards differ. It must not know where the result is kept.
 */
import type { Engine, EngineModule, EngineOptions, MatmulChoice, Model } from "../../engine/contract.js";
import { greedySampler } from "../../engine/greedy.js";

export interface Tuning {
  readonly threads: number;
  readonly decodeThreads: number;
}

/** A tuning and the speed that it gave when it was measured. */
export interface MeasuredTuning extends Tuning {
  /** The speed of one stream at the start of its context. */
  readonly decodeTokensPerSecond: number;
}

export interface TuningRow {
  readonly threads: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

export interface TuningResult extends MeasuredTuning {
  /** One a thread count, from one thread on. */
  readonly rows: readonly TuningRow[];
}

export interface TuneOptions {
  /** Gets the share that is done, 0 to 1. */
  readonly onProgress?: (done: number) => void;
  /** Ends the measurement at once; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Fewer threads that reach this share of the best speed leave cores and heat to others. */
const goodEnough = 0.97;
/** Every thread count is measured so often, in turn, so that a disturbance meets all of them. */
const rounds = 3;
/** The tokens of a run; the shorter ones where the longer prompt would take more than `longPromptMs`. */
const lengths = { short: { prompt: 16, decode: 3 }, long: { prompt: 64, decode: 6 } };
const longPromptMs = 1000;
const contextTokens = 128; // holds a long prompt and the decoded tokens

/** Kernels as the engine that is measured for has them. */
export interface TunedKernels extends Pick<EngineOptions, "isa" | "reading"> {
  readonly matmuls?: readonly MatmulChoice[];
}

/** Takes a few seconds. */
export async function tune(
  engineModule: EngineModule,
  model: Model,
  { matmuls = [], ...kernels }: TunedKernels,
  { onProgress = () => {}, signal }: TuneOptions = {},
): Promise<TuningResult> {
  signal?.throwIfAborted();
  const engine = await engineModule.createEngine(model, options(kernels));
  const stop = () => engine.stopStep();
  signal?.addEventListener("abort", stop);
  try {
    engine.useMatmuls(matmuls);
    return choose(await measure(engine, onProgress, signal));
  } catch (error) {
    signal?.throwIfAborted(); // says more than that a step was stopped
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    await engine.close();
  }
}

async function measure(engine: Engine, onProgress: (done: number) => void, signal?: AbortSignal): Promise<TuningRow[]> {
  const sequence = engine.openSequence(greedySampler);
  const trials = Array.from({ length: engine.options.threads }, (_, i) => new Trial(engine, sequence, i + 1));
  const warmUpMs = await trials.at(-1)?.prefill(lengths.short.prompt); // brings the weights into memory too
  const isSlow = (warmUpMs ?? 0) * (lengths.long.prompt / lengths.short.prompt) > longPromptMs;
  const { prompt, decode } = isSlow ? lengths.short : lengths.long;
  for (let round = 0; round < rounds; round++) {
    for (const [i, trial] of trials.entries()) {
      signal?.throwIfAborted();
      await trial.run(prompt, decode);
      onProgress((round * trials.length + i + 1) / (rounds * trials.length));
    }
  }
  return trials.map((trial) => trial.row(prompt));
}

function choose(rows: readonly TuningRow[]): TuningResult {
  const prefill = fewest(rows, ({ prefillTokensPerSecond }) => prefillTokensPerSecond);
  const decode = fewest(rows, ({ decodeTokensPerSecond }) => decodeTokensPerSecond);
  const { decodeTokensPerSecond } = decode;
  // The threads that decode are some of the engine's threads.
  const threads = Math.max(prefill.threads, decode.threads);
  return { threads, decodeThreads: decode.threads, decodeTokensPerSecond, rows };
}

/** The engine with one number of threads, and how long it took. */
class Trial {
  readonly #engine: Engine;
  readonly #sequence: number;
  readonly #threads: number;
  readonly #prefillMs: number[] = [];
  readonly #decodeMs: number[] = [];

  constructor(engine: Engine, sequence: number, threads: number) {
    this.#engine = engine;
    this.#sequence = sequence;
    this.#threads = threads;
  }

  /** Milliseconds for `tokens` prompt tokens at once. Which ones does not matter. */
  async prefill(tokens: number): Promise<number> {
    this.#engine.useThreads(this.#threads, this.#threads);
    this.#engine.truncateSequence(this.#sequence, 0);
    return this.#step(Int32Array.from({ length: tokens }, (_, i) => i));
  }

  async run(promptTokens: number, decodeTokens: number): Promise<void> {
    this.#prefillMs.push(await this.prefill(promptTokens));
    for (let i = 0; i < decodeTokens; i++) this.#decodeMs.push(await this.#step(Int32Array.of(i)));
  }

  row(promptTokens: number): TuningRow {
    return {
      threads: this.#threads,
      prefillTokensPerSecond: (1000 * promptTokens) / median(this.#prefillMs),
      decodeTokensPerSecond: 1000 / median(this.#decodeMs),
    };
  }

  async #step(tokens: Int32Array): Promise<number> {
    const { computeMs } = await this.#engine.step({ chunks: [{ sequence: this.#sequence, tokens, sample: true }] });
    return Math.max(computeMs, 1e-6);
  }
}

/** All cores, of which the trials use some: so does the daemon's engine. */
function options(kernels: TunedKernels): EngineOptions {
  return {
    threads: 0,
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens,
    kvTokens: 0,
    maxBatchTokens: lengths.long.prompt,
    ...kernels,
  };
}

/** The row of the smallest number of threads that is good enough. */
function fewest(rows: readonly TuningRow[], speed: (row: TuningRow) => number): TuningRow {
  const best = rows.reduce((a, b) => (speed(b) > speed(a) ? b : a));
  return rows.find((row) => speed(row) >= goodEnough * speed(best)) ?? best;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
