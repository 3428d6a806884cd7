/** The measurement of `hearth bench`: runs the engine's steps as the daemon does and takes the median of several runs. */
import { HearthError } from "../base/errors.js";
import type { Engine, EngineModule, KvType, MatmulChoice, Model } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";
import { type DepthResult, measureDepth } from "./bench-depth.js";
import { batchTokens, decode, median, prefill, readWhileDecoding } from "./bench-runs.js";

export interface BenchOptions {
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  readonly threads: number;
  readonly isa: string;
  readonly reading: string;
  /** Lets the engine multiply as was measured to be the fastest. */
  readonly tune: (engine: Engine, model: Model) => Promise<void>;
  readonly reps: number;
  /** How many streams are decoded at once, for each measurement of that. */
  readonly streams: readonly number[];
  /** Measure decoding while a prompt is read, too. */
  readonly mixed: boolean;
  readonly kvType: KvType;
  /** Tokens of a long context to decode behind, too; 0: none. */
  readonly depth: number;
  /** The model's, as shown. */
  readonly name: string;
}

/** The object that `--json` prints. */
export interface BenchResult {
  readonly model: string;
  readonly type: string;
  readonly isa: string;
  readonly matmuls: readonly MatmulChoice[];
  readonly threads: number;
  readonly prefill?: { readonly tokens: number; readonly tokensPerSecond: number };
  readonly decode?: { readonly tokens: number; readonly tokensPerSecond: number; readonly bytesPerToken: number };
  /** Decoding several streams at once, `tokens` each; the speed is of all together. */
  readonly batched?: readonly { readonly streams: number; readonly tokens: number; readonly tokensPerSecond: number }[];
  /** A prompt that is read while answers stream, with the steps that the daemon takes then. */
  readonly mixed?: MixedResult;
  readonly deep?: DepthResult;
  readonly memory: { readonly readBytesPerSecond: number };
  readonly rssBytes: number;
}

export interface MixedResult {
  /** The tokens of the prompt. */
  readonly tokens: number;
  /** Answers that stream meanwhile. */
  readonly streams: number;
  readonly prefillTokensPerSecond: number;
  /** The speed of all streams together. */
  readonly decodeTokensPerSecond: number;
  /** How much longer than alone they wait for a token. */
  readonly slowdown: number;
}

/** Decode steps before the clock starts: they bring the weights into memory and the cores up to speed. */
const warmUpTokens = 4;
/** The engine's: each stream takes whole blocks. */
const kvBlockTokens = 32;

export async function measure(engineModule: EngineModule, file: string, options: BenchOptions): Promise<BenchResult> {
  const model = await engineModule.loadModel(file, { vocabularyOnly: false });
  const contextTokens = contextFor(model, options);
  const streams = Math.max(1, ...options.streams);
  const maxSequences = streams + (options.mixed ? 1 : 0);
  const engine = await engineModule.createEngine(model, {
    threads: options.threads,
    decodeThreads: 0,
    maxSequences,
    contextTokens,
    kvTokens: maxSequences * kvBlockTokens * Math.ceil(contextTokens / kvBlockTokens),
    kvType: options.kvType,
    maxBatchTokens: batchTokens,
    isa: options.isa,
    reading: options.reading,
  });
  try {
    const { threads } = engine.options;
    if (options.prefillTokens > 0 || options.decodeTokens > 0) await options.tune(engine, model);
    const sequences = Array.from({ length: maxSequences }, () => engine.openSequence(greedySampler));
    await decode(engine, sequences.slice(0, 1), Math.min(warmUpTokens, contextTokens - 1));
    return {
      model: options.name,
      type: model.info.weightType,
      isa: engine.isa,
      matmuls: engine.matmuls(),
      threads,
      ...(await measureSpeeds(engineModule, engine, sequences, model, options)),
      ...(options.depth > 0 && options.decodeTokens > 0 && { deep: await measureDepth(engineModule, model, options) }),
      rssBytes: process.memoryUsage.rss(),
    };
  } finally {
    await engine.close();
  }
}

type Speeds = Pick<BenchResult, "prefill" | "decode" | "batched" | "mixed" | "memory">;

/**
 * Measures each speed that was asked for, in turn. 0 tokens are not measured. The memory's speed is measured before and after
 * decode, which is compared with it: both change with what else runs. It is not measured between the repetitions, since its buffer
 * can push weights out of a small memory; the run that does not count brings them back.
 */
async function measureSpeeds(
  engineModule: EngineModule,
  engine: Engine,
  sequences: readonly number[],
  { info }: Model,
  { prefillTokens, decodeTokens, reps, streams, mixed }: BenchOptions,
): Promise<Speeds> {
  const vocabulary = info.tokenizer.tokens;
  const one = sequences.slice(0, 1);
  const measureMemory = () => engineModule.measureReadBandwidth(engine.options.threads);
  let readBytesPerSecond: number;
  const speeds: { -readonly [Part in keyof Omit<Speeds, "memory">]: Speeds[Part] } = {};
  if (prefillTokens > 0) {
    const run = () => prefill(engine, one, prefillTokens, vocabulary);
    speeds.prefill = { tokens: prefillTokens, tokensPerSecond: await medianSpeed(prefillTokens, reps, run) };
  }
  if (decodeTokens > 0) {
    const speedOf = (some: readonly number[]) =>
      medianSpeed(some.length * decodeTokens, reps, () => decode(engine, some, decodeTokens));
    const readBefore = await measureMemory();
    const tokensPerSecond = await speedOf(one);
    readBytesPerSecond = (readBefore + (await measureMemory())) / 2;
    speeds.decode = { tokens: decodeTokens, tokensPerSecond, bytesPerToken: info.weightBytes };
    const batched: { streams: number; tokens: number; tokensPerSecond: number }[] = [];
    for (const count of streams) {
      const speed = await speedOf(sequences.slice(0, count));
      batched.push({ streams: count, tokens: decodeTokens, tokensPerSecond: speed });
    }
    if (batched.length > 0) speeds.batched = batched;
  } else {
    readBytesPerSecond = await measureMemory();
  }
  if (mixed && prefillTokens > 0) speeds.mixed = await measureMixed(engine, sequences, prefillTokens, vocabulary, reps);
  return { ...speeds, memory: { readBytesPerSecond } };
}

/** The last sequence reads the prompt, the others answer. */
async function measureMixed(
  engine: Engine,
  sequences: readonly number[],
  tokens: number,
  vocabulary: number,
  reps: number,
): Promise<MixedResult> {
  const streams = sequences.length - 1;
  const prefills: number[] = [];
  const decodes: number[] = [];
  const slowdowns: number[] = [];
  for (let rep = 0; rep <= reps; rep++) {
    const { ms, steps, decodeMs } = await readWhileDecoding(engine, sequences, tokens, vocabulary);
    if (rep === 0) continue; // does not count
    slowdowns.push(ms / steps / decodeMs);
    prefills.push((1000 * tokens) / ms);
    decodes.push((1000 * streams * steps) / ms);
  }
  return {
    tokens,
    streams,
    prefillTokensPerSecond: median(prefills),
    decodeTokensPerSecond: median(decodes),
    slowdown: median(slowdowns),
  };
}

/** The context that the measurement needs; OPTION_OUT_OF_RANGE where the model was trained for less. */
function contextFor({ info }: Model, { prefillTokens, decodeTokens }: BenchOptions): number {
  const needed = Math.max(prefillTokens, decodeTokens + 1, warmUpTokens + 1);
  if (needed <= info.contextTrained) return needed;
  throw new HearthError(
    "OPTION_OUT_OF_RANGE",
    `-p or -n asks for ${needed} tokens, and the model was trained for a context of ${info.contextTrained}.`,
  );
}

/** Tokens a second: one run that does not count, then the median of `reps`. */
async function medianSpeed(tokens: number, reps: number, run: () => Promise<void>): Promise<number> {
  const speeds: number[] = [];
  for (let rep = 0; rep <= reps; rep++) {
    const started = performance.now();
    await run();
    if (rep > 0) speeds.push((1000 * tokens) / (performance.now() - started));
  }
  return median(speeds);
}
