/**
 * Finds how many threads suit a model on this board: prefill wants every core, decode waits for memory and may be slower with
 * many threads than with few. Measured, because boards differ. It must not know where the result is kept.
 */
import type { Engine, EngineModule, EngineOptions, Model } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";

export interface Tuning {
  readonly threads: number;
  readonly decodeThreads: number;
}

export interface TuningRow {
  readonly threads: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

export interface TuningResult extends Tuning {
  /** One a thread count, from one thread on. */
  readonly rows: readonly TuningRow[];
}

/** Fewer threads that reach this share of the best speed leave cores and heat to others. */
const goodEnough = 0.97;
/** Every thread count is measured so often, in turn, so that a disturbance meets all of them. */
const rounds = 3;
const decodeSteps = 6;
/** Prompt tokens at a time; the shorter one where the longer would take more than `longPromptMs`. */
const promptTokens = { short: 16, long: 64 };
const longPromptMs = 1000;
const contextTokens = 128; // holds a long prompt and the decoded tokens

/** Takes a few seconds. `onProgress` gets the share that is done, 0 to 1. The signal's reason ends it early. */
export async function tune(
  engineModule: EngineModule,
  model: Model,
  isa: string,
  { onProgress = () => {}, signal }: { onProgress?: (done: number) => void; signal?: AbortSignal } = {},
): Promise<TuningResult> {
  const trials: Trial[] = [];
  try {
    const all = new Trial(await engineModule.createEngine(model, options(0, isa)));
    for (let threads = 1; threads < all.threads; threads++) {
      trials.push(new Trial(await engineModule.createEngine(model, options(threads, isa))));
    }
    trials.push(all);
    const shortPrompt = await all.prefill(promptTokens.short); // brings the weights into memory too
    const isSlow = shortPrompt * (promptTokens.long / promptTokens.short) > longPromptMs;
    const tokens = isSlow ? promptTokens.short : promptTokens.long;
    for (let round = 0; round < rounds; round++) {
      for (const [i, trial] of trials.entries()) {
        signal?.throwIfAborted();
        await trial.run(tokens);
        onProgress((round * trials.length + i + 1) / (rounds * trials.length));
      }
    }
    const rows = trials.map((trial) => trial.row(tokens));
    const prefillThreads = fewest(rows, ({ prefillTokensPerSecond }) => prefillTokensPerSecond);
    const decodeThreads = fewest(rows, ({ decodeTokensPerSecond }) => decodeTokensPerSecond);
    // Those that decode are some of the engine's threads.
    return { threads: Math.max(prefillThreads, decodeThreads), decodeThreads, rows };
  } finally {
    for (const trial of trials) await trial.close();
  }
}

/** The engine with one number of threads, and how long it took. */
class Trial {
  readonly #engine: Engine;
  readonly #sequence: number;
  readonly #prefillMs: number[] = [];
  readonly #decodeMs: number[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#sequence = engine.openSequence(greedySampler);
  }

  get threads(): number {
    return this.#engine.options.threads;
  }

  /** Milliseconds for `tokens` prompt tokens at once. Which ones does not matter. */
  async prefill(tokens: number): Promise<number> {
    this.#engine.truncateSequence(this.#sequence, 0);
    return this.#step(Int32Array.from({ length: tokens }, (_, i) => i));
  }

  async run(tokens: number): Promise<void> {
    this.#prefillMs.push(await this.prefill(tokens));
    for (let i = 0; i < decodeSteps; i++) this.#decodeMs.push(await this.#step(Int32Array.of(i)));
  }

  row(tokens: number): TuningRow {
    return {
      threads: this.threads,
      prefillTokensPerSecond: (1000 * tokens) / median(this.#prefillMs),
      decodeTokensPerSecond: 1000 / median(this.#decodeMs),
    };
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  async #step(tokens: Int32Array): Promise<number> {
    const { computeMs } = await this.#engine.step({ chunks: [{ sequence: this.#sequence, tokens, sample: true }] });
    return Math.max(computeMs, 1e-6);
  }
}

function options(threads: number, isa: string): EngineOptions {
  return {
    threads,
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens,
    kvTokens: 0,
    maxBatchTokens: promptTokens.long,
    isa,
  };
}

/** The smallest number of threads that is good enough. */
function fewest(rows: readonly TuningRow[], speed: (row: TuningRow) => number): number {
  const best = Math.max(...rows.map(speed));
  return rows.find((row) => speed(row) >= goodEnough * best)?.threads ?? 1;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
