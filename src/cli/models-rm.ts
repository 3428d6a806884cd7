/** `hearth models rm`: removes models, or other names of them. */
import path from "node:path";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import { isSameName } from "../store/model-names.js";
import type { ModelStore } from "../store/model-store.js";
import { openStore, print, sayStore } from "./models-store.js";

export function rmCommand(): Command {
  return new Command("rm")
    .description("remove models; of a model's other name only that name")
    .argument("<models...>", "names of the store")
    .option("--force", "also a model that the configuration names, or that a daemon has loaded")
    .action(async (names: readonly string[], _options, command: Command) => {
      const opened = openStore<{ force?: true }>(command);
      const { config, store, flags } = opened;
      for (const name of names) store.get(name); // all or none: a mistyped name removes nothing
      if (!flags.force) for (const name of names) await checkUnused(name, store, config);
      for (const name of names) await store.remove(name);
      const text = names.map((name) => `${name}: removed\n`).join("");
      print(flags.json === true, { removed: names, store: store.folder }, text);
      sayStore(opened);
    });
}

/** MODEL_IN_USE where the service would miss the name at its next start, or a daemon the file now. */
async function checkUnused(name: string, store: ModelStore, config: Config): Promise<void> {
  const model = store.get(name);
  const configured = config["model.path"];
  const isWhole = isSameName(name, model.name);
  // An alias of the configured model may go, unless the configuration uses that very name.
  const isMeant = isWhole
    ? store.find(configured)?.name === model.name || model.paths.includes(path.resolve(configured))
    : isSameName(name, configured);
  const quoted = JSON.stringify(name.slice(0, 80));
  if (configured !== "" && isMeant) {
    throw new HearthError("MODEL_IN_USE", `${quoted} is the model of the configuration (model.path).`);
  }
  if (isWhole && (await store.isUsed(name))) {
    throw new HearthError("MODEL_IN_USE", `${quoted} is loaded by a running daemon.`);
  }
}
