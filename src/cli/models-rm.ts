/** `hearth models rm`: removes models, or other names of them. */
import { Command } from "commander";
import { openStore, print } from "./models-store.js";

export function rmCommand(): Command {
  return new Command("rm")
    .description("remove models; of a model's other name only that name")
    .argument("<models...>", "names of the store")
    .action(async (names: readonly string[], _options, command: Command) => {
      const { store, flags } = openStore(command);
      for (const name of names) store.get(name); // all or none: a mistyped name removes nothing
      for (const name of names) await store.remove(name);
      print(flags.json === true, { removed: names }, names.map((name) => `${name}: removed\n`).join(""));
    });
}
