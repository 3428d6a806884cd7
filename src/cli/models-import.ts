/** `hearth models import`: copies a model of this machine into the store. */
import { Command } from "commander";
import { importModel } from "../store/import.js";
import { describeStored } from "./models-list.js";
import { openStore, print, withProgress } from "./models-store.js";
import { formatBytes } from "./terminal.js";

export function importCommand(): Command {
  return new Command("import")
    .description("copy a GGUF file into the store")
    .argument("<path>", "GGUF file; of a split model any part")
    .option("--name <name>", "name of the model; without it the file's")
    .option("--alias <name>", "another name for it")
    .action(async (path: string, _options, command: Command) => {
      const { store, flags } = openStore<{ name?: string; alias?: string }>(command);
      const json = flags.json === true;
      const { name } = await withProgress(json, (onProgress, signal) =>
        importModel(store, path, { name: flags.name, onProgress, signal }),
      );
      if (flags.alias !== undefined) await store.addAlias(name, flags.alias);
      const model = store.get(name);
      print(json, describeStored(model), `${name}: ${formatBytes(model.bytes)} in the store\n`);
    });
}
