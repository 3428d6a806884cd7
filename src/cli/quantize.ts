/** `hearth quantize`: writes a GGUF file with the weights in another type. */
import { type Stats, statSync } from "node:fs";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { loadEngineModule } from "../engine/binding.js";
import type { QuantizedType, QuantizeReport } from "../engine/contract.js";
import { integerBetween } from "./arguments.js";
import { configurationOf } from "./configuration.js";
import { print, withProgress } from "./models-store.js";
import { formatBytes, formatTable } from "./terminal.js";

interface QuantizeFlags {
  readonly threads?: number;
  readonly pure?: true;
  readonly allowRequantize?: true;
  readonly json?: true;
}

export function quantizeCommand(): Command {
  return new Command("quantize")
    .description("write a GGUF file with the weights in another type")
    .argument("<in>", "GGUF file of F32, F16 or BF16 weights")
    .argument("<out>", "file to write; it appears when it is complete")
    .argument("<type>", "Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q4_0, IQ4_XS, Q3_K_M, Q2_K, ... in any case")
    .option("-t, --threads <n>", "threads; 0: one per physical core", integerBetween("-t", 0, 256))
    .option("--pure", "give every matrix the same type, without the mix that keeps sensitive ones larger")
    .option("--allow-requantize", "accept weights that are quantized already, at a loss of quality")
    .action(async (source: string, out: string, type: string, _options, command: Command) => {
      await quantize(source, out, type, command);
    });
}

async function quantize(source: string, out: string, type: string, command: Command): Promise<void> {
  const { config } = configurationOf(command);
  const flags = command.optsWithGlobals<QuantizeFlags>();
  if (isSameFile(source, out)) {
    throw new HearthError("COMMAND_INVALID", "The file to write is the source, which would be lost.");
  }
  const options = {
    type,
    threads: flags.threads ?? config["engine.threads"],
    pure: flags.pure === true,
    allowRequantize: flags.allowRequantize === true,
  };
  const json = flags.json === true;
  const engineModule = loadEngineModule();
  const report = await withProgress(json, (show, signal) =>
    engineModule.quantizeModel(source, out, options, {
      signal,
      onProgress: ({ doneBytes, totalBytes }) => {
        show({ phase: "quantize", completed: doneBytes, total: totalBytes });
      },
    }),
  );
  print(json, { file: out, ...report }, describe(report));
}

function isSameFile(a: string, b: string): boolean {
  const [first, second] = [a, b].map(statsOf);
  return !!first && first.dev === second?.dev && first.ino === second.ino;
}

/** Null for what cannot be looked at: the engine says why. */
function statsOf(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

/** The error is what the weights lost, as a share of their size (root mean square). */
function describe({ types, sourceBytes, bytes, weights }: QuantizeReport): string {
  const rows = types.map((type) => [type.type, `${type.tensors} tensors`, formatBytes(type.bytes), lossOf(type)]);
  const bits = ((8 * bytes) / weights).toFixed(2);
  return `${formatTable([["type", "", "", "error"], ...rows])}${formatBytes(sourceBytes)} -> ${formatBytes(bytes)}, ${bits} bits a weight\n`;
}

function lossOf({ squaredError, squaredNorm }: QuantizedType): string {
  return squaredNorm > 0 ? `${(100 * Math.sqrt(squaredError / squaredNorm)).toFixed(2)} %` : "-";
}
