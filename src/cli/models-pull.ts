/** `hearth models pull`: downloads a model into the store. */
import { Command } from "commander";
import { pullSettings } from "../daemon/pull-settings.js";
import { describeStored } from "./models-list.js";
import { openStore, print, sayStore, withProgress } from "./models-store.js";
import { formatBytes } from "./terminal.js";

export function pullCommand(): Command {
  return new Command("pull")
    .description("download a model into the store; an interrupted pull goes on where it stopped")
    .argument("<source>", "hf:owner/repo[:file or quantization], an https address, or a name of Ollama's library")
    .option("--name <name>", "name of the model in the store; without it the source's")
    .option("--alias <name>", "another name for it")
    .action(pull);
}

async function pull(source: string, _options: unknown, command: Command): Promise<void> {
  const opened = openStore<{ name?: string; alias?: string }>(command);
  const { config, store, flags } = opened;
  const json = flags.json === true;
  // Only now: it takes time to load, and the other commands do without it.
  const { defaultPullSettings, pullModel } = await import("../store/pull/model-pull.js");
  const settings = { ...defaultPullSettings, ...pullSettings(config, process.env) };
  const { model, upToDate } = await withProgress(json, (onProgress, signal) =>
    pullModel(store, source, settings, { name: flags.name, onProgress, signal, trustAddress: true }),
  );
  if (flags.alias !== undefined) await store.addAlias(model.name, flags.alias);
  const { type, architecture } = model.description;
  const what = upToDate ? "is in the store already" : "in the store";
  const text = `${model.name}: ${formatBytes(model.bytes)}, ${type} ${architecture}, ${what}\n`;
  print(json, { ...describeStored(store.get(model.name)), upToDate, store: store.folder }, text);
  sayStore(opened);
}
