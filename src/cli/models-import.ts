/** `hearth models import`: copies a model of this machine into the store. */

import { access, constants, stat } from "node:fs/promises";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { importFolder } from "../store/huggingface/import.js";
import { importModel } from "../store/import-model.js";
import { describeStored } from "./models-list.js";
import { openStore, print, sayStore, withProgress } from "./models-store.js";
import { formatBytes } from "./terminal.js";

export function importCommand(): Command {
  return new Command("import")
    .description("copy a GGUF file into the store, or convert a Hugging Face folder")
    .argument(
      "<path>",
      "GGUF file (of a split model any part), or a folder with safetensors, config.json and tokenizer.json",
    )
    .option("--name <name>", "name of the model; without it the file's")
    .option("--alias <name>", "another name for it")
    .option("--type <type>", "of a folder: quantize to this type, such as Q4_K_M, on the way")
    .action(async (path: string, _options, command: Command) => {
      const opened = openStore<{ name?: string; alias?: string; type?: string }>(command);
      const { store, flags } = opened;
      const json = flags.json === true;
      // A path that cannot be read is refused next, with the reason.
      const isFolder = (await stat(path).catch(() => null))?.isDirectory() === true;
      await access(path, constants.R_OK);
      if (flags.type !== undefined && !isFolder) {
        throw new HearthError("COMMAND_INVALID", "--type is for folders; `hearth quantize` changes a GGUF file.");
      }
      const { name } = await withProgress(json, (onProgress, signal) => {
        const options = { name: flags.name, onProgress, signal };
        return isFolder
          ? importFolder(store, path, { ...options, type: flags.type })
          : importModel(store, path, options);
      });
      if (flags.alias !== undefined) await store.addAlias(name, flags.alias);
      const model = store.get(name);
      const text = `${name}: ${formatBytes(model.bytes)} in the store\n`;
      print(json, { ...describeStored(model), store: store.folder }, text);
      sayStore(opened);
    });
}
