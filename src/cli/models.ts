/** `hearth models`: the store's commands, one file each. */
import { Command } from "commander";
import { findCommand } from "./models-find.js";
import { importCommand } from "./models-import.js";
import { listCommand } from "./models-list.js";
import { pullCommand } from "./models-pull.js";
import { rmCommand } from "./models-rm.js";
import { showCommand } from "./models-show.js";
import { verifyCommand } from "./models-verify.js";

export function modelsCommand(): Command {
  const models = new Command("models").description("the models on this machine");
  for (const command of [
    listCommand(),
    findCommand(),
    showCommand(),
    pullCommand(),
    importCommand(),
    verifyCommand(),
    rmCommand(),
  ]) {
    models.addCommand(command);
  }
  return models;
}
