/** `hearth bench`: prefill and decode speed of the engine, and the share of the memory bandwidth that decode reaches. */
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { Command, Option } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { MachineTuner } from "../daemon/machine-tuner.js";
import type { ModelFile } from "../daemon/model-file.js";
import { forcedReading } from "../daemon/model-options.js";
import { loadEngineModule } from "../engine/binding.js";
import { type Engine, type EngineModule, type KvType, kvTypes, type Model } from "../engine/contract.js";
import { integerBetween } from "./arguments.js";
import { depthRows } from "./bench-depth.js";
import { type BenchResult, measure } from "./bench-measure.js";
import { configurationOf } from "./configuration.js";
import { namedModel } from "./model.js";

interface BenchFlags {
  readonly synthetic?: string;
  readonly save?: string;
  readonly prefill: number;
  readonly decode: number;
  readonly threads?: number;
  readonly reps: number;
  readonly streams: readonly number[];
  readonly mixed?: true;
  readonly depth: number;
  readonly kv?: KvType;
  readonly json?: true;
}

export function benchCommand(): Command {
  return new Command("bench")
    .description("measure prefill and decode speed")
    .argument("[model]", "GGUF file or name of the store; without it the model that comes with hearth")
    .option("--synthetic <shape:type>", "random weights in a published model's shape, such as llama-3.2-1b:q4_0")
    .option("--save <file>", "keep the synthetic model")
    .option("-p, --prefill <tokens>", "tokens to prefill; 0: leave out", integerBetween("-p", 0, 1_000_000), 512)
    .option("-n, --decode <tokens>", "tokens to decode; 0: leave out", integerBetween("-n", 0, 1_000_000), 128)
    .option("-t, --threads <n>", "threads; 0: one per physical core", integerBetween("-t", 0, 256))
    .option("-r, --reps <n>", "repetitions, of which the median counts", integerBetween("-r", 1, 1000), 3)
    .option("--streams <n,...>", "also decode so many streams at once", streamCounts, [])
    .option("--mixed", "also decode while a prompt is read")
    .option("-d, --depth <tokens>", "also decode behind so many tokens", integerBetween("-d", 0, 1_000_000), 0)
    .addOption(new Option("--kv <type>", "type of the KV cache; without it kv.type").choices(kvTypes))
    .action(async (model: string | undefined, _options, command: Command) => {
      await bench(model, command);
    });
}

async function bench(model: string | undefined, command: Command): Promise<void> {
  const { config, state } = configurationOf(command);
  const flags = command.optsWithGlobals<BenchFlags>();
  const synthetic = flags.synthetic === undefined ? null : parseSynthetic(flags.synthetic);
  if (synthetic && model !== undefined) {
    throw new HearthError("COMMAND_INVALID", "Give a model or --synthetic, not both.");
  }
  if (flags.save !== undefined && !synthetic) {
    throw new HearthError("COMMAND_INVALID", "--save keeps the model of --synthetic, which was not given.");
  }
  const engineModule = loadEngineModule();
  const tuner = new MachineTuner(config, state, engineModule, systemClock);
  const options = {
    prefillTokens: flags.prefill,
    decodeTokens: flags.decode,
    threads: flags.threads ?? config["engine.threads"],
    isa: config["engine.isa"],
    reading: forcedReading(config),
    tune: (engine: Engine, loaded: Model) => tuner.useMatmuls(engine, loaded),
    reps: flags.reps,
    streams: flags.streams,
    mixed: flags.mixed === true,
    depth: flags.depth,
    kvType: flags.kv ?? config["kv.type"],
  };
  const measureNamed = ({ name, path: file }: ModelFile) => measure(engineModule, file, { ...options, name });
  const result = synthetic
    ? await withSyntheticModel(engineModule, synthetic, flags.save, (file) =>
        measure(engineModule, file, { ...options, name: synthetic.shape }),
      )
    : await measureNamed(namedModel(model ?? config["model.path"], state, engineModule));
  // Which way each matrix is multiplied is told by `hearth tune --json`; this object is the documented one.
  const { matmuls: _, ...speeds } = result;
  process.stdout.write(flags.json ? `${JSON.stringify(speeds)}\n` : table(result));
}

function streamCounts(text: string): number[] {
  return text.split(",").map(integerBetween("--streams", 1, 64));
}

interface Synthetic {
  readonly shape: string;
  readonly type: string;
}

function parseSynthetic(text: string): Synthetic {
  const match = /^([\w.-]+):(\w+)$/.exec(text);
  if (!match?.[1] || !match[2]) {
    throw new HearthError("COMMAND_INVALID", `--synthetic takes SHAPE:TYPE, such as llama-3.2-1b:q4_0, not "${text}".`);
  }
  return { shape: match[1], type: match[2] };
}

/** Writes the model, runs `use` on it, and removes it again unless it is to be saved; Ctrl-C removes it too. */
async function withSyntheticModel<T>(
  engineModule: EngineModule,
  { shape, type }: Synthetic,
  saveAs: string | undefined,
  use: (file: string) => Promise<T>,
): Promise<T> {
  if (saveAs !== undefined) {
    await engineModule.writeSyntheticModel(shape, type, saveAs);
    return use(saveAs);
  }
  // /var/tmp is on a disk where /tmp may be in memory, and the file may be as large as the memory.
  const folder = mkdtempSync(path.join(process.env.TMPDIR ?? "/var/tmp", "hearth-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const interrupted = () => process.exit(0);
  process.once("exit", remove);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  try {
    const file = path.join(folder, `${shape}-${type}.gguf`);
    await engineModule.writeSyntheticModel(shape, type, file);
    return await use(file);
  } finally {
    remove();
    process.off("exit", remove);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
  }
}

function table({
  model,
  type,
  isa,
  matmuls,
  threads,
  prefill,
  decode,
  batched,
  mixed,
  deep,
  memory,
  rssBytes,
}: BenchResult): string {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const rows: [string, string][] = [
    ["model", `${model} ${type}`],
    ["kernels", `${isa}, ${threads} ${threads === 1 ? "thread" : "threads"}`],
    ...matmuls.map(({ type, rowLength, one }): [string, string] => ["", `${type}, ${rowLength} a row: ${one}`]),
  ];
  if (prefill) rows.push(["prefill", `${prefill.tokensPerSecond.toFixed(1)} tokens/s (${prefill.tokens} tokens)`]);
  if (decode) {
    const readPerSecond = decode.tokensPerSecond * decode.bytesPerToken;
    const share = Math.round((100 * readPerSecond) / memory.readBytesPerSecond);
    rows.push(
      ["decode", `${decode.tokensPerSecond.toFixed(1)} tokens/s (${decode.tokens} tokens)`],
      ["", `reads ${gigabytes(readPerSecond)}/s, ${share} % of the memory bandwidth`],
    );
  }
  for (const { streams, tokens, tokensPerSecond } of batched ?? []) {
    const gain = decode ? `, ${(tokensPerSecond / decode.tokensPerSecond).toFixed(2)} times one` : "";
    const all = `${tokensPerSecond.toFixed(1)} tokens/s`;
    rows.push(["batched", `${all} (${streams} streams of ${tokens} tokens)${gain}`]);
  }
  if (mixed) {
    const { tokens, streams, prefillTokensPerSecond, decodeTokensPerSecond, slowdown } = mixed;
    const answers = streams === 1 ? "an answer" : `${streams} answers`;
    rows.push(
      ["mixed", `reads ${prefillTokensPerSecond.toFixed(1)} tokens/s (${tokens} tokens)`],
      [
        "",
        `while ${answers} come at ${decodeTokensPerSecond.toFixed(1)} tokens/s, ${slowdown.toFixed(1)} times slower`,
      ],
    );
  }
  if (deep) rows.push(...depthRows(deep));
  rows.push(["memory", `${gigabytes(memory.readBytesPerSecond)}/s read bandwidth`], ["resident", gigabytes(rssBytes)]);
  return `${rows.map(([name, value]) => `${name.padEnd(9)} ${value}`).join("\n")}\n`;
}
