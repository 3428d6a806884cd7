/** `hearth tune`: measures thread counts for prefill and for decode, and stores the result for the daemon. */
import { access, constants } from "node:fs/promises";
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { ThreadTuner } from "../daemon/thread-tuner.js";
import type { TuningResult } from "../service/thread-tuning/measure.js";
import { makeFolder, storing } from "../store/durable-files.js";
import { namedModel } from "./model.js";
import { openStore, print, withProgress } from "./models-store.js";
import { formatTable } from "./terminal.js";

export function tuneCommand(): Command {
  return new Command("tune")
    .description("measure how many threads suit a model on this board, and remember it")
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
  const tuner = new ThreadTuner(config, state, engineModule, systemClock);
  const json = flags.json === true;
  const { stderr } = process;
  if (!json) stderr.write(`measuring ${file.name} ...${stderr.isTTY ? "" : "\n"}`);
  const onProgress = (done: number) => {
    if (stderr.isTTY && !json)
      stderr.write(`\rmeasuring ${file.name} ... ${Math.round(100 * done)} %${done === 1 ? "\n" : ""}`);
  };
  const result = await withProgress(json, (_, signal) => tuner.measure(file.path, model, { signal, onProgress }));
  print(json, { model: file.name, ...result, state }, table(file.name, result));
  if (isOfService && !json) stderr.write(`in the service's state, ${state}\n`);
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
