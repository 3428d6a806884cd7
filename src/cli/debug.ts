/** `hearth debug`: the engine's raw results, for comparing it with others. */
import { Command } from "commander";
import { logitsCommand } from "./debug-logits.js";
import { templateCommand } from "./debug-template.js";
import { tokenizeCommand } from "./debug-tokenize.js";

export function debugCommand(): Command {
  return new Command("debug")
    .description("raw results of the engine")
    .addCommand(logitsCommand())
    .addCommand(templateCommand())
    .addCommand(tokenizeCommand());
}
