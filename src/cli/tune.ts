/** `hearth tune`: measures kernels and thread counts for prefill and for decode, and stores the result for the daemon. */
import { access, constants } from "node:fs/promises";
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { MachineTuner } from "../daemon/machine-tuner.js";
import type { ChosenWay, MatmulRow } from "../service/tuning/matmuls.js";
import type { TuningResult } from "../service/tuning/threads.js";
import { makeFolder, storing } from "../store/durable-files.js";
import { namedModel } from "./model.js";
import { openStore, print, withProgress } from "./models-store.js";
import { formatTable } from "./terminal.js";

export function tuneCommand(): Command {
  return new Command("tune")
    .description("measure which kernels and how many threads suit a model on this board, and remember it")
    .argument("[model]", "GGUF file or name of the store; without it the model that the daemon serves")
    .action(runTune);
}

async function runTune(name: string | undefined, _options: unknown, command: Command): Promise<void> {
  const { config, state, isOfService, engineModule, flags } = openStore(command);
  const file = namedModel(name ?? config["model.path"], state, engineModule);
  await storing(state, async () => {
    await makeFolder(state);
    await access(state, constants.W_OK); // who may not store the result need not wait for it
  });
  const model = await engineModule.loadModel(file.path, { vocabularyOnly: false });
  if (!model.info.hasWeights) throw new HearthError("MODEL_HAS_NO_WEIGHTS", `${file.path} holds only a vocabulary.`);
  const tuner = new MachineTuner(config, state, engineModule, systemClock);
  const json = flags.json === true;
  const { stderr } = process;
  if (!json) stderr.write(`measuring ${file.name} ...${stderr.isTTY ? "" : "\n"}`);
  const show = (done: number) => {
    if (stderr.isTTY && !json)
      stderr.write(`\rmeasuring ${file.name} ... ${Math.round(100 * done)} %${done === 1 ? "\n" : ""}`);
  };
  const { matmuls, threads } = await withProgress(json, async (_, signal) => ({
    matmuls: await tuner.measureMatmuls(model, { signal, onProgress: (done) => show(done / 2) }),
    threads: await tuner.measure(file.path, model, { signal, onProgress: (done) => show((1 + done) / 2) }),
  }));
  print(json, { model: file.name, matmuls, ...threads, state }, matmulTable(matmuls) + table(file.name, threads));
  if (isOfService && !json) stderr.write(`in the service's state, ${state}\n`);
}

/** For each kind of matrices the best kernels, and how fast the usual ones are; nothing where there is one way only. */
function matmulTable(rows: readonly MatmulRow[]): string {
  if (rows.length === 0) return "";
  const speed = (bytesPerSecond: number) => (bytesPerSecond / 1e9).toFixed(1);
  const cells = ({ type, rowLength, one, few, many }: MatmulRow) =>
    (
      [
        ["an answer", one],
        ["some answers", few],
        ["a prompt", many],
      ] as [string, ChosenWay][]
    ).map(([what, { way, bytesPerSecond, usualBytesPerSecond }]) => [
      `${type}, ${rowLength} a row`,
      what,
      way,
      speed(bytesPerSecond),
      speed(usualBytesPerSecond),
    ]);
  return `${formatTable([["weights", "for", "kernels", "GB/s", "usual ones"], ...rows.flatMap(cells)])}\n`;
}

function table(name: string, { threads, decodeThreads, rows }: TuningResult): string {
  const cells = rows.map((row) => [
    String(row.threads),
    row.prefillTokensPerSecond.toFixed(1),
    row.decodeTokensPerSecond.toFixed(1),
  ]);
  const chosen = `${name}: ${threads} for prefill, ${decodeThreads} for decode; the daemon uses this when it loads the model\n`;
  return formatTable([["threads", "prefill tokens/s", "decode tokens/s"], ...cells]) + chosen;
}
