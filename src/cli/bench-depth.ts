/**
 * The part of `hearth bench` that decodes behind a long context, in turn with decoding from an empty one. With a KV cache of
 * q8_0 it measures f16 too, and says what the smaller cache costs: in speed, and in the error of the logits.
 */
import { HearthError } from "../base/errors.js";
import type { Engine, EngineModule, KvType, Model } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";
import { stepAlone } from "../engine/step-alone.js";
import { batchTokens, median, someTokens } from "./bench-runs.js";

export interface DepthOptions {
  /** Tokens of the context. */
  readonly depth: number;
  readonly kvType: KvType;
  readonly decodeTokens: number;
  readonly threads: number;
  readonly isa: string;
  readonly reading: string;
  readonly tune: (engine: Engine, model: Model) => Promise<void>;
  readonly reps: number;
}

export interface DepthSpeed {
  readonly kvType: KvType;
  readonly tokensPerSecond: number;
  /** From an empty context, measured in turn with the other. */
  readonly emptyTokensPerSecond: number;
}

export interface DepthResult {
  readonly depth: number;
  readonly tokens: number;
  /** f16 first. */
  readonly speeds: readonly DepthSpeed[];
  /** Normalized mean squared error of q8_0's logits against f16's, behind `depth` tokens. */
  readonly logitsError?: number;
}

/** Tokens whose logits are compared. */
const comparedTokens = 8;

export async function measureDepth(
  engineModule: EngineModule,
  model: Model,
  options: DepthOptions,
): Promise<DepthResult> {
  const { depth, decodeTokens: tokens, reps } = options;
  const trials: Trial[] = [];
  try {
    for (const kvType of options.kvType === "f16" ? (["f16"] as const) : (["f16", options.kvType] as const)) {
      trials.push(await Trial.start(engineModule, model, kvType, options));
    }
    for (const trial of trials) await trial.fill(model.info.tokenizer.tokens);
    for (let rep = 0; rep <= reps; rep++) {
      for (const trial of trials) await trial.run(tokens);
    }
    const logits: Float32Array[] = [];
    for (const trial of trials) logits.push(await trial.logits(model.info.tokenizer.tokens));
    const [f16, q8] = logits;
    return {
      depth,
      tokens,
      speeds: trials.map((trial) => trial.speed()),
      ...(f16 && q8 && { logitsError: normalizedError(q8, f16) }),
    };
  } finally {
    for (const trial of trials) await trial.engine.close();
  }
}

/** For people, as `hearth bench` prints its table. */
export function depthRows({ depth, speeds, logitsError }: DepthResult): [string, string][] {
  const rows = speeds.map(({ kvType, tokensPerSecond, emptyTokensPerSecond }, i): [string, string] => {
    const share = ((100 * tokensPerSecond) / emptyTokensPerSecond).toFixed(1);
    const speed = `${tokensPerSecond.toFixed(1)} tokens/s behind ${depth} tokens, KV ${kvType}`;
    return [i === 0 ? "deep" : "", `${speed}: ${share} % of the speed at 0`];
  });
  if (logitsError !== undefined) rows.push(["", `q8_0's logits: NMSE ${logitsError.toExponential(1)} against f16's`]);
  return rows;
}

/** An engine with one type of KV cache, a sequence of `depth` tokens in it, and how fast it was. */
class Trial {
  readonly #kvType: KvType;
  readonly #depth: number;
  readonly #deep: number;
  readonly #speeds: { readonly empty: number[]; readonly deep: number[] } = { empty: [], deep: [] };

  constructor(
    readonly engine: Engine,
    kvType: KvType,
    depth: number,
  ) {
    this.#kvType = kvType;
    this.#depth = depth;
    this.#deep = engine.openSequence(greedySampler);
  }

  static async start(engineModule: EngineModule, model: Model, kvType: KvType, options: DepthOptions): Promise<Trial> {
    const { depth, decodeTokens, threads, isa, reading } = options;
    const contextTokens = depth + Math.max(decodeTokens, comparedTokens);
    if (contextTokens > model.info.contextTrained) {
      throw new HearthError(
        "OPTION_OUT_OF_RANGE",
        `-d and -n ask for ${contextTokens} tokens, and the model was trained for a context of ${model.info.contextTrained}.`,
      );
    }
    const engine = await engineModule.createEngine(model, {
      threads,
      decodeThreads: 0,
      maxSequences: 2,
      contextTokens,
      kvTokens: 0,
      kvType,
      maxBatchTokens: batchTokens,
      isa,
      reading,
    });
    await options.tune(engine, model);
    return new Trial(engine, kvType, depth);
  }

  async fill(vocabulary: number): Promise<void> {
    for (let start = 0; start < this.#depth; start += batchTokens) {
      const tokens = someTokens(start, Math.min(batchTokens, this.#depth - start), vocabulary);
      await this.engine.step({ chunks: [{ sequence: this.#deep, tokens, sample: false }] });
    }
  }

  async run(tokens: number): Promise<void> {
    const empty = this.engine.openSequence(greedySampler);
    this.#speeds.empty.push(await this.#decode(empty, tokens));
    const deep = this.engine.forkSequence(this.#deep, this.#depth, greedySampler);
    this.#speeds.deep.push(await this.#decode(deep, tokens));
  }

  /** The first run does not count: it brings the weights into memory and the cores up to speed. */
  speed(): DepthSpeed {
    const { empty, deep } = this.#speeds;
    return {
      kvType: this.#kvType,
      tokensPerSecond: median(deep.slice(1)),
      emptyTokensPerSecond: median(empty.slice(1)),
    };
  }

  async logits(vocabulary: number): Promise<Float32Array> {
    const tokens = someTokens(this.#depth, comparedTokens, vocabulary);
    const chunk = { sequence: this.#deep, tokens, sample: false, logits: "all" } as const;
    return (await stepAlone(this.engine, chunk)).logits;
  }

  /** Tokens a second. The sequence is closed behind it. */
  async #decode(sequence: number, tokens: number): Promise<number> {
    let token = 0;
    const started = performance.now();
    for (let i = 0; i < tokens; i++) {
      const { tokens: drawn } = await stepAlone(this.engine, { sequence, tokens: Int32Array.of(token), sample: true });
      token = drawn[0] ?? 0;
    }
    const ms = performance.now() - started;
    this.engine.closeSequence(sequence);
    return (1000 * tokens) / ms;
  }
}

/** sum((a - b)^2) / sum(b^2) */
function normalizedError(values: Float32Array, reference: Float32Array): number {
  let error = 0;
  let norm = 0;
  reference.forEach((expected, i) => {
    error += (Number(values[i]) - expected) ** 2;
    norm += expected ** 2;
  });
  return error / norm;
}
