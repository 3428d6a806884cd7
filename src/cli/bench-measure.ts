/** The measurement of `hearth bench`: runs the engine's steps as the daemon does and takes the median of several runs. */
import { HearthError } from "../base/errors.js";
import type { Engine, EngineModule, Model } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";

export interface BenchOptions {
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  readonly threads: number;
  readonly isa: string;
  readonly reps: number;
  /** The model's, as shown. */
  readonly name: string;
}

/** The object that `--json` prints. */
export interface BenchResult {
  readonly model: string;
  readonly type: string;
  readonly isa: string;
  readonly threads: number;
  readonly prefill?: { readonly tokens: number; readonly tokensPerSecond: number };
  readonly decode?: { readonly tokens: number; readonly tokensPerSecond: number; readonly bytesPerToken: number };
  readonly memory: { readonly readBytesPerSecond: number };
  readonly rssBytes: number;
}

/** Tokens of one prefill step: as much as an idle daemon would take at most. */
const batchTokens = 512;
/** Decode steps before the clock starts: they bring the weights into memory and the cores up to speed. */
const warmUpTokens = 4;

export async function measure(engineModule: EngineModule, file: string, options: BenchOptions): Promise<BenchResult> {
  const model = await engineModule.loadModel(file, { vocabularyOnly: false });
  const contextTokens = contextFor(model, options);
  const engine = await engineModule.createEngine(model, {
    threads: options.threads,
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens,
    kvTokens: contextTokens,
    maxBatchTokens: batchTokens,
    isa: options.isa,
  });
  try {
    const { prefillTokens, decodeTokens, reps } = options;
    const { threads } = engine.options;
    const readBytesPerSecond = await engineModule.measureReadBandwidth(threads);
    const sequence = engine.openSequence(greedySampler);
    const vocabulary = model.info.tokenizer.tokens;
    await decode(engine, sequence, Math.min(warmUpTokens, contextTokens - 1));
    const prefillSpeed = await medianSpeed(prefillTokens, reps, () =>
      prefill(engine, sequence, prefillTokens, vocabulary),
    );
    const decodeSpeed = await medianSpeed(decodeTokens, reps, () => decode(engine, sequence, decodeTokens));
    return {
      model: options.name,
      type: model.info.weightType,
      isa: engine.isa,
      threads,
      ...(prefillTokens > 0 && { prefill: { tokens: prefillTokens, tokensPerSecond: prefillSpeed } }),
      ...(decodeTokens > 0 && {
        decode: { tokens: decodeTokens, tokensPerSecond: decodeSpeed, bytesPerToken: model.info.weightBytes },
      }),
      memory: { readBytesPerSecond },
      rssBytes: process.memoryUsage.rss(),
    };
  } finally {
    await engine.close();
  }
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

/** Tokens a second: one run that does not count, then the median of `reps`. 0 tokens are not measured. */
async function medianSpeed(tokens: number, reps: number, run: () => Promise<void>): Promise<number> {
  if (tokens === 0) return 0;
  const speeds: number[] = [];
  for (let rep = 0; rep <= reps; rep++) {
    const started = performance.now();
    await run();
    if (rep > 0) speeds.push((1000 * tokens) / (performance.now() - started));
  }
  speeds.sort((a, b) => a - b);
  const middle = speeds.length >> 1;
  const upper = speeds[middle] ?? 0;
  return speeds.length % 2 === 1 ? upper : (upper + (speeds[middle - 1] ?? 0)) / 2;
}

/** Reads `tokens` tokens into an empty sequence. Which ones does not matter to the speed; they only have to be valid. */
async function prefill(engine: Engine, sequence: number, tokens: number, vocabulary: number): Promise<void> {
  engine.truncateSequence(sequence, 0);
  for (let start = 0; start < tokens; start += batchTokens) {
    const length = Math.min(batchTokens, tokens - start);
    const ids = Int32Array.from({ length }, (_, i) => (7919 * (start + i)) % vocabulary);
    await engine.step({ chunks: [{ sequence, tokens: ids, sample: start + length === tokens }] });
  }
}

/** Generates `tokens` tokens, one step each, from an almost empty context. */
async function decode(engine: Engine, sequence: number, tokens: number): Promise<void> {
  engine.truncateSequence(sequence, 0);
  let token = 0;
  for (let i = 0; i < tokens; i++) {
    const result = await engine.step({ chunks: [{ sequence, tokens: Int32Array.of(token), sample: true }] });
    token = result.tokens[0] ?? 0;
  }
}
